import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { code } from '../src/code.ts'
import type { Handler } from '../src/handler.ts'
import { messageBytesMax } from '../src/limits.ts'
import { type Message, type Response, noBytes } from '../src/message.ts'
import { FrameReader } from '../src/frame-reader.ts'
import { createCapabilities, createSignal } from '../src/signal.ts'
import { encodeFrameHead } from '../src/stream-frame.ts'
import { bytesOf, get, pattern, put, textOf } from './samples.ts'
import { MemoryConnection, createSession, createSessionPair } from './session-pair.ts'
import { VirtualClock, settle } from './virtual-clock.ts'

const longAnswer = { code: code.content, payload: pattern(32_768) }
const hello: Handler = () => ({ code: code.content, payload: bytesOf('hello') })
const echo: Handler = ({ payload }) => ({ code: code.content, payload })

function encode(message: Message): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeFrameHead(message), message.payload]))
}

function requestFrame(token: number, payload: Uint8Array = noBytes): Uint8Array {
  return encode({ code: code.get, token: Uint8Array.of(token), options: [], payload })
}

const greeting = encode(createCapabilities({ messageBytesMax, takesBlocks: true }))

function messagesOf(connection: MemoryConnection): Message[] {
  const messages: Message[] = []
  const reader = new FrameReader(messageBytesMax)
  for (const bytes of connection.written) reader.read(bytes, (message) => messages.push(message))
  return messages
}

