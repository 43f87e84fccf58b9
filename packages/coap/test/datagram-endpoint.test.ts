import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { code } from '../src/code.ts'
import { encodeDatagram } from '../src/datagram.ts'
import type { HandlerResponse, IncomingRequest } from '../src/handler.ts'
import type { ReceivedResponse, Response } from '../src/message.ts'
import { DatagramNetwork } from './datagram-network.ts'
import { bytesOf, get, pattern, put, textOf } from './samples.ts'
import { VirtualClock } from './virtual-clock.ts'

function hello(): HandlerResponse {
  return { code: code.content, payload: bytesOf('hello') }
}

/** Keeps what is put and gives it back; counts. */
function createStore(): {
  handler: (request: IncomingRequest) => HandlerResponse
  puts: number
  body: Uint8Array
} {
  const store = {
    puts: 0,
    body: new Uint8Array(0),
    handler: (request: IncomingRequest): HandlerResponse => {
      if (request.code !== code.put) return { code: code.content, payload: store.body }
      store.puts++
      store.body = request.payload.slice()
      return { code: code.changed }
    }
  }
  return store
}

describe('a request over datagrams', () => {
  test('is answered with its acknowledgement', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', hello)
    const answer = network.join('client:1').peer('server:1').request(get('/'))
    await clock.pass(100)
    expect(textOf(await answer)).toBe('hello')
    expect(network.sent).toHaveLength(2)
  })

  test('is repeated after 2 to 3 seconds, with pauses that double, five times in all', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, () => 0)
    const answer = network.join('client:1').peer('server:1').request(get('/'))
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    await clock.pass(93_000)
    await failure
    const times = network.sent.map(({ at }) => at)
    expect(times).toHaveLength(5)
    const first = times[1] ?? 0
    expect(first).toBeGreaterThanOrEqual(2000)
    expect(first).toBeLessThan(3000)
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(first * (2 ** index - 1), 6)
  })

  test('acts once when every datagram comes three times', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, () => 3)
    const store = createStore()
    network.join('server:1', store.handler)
    const answer = network
      .join('client:1')
      .peer('server:1')
      .request(put('/x', bytesOf('once')))
    await clock.pass(5000)
    expect((await answer).code).toBe(code.changed)
    expect(store.puts).toBe(1)
  })

  test('acts once when its answers are lost', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, ({ from, at }) => (from === 'server:1' && at < 8000 ? 0 : 1))
    const store = createStore()
    network.join('server:1', store.handler)
    const answer = network
      .join('client:1')
      .peer('server:1')
      .request(put('/x', bytesOf('once')))
    await clock.pass(30_000)
    expect((await answer).code).toBe(code.changed)
    expect(store.puts).toBe(1)
  })

  test('whose answer takes long is acknowledged at once and answered apart', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', async () => {
      await new Promise<void>((resolve) => void clock.schedule(10_000, resolve))
      return hello()
    })
    const answer = network.join('client:1').peer('server:1').request(get('/'))
    await clock.pass(20_000)
    expect(textOf(await answer)).toBe('hello')
    expect(network.sent.map(({ from, bytes }) => [from, (bytes[0] ?? 0) >> 4])).toEqual([
      ['client:1', 4], // confirmable
      ['server:1', 6], // acknowledged
      ['server:1', 4], // answer, confirmable
      ['client:1', 6]
    ])
  })

  test('that is not confirmable is sent once', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, () => 0)
    const answer = network.join('client:1').peer('server:1').request(get('/'), { isConfirmable: false })
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    await clock.pass(60_000)
    await failure
    expect(network.sent).toHaveLength(1)
  })

  test('waits while another one to the same peer runs', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', hello)
    const peer = network.join('client:1').peer('server:1')
    const answers = Promise.all([peer.request(get('/')), peer.request(get('/'))])
    await clock.pass(1)
    expect(network.sent).toHaveLength(1)
    await clock.pass(100)
    expect(await answers).toHaveLength(2)
  })

  test('is ended by the signal of the caller, and not repeated any more', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, () => 0)
    const controller = new AbortController()
    const answer = network.join('client:1').peer('server:1').request(get('/'), { signal: controller.signal })
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_CANCELLED' })
    await clock.pass(100)
    controller.abort()
    await failure
    await clock.pass(90_000)
    expect(network.sent).toHaveLength(1)
  })

  test('cannot be answered by somebody else', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, ({ to }) => (to === 'server:1' ? 0 : 1))
    const client = network.join('client:1')
    const answer = client.peer('server:1').request(get('/'), { timeoutMs: 20_000 })
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    await clock.pass(10)
    const [request] = network.sent
    const [, , high = 0, low = 0] = request?.bytes ?? []
    const forged = {
      type: 2,
      id: (high << 8) | low,
      code: code.content,
      options: [],
      payload: bytesOf('lie')
    }
    client.receive(
      encodeDatagram({ ...forged, token: request?.bytes.slice(4, 12) ?? new Uint8Array(0) }),
      'other:1'
    )
    client.receive(encodeDatagram({ ...forged, token: new Uint8Array(8) }), 'server:1')
    await clock.pass(30_000)
    await failure
  })

  test('with an unknown critical option is answered 4.02', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', hello)
    const request = { code: code.get, options: [{ number: 2001, value: new Uint8Array(0) }] }
    const answer = network.join('client:1').peer('server:1').request(request)
    await clock.pass(100)
    expect((await answer).code).toBe(code.badOption)
  })

  test('is answered 5.00 when the handler throws', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', () => {
      throw new Error('a secret')
    })
    const answer = network.join('client:1').peer('server:1').request(get('/'))
    await clock.pass(100)
    expect(await answer).toMatchObject({ code: code.internalServerError, payload: new Uint8Array(0) })
  })
})

describe('a ping', () => {
  test('is answered by whoever is there', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1')
    const ping = network.join('client:1').peer('server:1').ping()
    await clock.pass(100)
    await expect(ping).resolves.toBeUndefined()
  })

  test('to nobody fails', async () => {
    const clock = new VirtualClock()
    const ping = new DatagramNetwork(clock).join('client:1').peer('nobody:1').ping({ timeoutMs: 5000 })
    const failure = expect(ping).rejects.toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
    await clock.pass(6000)
    await failure
  })
})

describe('block-wise transfer', () => {
  test.each([0, 1, 1023, 1024, 1025, 2048, 32_768, 100_000])(
    'carries a body of %i bytes there and back',
    async (length) => {
      const clock = new VirtualClock()
      const network = new DatagramNetwork(clock)
      const store = createStore()
      network.join('server:1', store.handler)
      const peer = network.join('client:1').peer('server:1')
      const stored = peer.request(put('/x', pattern(length)))
      await clock.pass(10_000)
      expect((await stored).code).toBe(code.changed)
      expect(store.puts).toBe(1)
      const fetched = peer.request(get('/x'))
      await clock.pass(10_000)
      expect(Buffer.compare((await fetched).payload, pattern(length))).toBe(0)
    }
  )

  test('carries it over a network that loses, repeats and delays', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 1, 1, 2), { minLength: 30, maxLength: 60 }),
        async (fates) => {
          const clock = new VirtualClock()
          const network = new DatagramNetwork(clock, (_, index) => fates[index] ?? 1)
          const store = createStore()
          network.join('server:1', store.handler)
          const peer = network.join('client:1').peer('server:1')
          const done = peer
            .request(put('/x', pattern(3000)), { blockBytes: 256 })
            .then((stored) => peer.request(get('/x')).then((fetched) => ({ stored, fetched })))
            .catch((error: unknown) => ({ error }))
          await clock.pass(2_000_000)
          const outcome = await done
          if ('error' in outcome) expect(outcome.error).toMatchObject({ code: 'ERR_COAP_TIMEOUT' })
          else {
            expect(outcome.stored.code).toBe(code.changed)
            expect(Buffer.compare(outcome.fetched.payload, pattern(3000))).toBe(0)
            expect(store.puts).toBe(1)
          }
        }
      ),
      { numRuns: 40 }
    )
  })

  test('keeps bodies apart that are sent to one place at one time', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    const bodies: number[] = []
    network.join('server:1', ({ payload }) => {
      bodies.push(payload.length)
      return { code: code.changed }
    })
    const peer = network.join('client:1', undefined, 8).peer('server:1')
    const done = Promise.all([3000, 4000, 5000].map((length) => peer.request(put('/x', pattern(length)))))
    await clock.pass(1000)
    expect((await done).map((response) => response.code)).toEqual([code.changed, code.changed, code.changed])
    expect(bodies).toEqual([3000, 4000, 5000])
  })

  test('refuses a body above the limit', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', createStore().handler)
    const answer = network
      .join('client:1')
      .peer('server:1')
      .request(put('/x', new Uint8Array(2_000_000)))
    await clock.pass(1000)
    expect((await answer).code).toBe(code.requestEntityTooLarge)
  })

  test('refuses a block that is not the next one', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', createStore().handler)
    const peer = network.join('client:1').peer('server:1')
    const options = [...put('/x', new Uint8Array(0)).options, { number: 27, value: Uint8Array.of(0x16) }]
    const answer = peer.request({ code: code.put, options, payload: pattern(1024) })
    await clock.pass(1000)
    expect((await answer).code).toBe(code.requestEntityIncomplete)
  })

  test('forgets an upload that does not go on', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', createStore().handler)
    const peer = network.join('client:1').peer('server:1')
    const block = (value: number): ReturnType<typeof put> => ({
      ...put('/x', pattern(1024)),
      options: [...put('/x', new Uint8Array(0)).options, { number: 27, value: Uint8Array.of(value) }]
    })
    const first = peer.request(block(0x0e))
    await clock.pass(1000)
    expect((await first).code).toBe(code.continue)
    await clock.pass(61_000)
    const second = peer.request(block(0x16))
    await clock.pass(1000)
    expect((await second).code).toBe(code.requestEntityIncomplete)
  })
})