describe('a stream session', () => {
  test('asks and answers in both directions on one connection', async () => {
    const clock = new VirtualClock()
    const { near, far } = createSessionPair(clock, { near: hello, far: echo })
    expect(textOf(await near.request(put('/x', bytesOf('one'))))).toBe('one')
    expect(textOf(await far.request(get('/x')))).toBe('hello')
  })

  test('lets a handler ask whoever asked', async () => {
    const clock = new VirtualClock()
    const { near } = createSessionPair(clock, {
      near: hello,
      far: async ({ peer }) => ({ code: code.content, payload: (await peer.request(get('/'))).payload })
    })
    expect(textOf(await near.request(get('/')))).toBe('hello')
  })

  test('runs many requests side by side, each with its answer', async () => {
    const clock = new VirtualClock()
    const { near } = createSessionPair(clock, {
      far: async ({ payload }) => {
        await new Promise<void>((resolve) => void clock.schedule(payload[0] ?? 0, resolve))
        return { code: code.content, payload }
      }
    })
    const answers = Promise.all(
      Array.from({ length: 200 }, (_, index) => near.request(put('/x', Uint8Array.of(200 - index, index))))
    )
    await clock.pass(500)
    expect((await answers).map(({ payload }) => payload[1])).toEqual(
      Array.from({ length: 200 }, (_, index) => index)
    )
  })

  test.each([1, 100, 1000])(
    'waits for the capabilities before a long message, in pieces of %i',
    async (piece) => {
      const clock = new VirtualClock()
      const { near } = createSessionPair(clock, { far: echo }, piece)
      const answer = await near.request(put('/x', pattern(100_000)))
      expect(Buffer.compare(answer.payload, pattern(100_000))).toBe(0)
      expect(near.capabilities).toEqual({ messageBytesMax, takesBlocks: true })
    }
  )

  test('sends blocks to a peer that takes only short messages', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection)
    session.receive(encode(createCapabilities({ messageBytesMax: 1152, takesBlocks: true })))
    void session.request(put('/x', pattern(5000))).catch(() => undefined)
    await settle()
    const [, request] = messagesOf(connection)
    expect(request?.payload.length).toBeLessThanOrEqual(1024)
    expect(request?.options.some(({ number }) => number === 27)).toBe(true)
  })

  test('cuts an answer for such a peer, block by block', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, () => ({ code: code.content, payload: pattern(1500) }))
    session.receive(encode(createCapabilities({ messageBytesMax: 1152, takesBlocks: true })))
    session.receive(requestFrame(1))
    const second = { number: 23, value: Uint8Array.of(0x15) } // block 1 of 512 bytes
    session.receive(encode({ code: code.get, token: Uint8Array.of(2), options: [second], payload: noBytes }))
    await settle()
    const answers = messagesOf(connection).slice(1)
    expect(answers.map(({ payload }) => payload.length)).toEqual([1024, 512])
    expect(answers[1]?.payload).toEqual(pattern(1500).slice(512, 1024))
  })

  test('answers a ping and takes a pong without a token for the oldest one', async () => {
    const clock = new VirtualClock()
    const { near } = createSessionPair(clock, {})
    await expect(near.ping()).resolves.toBeUndefined()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection)
    session.receive(greeting)
    const pings = [session.ping(), session.ping()]
    session.receive(encode(createSignal(code.pong)))
    session.receive(encode(createSignal(code.pong)))
    await Promise.all(pings)
  })

  test('fails a ping that nobody answers', async () => {
    const clock = new VirtualClock()
    const session = createSession(clock, new MemoryConnection())
    session.receive(greeting)
    const failure = expect(session.ping({ timeoutMs: 3000 })).rejects.toMatchObject({
      code: 'ERR_COAP_TIMEOUT'
    })
    await clock.pass(4000)
    await failure
  })

  test('fails a request that is not answered in time', async () => {
    const clock = new VirtualClock()
    const { near } = createSessionPair(clock, { far: () => new Promise(() => undefined) })
    const answer = near.request(get('/'), { timeoutMs: 5000 })
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    await clock.pass(7000)
    await failure
  })

  test('fails a request that its caller gives up', async () => {
    const clock = new VirtualClock()
    const { near } = createSessionPair(clock, { far: () => new Promise(() => undefined) })
    const controller = new AbortController()
    const answer = near.request(get('/'), { signal: controller.signal })
    controller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_CANCELLED' })
  })

  test('leaves nothing on the signal of its caller', async () => {
    const { near } = createSessionPair(new VirtualClock(), { far: hello })
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 50 }, () => near.request(get('/x'), { signal })))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('fails when an answer comes in blocks without end, slowly or not', async () => {
    const clock = new VirtualClock()
    let asked = 0
    const blockOf = (number: number): Response => ({
      code: code.content,
      options: [{ number: 23, value: Uint8Array.of(number >> 4, ((number & 15) << 4) | 8) }],
      payload: new Uint8Array(16)
    })
    const connection = new MemoryConnection()
    const session = createSession(clock, connection)
    session.receive(greeting)
    const reader = new FrameReader(messageBytesMax)
    let delayMs = 20_000
    connection.onWrite = (bytes) =>
      reader.read(bytes, ({ code: value, token }) => {
        if (value !== code.get) return
        const frame = encode({ options: [], payload: noBytes, ...blockOf(asked++), token })
        clock.schedule(delayMs, () => session.receive(frame))
      })
    const slow = expect(session.request(get('/x'))).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    for (let round = 0; round < 20; round++) await clock.pass(20_000)
    await slow
    expect(asked).toBeLessThan(20)
    asked = 0
    delayMs = 0
    const endless = session.request(get('/x'), { bodyBytesMax: 1024 })
    const refused = expect(endless).rejects.toMatchObject({ code: 'ERR_COAP_TOO_LARGE' })
    for (let round = 0; round < 70; round++) await clock.pass(1)
    await refused
    expect(asked).toBe(65)
  })

  test('delivers what is observed until it is ended', async () => {
    const clock = new VirtualClock()
    const listeners = new Set<(response: Response) => void>()
    const { near } = createSessionPair(clock, {
      far: () => ({
        code: code.content,
        payload: bytesOf('first'),
        subscribe(notify) {
          listeners.add(notify)
          return () => void listeners.delete(notify)
        }
      })
    })
    const seen: string[] = []
    const observation = await near.observe(get('/x'), (response) => void seen.push(textOf(response)))
    expect(textOf(observation.first)).toBe('first')
    for (const text of ['a', 'b']) {
      for (const notify of listeners) notify({ code: code.content, payload: bytesOf(text) })
      await settle()
    }
    expect(seen).toEqual(['a', 'b'])
    observation.end()
    await settle()
    expect(listeners.size).toBe(0)
  })

  test('lets running requests end when it is released', async () => {
    const clock = new VirtualClock()
    const { near, far } = createSessionPair(clock, {
      far: async () => {
        await new Promise<void>((resolve) => void clock.schedule(1000, resolve))
        return { code: code.content, payload: bytesOf('late') }
      }
    })
    const answer = near.request(get('/'))
    await settle()
    const closed = near.close()
    await expect(near.request(get('/'))).rejects.toMatchObject({ code: 'ERR_COAP_CLOSED' })
    await clock.pass(2000)
    expect(textOf(await answer)).toBe('late')
    await closed
    expect(await far.closed).toBeUndefined()
  })

  test('fails what runs when the peer breaks off', async () => {
    const clock = new VirtualClock()
    const { near, far } = createSessionPair(clock, { far: () => new Promise(() => undefined) })
    const answer = near.request(get('/'))
    await settle()
    far.abort('for the test')
    await expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_CLOSED' })
    expect(await near.closed).toMatchObject({ message: expect.stringContaining('for the test') as unknown })
  })
})