describe('observing', () => {
  function createResource(): {
    handler: () => HandlerResponse
    change: (text: string) => void
    observers: number
  } {
    const listeners = new Set<(response: Response) => void>()
    let text = 'first'
    const current = (): Response => ({ code: code.content, payload: bytesOf(text) })
    return {
      handler: () => ({
        ...current(),
        subscribe(notify) {
          listeners.add(notify)
          return () => void listeners.delete(notify)
        }
      }),
      change(next) {
        text = next
        for (const notify of listeners) notify(current())
      },
      get observers() {
        return listeners.size
      }
    }
  }

  test('delivers the state at first and each newer one until it is ended', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    const resource = createResource()
    network.join('server:1', resource.handler)
    const seen: string[] = []
    const begun = network
      .join('client:1')
      .peer('server:1')
      .observe(get('/x'), (response) => void seen.push(textOf(response)))
    await clock.pass(100)
    const observation = await begun
    expect(textOf(observation.first)).toBe('first')
    expect(observation.isObserving).toBe(true)
    resource.change('second')
    await clock.pass(100)
    resource.change('third')
    await clock.pass(100)
    expect(seen).toEqual(['second', 'third'])
    observation.end()
    await clock.pass(100)
    expect(resource.observers).toBe(0)
    resource.change('fourth')
    await clock.pass(100)
    expect(seen).toEqual(['second', 'third'])
  })

  test('skips states that nobody could take in time and brings the newest', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, ({ at }) => (at > 1000 && at < 5000 ? 0 : 1))
    const resource = createResource()
    network.join('server:1', resource.handler)
    const seen: string[] = []
    const begun = network
      .join('client:1')
      .peer('server:1')
      .observe(get('/x'), (response) => void seen.push(textOf(response)))
    await clock.pass(1500)
    await begun
    for (const text of ['a', 'b', 'c', 'd']) resource.change(text)
    await clock.pass(60_000)
    expect(seen.at(-1)).toBe('d')
    expect(seen.length).toBeLessThanOrEqual(2)
  })

  test('ends by itself when the observer is gone', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock, ({ at }) => (at > 1000 ? 0 : 1))
    const resource = createResource()
    network.join('server:1', resource.handler)
    const begun = network
      .join('client:1')
      .peer('server:1')
      .observe(get('/x'), () => undefined)
    await clock.pass(1500)
    await begun
    resource.change('unseen')
    await clock.pass(200_000)
    expect(resource.observers).toBe(0)
  })

  test('of what cannot be observed gives one answer and no more', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    network.join('server:1', hello)
    const begun = network
      .join('client:1')
      .peer('server:1')
      .observe(get('/x'), () => undefined)
    await clock.pass(100)
    expect(await begun).toMatchObject({ isObserving: false })
  })

  test('fetches a long state whole', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    let notify: (response: Response) => void = () => undefined
    let body = pattern(5000)
    network.join('server:1', () => ({
      code: code.content,
      payload: body,
      subscribe(listener) {
        notify = listener
        return () => undefined
      }
    }))
    const seen: ReceivedResponse[] = []
    const begun = network
      .join('client:1')
      .peer('server:1')
      .observe(get('/x'), (response) => void seen.push(response))
    await clock.pass(1000)
    expect((await begun).first.payload.length).toBe(5000)
    body = pattern(6000)
    notify({ code: code.content, payload: body })
    await clock.pass(1000)
    expect(seen.map(({ payload }) => payload.length)).toEqual([6000])
  })
})

describe('an endpoint', () => {
  test('takes any datagram without falling over, and answers what is confirmable with a reset', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    const server = network.join('server:1', hello)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => server.receive(bytes, 'enemy:1')),
      { numRuns: 1000 }
    )
    network.sent.length = 0
    server.receive(Uint8Array.of(0x40, 0x01, 0x12, 0x34, 0xff), 'enemy:1')
    expect(network.sent.map(({ bytes }) => [...bytes])).toEqual([[0x70, 0, 0x12, 0x34]])
    const answer = network.join('client:1').peer('server:1').request(get('/'))
    await clock.pass(100)
    expect(textOf(await answer)).toBe('hello')
  })

  test('answers 5.03 when it answers too many already', async () => {
    const clock = new VirtualClock()
    const network = new DatagramNetwork(clock)
    const server = network.join('server:1', () => new Promise(() => undefined))
    const request = {
      type: 0,
      code: code.get,
      token: new Uint8Array(0),
      options: [],
      payload: new Uint8Array(0)
    }
    for (let id = 0; id < 1025; id++) server.receive(encodeDatagram({ ...request, id }), 'client:1')
    expect(network.sent.map(({ bytes }) => bytes[1])).toEqual([code.serviceUnavailable])
    await clock.pass(0)
  })

  test('fails what waits when it is closed', async () => {
    const clock = new VirtualClock()
    const client = new DatagramNetwork(clock, () => 0).join('client:1')
    const answer = client.peer('server:1').request(get('/'))
    const failure = expect(answer).rejects.toMatchObject({ code: 'ERR_COAP_CLOSED' })
    await clock.pass(10)
    client.close()
    await failure
    await expect(client.peer('server:1').request(get('/'))).rejects.toMatchObject({ code: 'ERR_COAP_CLOSED' })
  })
})