describe('a peer that does not keep to the rules', () => {
  const cutOff = async (bytes: readonly Uint8Array[], passMs = 0): Promise<MemoryConnection> => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, hello)
    for (const piece of bytes) session.receive(piece)
    await clock.pass(passMs)
    return connection
  }

  test.each([
    ['that asks before it has greeted', [requestFrame(1)]],
    ['that announces a message above the limit', [greeting, Uint8Array.of(0xf0, 0xff, 0xff, 0xff, 0xff)]],
    ['that sends a reserved code', [greeting, Uint8Array.of(0, 0x20)]],
    ['that sends a signal with an unknown critical option', [Uint8Array.of(0x10, 0xe1, 0x10)]],
    ['that sends a token of 15 bytes', [greeting, Uint8Array.of(0x0f, 1)]]
  ])('%s is told so and cut off', async (_, bytes) => {
    const connection = await cutOff(bytes)
    expect(connection.isEnded).toBe(true)
    expect(messagesOf(connection).at(-1)?.code).toBe(code.abort)
  })

  test('that never greets is cut off', async () => {
    expect((await cutOff([], 9000)).isEnded).toBe(false)
    expect((await cutOff([], 12_000)).isEnded).toBe(true)
  })

  test('that never ends a message is cut off, though it sends a byte now and then', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, hello)
    session.receive(greeting)
    session.receive(Uint8Array.of(0xe0, 0xff, 0xff))
    for (let second = 0; second < 32; second++) {
      session.receive(Uint8Array.of(0))
      await clock.pass(1000)
    }
    expect(connection.isEnded).toBe(true)
  })

  test('that is merely busy is not: messages end all the time, though bytes stop within one', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, hello)
    session.receive(greeting)
    const frame = requestFrame(1)
    session.receive(frame.slice(0, 1))
    for (let second = 0; second < 60; second++) {
      session.receive(new Uint8Array([...frame.slice(1), ...frame.slice(0, 1)]))
      await clock.pass(1000)
    }
    expect(connection.isEnded).toBe(false)
  })

  test('that does not read is not read either, and cut off at last', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, () => longAnswer)
    session.receive(greeting)
    await settle()
    connection.isStalled = true
    for (let token = 0; token < 3000 && !connection.isPaused; token++)
      session.receive(requestFrame(token & 255))
    await settle()
    expect(connection.isPaused).toBe(true)
    expect(session.heldBytes).toBeLessThan(3_000_000)
    await clock.pass(70_000)
    expect(connection.isEnded).toBe(true)
  })

  test('that reads slowly is served when it does', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, () => longAnswer)
    session.receive(greeting)
    await settle()
    connection.isStalled = true
    let asked = 0
    while (!connection.isPaused) session.receive(requestFrame(asked++ & 255))
    await clock.pass(10_000)
    while (connection.isPaused || session.heldBytes > 0) {
      connection.takeAll()
      session.drained()
      await settle()
    }
    expect(messagesOf(connection).filter(({ code: value }) => value === code.content)).toHaveLength(asked)
    expect(connection.isEnded).toBe(false)
  })

  test('that is idle for long is released, and its own requests are answered before', async () => {
    const clock = new VirtualClock()
    const connection = new MemoryConnection()
    const session = createSession(clock, connection, hello)
    session.receive(greeting)
    await clock.pass(299_000)
    session.receive(requestFrame(1))
    await clock.pass(299_000)
    expect(connection.isEnded).toBe(false)
    await clock.pass(10_000)
    expect(connection.isEnded).toBe(true)
    expect(messagesOf(connection).map(({ code: value }) => value)).toEqual([
      code.capabilities,
      code.content,
      code.release
    ])
  })

  test('that sends anything at all does no harm', async () => {
    const clock = new VirtualClock()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.boolean(),
        async (pieces, greets) => {
          const connection = new MemoryConnection()
          const session = createSession(clock, connection, hello)
          if (greets) session.receive(greeting)
          for (const piece of pieces) session.receive(piece)
          await settle()
          session.ended()
          await session.closed
        }
      ),
      { numRuns: 300 }
    )
  })
})

describe('whoever dialled', () => {
  test('pings a connection that is silent, so that it is not released', async () => {
    const clock = new VirtualClock()
    const { near, farEnd } = createSessionPair(clock, { far: hello })
    await clock.pass(1_000_000)
    expect(farEnd.isEnded).toBe(false)
    expect(textOf(await near.request(get('/')))).toBe('hello')
  })
})
