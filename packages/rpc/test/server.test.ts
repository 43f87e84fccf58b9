import { describe, expect, test } from 'vitest'

import { createRpcServer, type RpcLogEntry, type RpcServer, type RpcServerLimits } from '@blocktree/rpc'
import { createConformanceHandlers } from '@blocktree/rpc/conformance'

import { connectRaw, lineOf, settle } from './raw-connection.ts'

function createServer(
  limits: Partial<RpcServerLimits> = {},
  log?: (entry: RpcLogEntry) => void
): RpcServer<unknown> {
  return createRpcServer({
    handlers: createConformanceHandlers(),
    limits,
    ...(log === undefined ? {} : { log })
  })
}

function echo(id: unknown, text = 'a'): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method: 'test.echo', params: { text } }
}

function refusal(id: unknown, code: string): unknown {
  return expect.objectContaining({
    id,
    error: expect.objectContaining({ data: expect.objectContaining({ code }) })
  })
}

const stillAnswers = { jsonrpc: '2.0', id: 'next', result: { text: 'still here' } }

describe('a JSON line', () => {
  test('is answered with the id it carries, text or number or null', () => {
    const raw = connectRaw(createServer())
    for (const id of [1, 'a"b', null, -5]) raw.say(echo(id))
    expect(raw.messages()).toEqual(
      [1, 'a"b', null, -5].map((id) => ({ jsonrpc: '2.0', id, result: { text: 'a' } }))
    )
  })

  test('without an id is not answered', () => {
    const raw = connectRaw(createServer())
    raw.say({ jsonrpc: '2.0', method: 'test.echo', params: { text: 'a' } })
    raw.say({ jsonrpc: '2.0', method: 'test.unknown' })
    expect(raw.messages()).toEqual([])
  })

  test.each([
    ['that is not JSON', '{"jsonrpc"', null, 'ERR_RPC_PARSE'],
    ['that is a number', '5', null, 'ERR_RPC_REQUEST'],
    ['without a method', '{"id":7}', 7, 'ERR_RPC_REQUEST'],
    ['with a method that is no text', '{"id":7,"method":{}}', 7, 'ERR_RPC_REQUEST'],
    ['with an id that is an object', '{"id":{},"method":"test.echo"}', null, 'ERR_RPC_REQUEST'],
    ['with an id that is a fraction', '{"id":1.5,"method":"test.echo"}', null, 'ERR_RPC_REQUEST'],
    ['with an unknown method', '{"id":7,"method":"test.eco"}', 7, 'ERR_RPC_METHOD_UNKNOWN'],
    ['with an inherited name as its method', '{"id":7,"method":"toString"}', 7, 'ERR_RPC_METHOD_UNKNOWN'],
    ['with parameters by position', '{"id":7,"method":"test.echo","params":["a"]}', 7, 'ERR_RPC_PARAMS'],
    ['with null parameters', '{"id":7,"method":"test.echo","params":null}', 7, 'ERR_RPC_PARAMS'],
    [
      'with a parameter of another type',
      '{"id":7,"method":"test.echo","params":{"text":5}}',
      7,
      'ERR_RPC_PARAMS'
    ],
    [
      'with a prototype among the parameters',
      '{"id":7,"method":"test.echo","params":{"text":"a","__proto__":{}}}',
      7,
      'ERR_RPC_PARAMS'
    ],
    ['with broken base64', '{"id":7,"method":"test.bytes","params":{"content":"*"}}', 7, 'ERR_RPC_PARAMS'],
    ['with an empty batch', '[]', null, 'ERR_RPC_REQUEST'],
    ['nested very deep', '['.repeat(100_000), null, 'ERR_RPC_PARSE'],
    ['nested very deep and closed', '['.repeat(100_000) + ']'.repeat(100_000), null, 'ERR_RPC_REQUEST']
  ])('%s is refused, and the next one is answered', async (_name, line, id, code) => {
    const raw = connectRaw(createServer())
    raw.sayText(line + '\n')
    raw.say(echo('next', 'still here'))
    await settle()
    expect([raw.messages()[0]].flat()[0]).toEqual(refusal(id, code))
    expect(raw.messages()[1]).toEqual(stillAnswers)
  })

  test('of binary garbage is refused, and the next one is answered', () => {
    const raw = connectRaw(createServer())
    raw.receiver.receive(new Uint8Array([0x7f, 0xff, 0xfe, 0x00, 0x80, 0x0a]))
    raw.say(echo('next', 'still here'))
    expect(raw.messages()).toEqual([refusal(null, 'ERR_RPC_PARSE'), stillAnswers])
  })

  test('that is empty or blank is passed over', () => {
    const raw = connectRaw(createServer())
    raw.sayText(' \n\r\n\n')
    raw.say(echo('next', 'still here'))
    expect(raw.messages()).toEqual([stillAnswers])
  })

  test('of 1 GiB is skipped in flat memory, and the next one is answered', () => {
    const raw = connectRaw(createServer())
    const chunk = new Uint8Array(1024 * 1024).fill(0x61)
    chunk[0] = 0x22
    const before = process.memoryUsage().arrayBuffers
    let peak = 0
    for (let sent = 0; sent < 1024; sent++) {
      raw.receiver.receive(chunk.slice())
      if (sent % 64 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    raw.sayText('\n')
    raw.say(echo('next', 'still here'))
    expect(raw.messages()).toEqual([refusal(null, 'ERR_RPC_LINE_TOO_LONG'), stillAnswers])
    expect(peak).toBeLessThan(400 * 1024 * 1024) // garbage not collected yet included
  })

  test('cut in half waits for its other half', () => {
    const raw = connectRaw(createServer())
    const line = lineOf(echo('next', 'still here'))
    raw.receiver.receive(line.slice(0, 20))
    expect(raw.messages()).toEqual([])
    raw.receiver.receive(line.slice(20))
    expect(raw.messages()).toEqual([stillAnswers])
  })

  test('without its newline counts when the input finishes', async () => {
    const raw = connectRaw(createServer())
    raw.sayText('{"id":"next","method":"test.later","params":{"text":"still here"}}')
    await raw.receiver.finish()
    expect(raw.messages()).toEqual([stillAnswers])
    expect(raw.closed).toBe(true)
  })
})

describe('a batch', () => {
  test('is answered by one array, slow and fast and wrong ones together', async () => {
    const raw = connectRaw(createServer())
    raw.say([
      echo(1),
      { id: 2, method: 'test.later', params: { text: 'b' } },
      5,
      { method: 'test.echo', params: { text: 'x' } }
    ])
    await settle()
    const [answers] = raw.messages()
    expect(answers).toHaveLength(3)
    expect(answers).toContainEqual({ jsonrpc: '2.0', id: 2, result: { text: 'b' } })
    expect(answers).toContainEqual(refusal(null, 'ERR_RPC_REQUEST'))
  })

  test('of notifications alone is not answered', () => {
    const raw = connectRaw(createServer())
    raw.say([
      { method: 'test.echo', params: { text: 'x' } },
      { method: 'stream.end', params: { id: 4 } }
    ])
    expect(raw.messages()).toEqual([])
  })

  test('of too many requests is refused as one', () => {
    const raw = connectRaw(createServer({ batchRequestsMax: 3 }))
    raw.say([echo(1), echo(2), echo(3), echo(4)])
    expect(raw.messages()).toEqual([refusal(null, 'ERR_RPC_REQUEST')])
  })
})

describe('a peer that does not read its answers', () => {
  test('is not read either: 100,000 requests take bounded memory, and all are answered once it reads', async () => {
    const raw = connectRaw(createServer())
    raw.takesMore = false
    const progress = { asked: 0 }
    const ask = (): Uint8Array => lineOf(echo(progress.asked++))
    const feed = (): void => {
      while (!raw.paused && progress.asked < 100_000)
        raw.receiver.receive(Buffer.concat(Array.from({ length: 100 }, ask)))
    }
    feed()
    expect(progress.asked).toBeLessThan(5000)
    expect(raw.sentBytes).toBeLessThan(1024 * 1024)
    raw.takesMore = true
    while (progress.asked < 100_000) {
      raw.receiver.drained()
      feed()
    }
    await settle()
    expect(raw.messages()).toHaveLength(100_000)
  })

  test('has its slow requests parked up to a bound', async () => {
    const raw = connectRaw(createServer({ requestsInFlightMax: 4, requestsWaitingMax: 10 }))
    let id = 0
    while (!raw.paused) raw.say({ id: id++, method: 'test.wait' })
    expect(id).toBe(14)
    expect(raw.receiver.requestsInFlight).toBe(4)
    raw.receiver.end()
    await settle()
    expect(raw.receiver.requestsInFlight).toBe(0)
  })

  test('can still cancel what runs and what is parked', async () => {
    const raw = connectRaw(createServer({ requestsInFlightMax: 1, requestsWaitingMax: 10 }))
    raw.say({ id: 1, method: 'test.wait' })
    raw.say({ id: 2, method: 'test.wait' })
    raw.say({ id: 3, method: 'test.later', params: { text: 'c' } })
    raw.say({ method: 'rpc.cancel', params: { id: 2 } })
    raw.say({ method: 'rpc.cancel', params: { id: 1 } })
    await settle()
    expect(raw.messages()).toEqual([
      refusal(2, 'ERR_RPC_CANCELLED'),
      refusal(1, 'ERR_RPC_CANCELLED'),
      { jsonrpc: '2.0', id: 3, result: { text: 'c' } }
    ])
  })

  test('loses old events and learns how many', async () => {
    const raw = connectRaw(createServer())
    raw.say(echo(0))
    raw.takesMore = false
    raw.say({ id: 1, method: 'test.watch', params: { events: 5000 } })
    await settle()
    const sentAtOnce = raw.messages().length
    expect(sentAtOnce).toBeLessThan(1000) // one chunk, after which the transport asked to wait
    raw.takesMore = true
    raw.receiver.drained()
    await settle()
    const events = raw.messages().slice(2)
    const lost = events.find((event) => JSON.stringify(event).includes('"lost"'))
    expect(lost).toMatchObject({ method: 'rpc.event', params: { subscription: 1, lost: expect.any(Number) } })
    expect(events.length).toBeLessThanOrEqual(1025)
    expect(events.at(-1)).toMatchObject({ params: { event: { number: 4999 } } })
  })
})

describe('a JSON client that does not know credit', () => {
  test('is paused when it uploads faster than the handler reads', async () => {
    const raw = connectRaw(createServer())
    raw.say({ id: 1, method: 'test.wait' })
    raw.say({ id: 2, method: 'test.upload' })
    const bytes = new Uint8Array(100_000).toBase64()
    let sent = 0
    for (; sent < 30; sent++) {
      if (raw.paused) break
      raw.say({ method: 'stream.write', params: { id: 2, bytes } })
    }
    expect(sent).toBe(11)
    await settle()
    expect(raw.paused).toBe(false)
    raw.say({ method: 'stream.end', params: { id: 2 } })
    await settle()
    expect(raw.messages().at(-1)).toEqual({ jsonrpc: '2.0', id: 2, result: { bytes: 1_100_000, sum: 0 } })
  })

  test('gets a whole download without asking for it', async () => {
    const raw = connectRaw(createServer())
    raw.say({ id: 1, method: 'test.download', params: { chunks: 30, chunkBytes: 100_000 } })
    await settle()
    expect(raw.messages().at(-1)).toEqual({ jsonrpc: '2.0', id: 1, result: { bytes: 3_000_000 } })
    expect(raw.messages().at(-2)).toMatchObject({ method: 'stream.end', params: { id: 1 } })
  })
})

describe('frames', () => {
  test('are chosen by a first byte of zero', () => {
    const raw = connectRaw(createServer(), 'frames')
    raw.say({ id: 1, method: 'test.echo', params: { text: 'a' } })
    expect(raw.messages()).toEqual([{ id: 1, result: { text: 'a' } }])
  })

  test('of garbage are refused, and the next one is answered', () => {
    const raw = connectRaw(createServer(), 'frames')
    raw.receiver.receive(new Uint8Array([0, 0, 0, 2, 0xc1, 0xff]))
    raw.say({ id: 'next', method: 'test.echo', params: { text: 'still here' } })
    expect(raw.messages()).toEqual([
      refusal(null, 'ERR_RPC_PARSE'),
      { id: 'next', result: { text: 'still here' } }
    ])
  })

  test('beyond the limit end the connection with a reason, what came before being answered', () => {
    const server = createServer({ frameBytesMax: 1000 })
    const raw = connectRaw(server, 'frames')
    raw.say({ id: 1, method: 'test.echo', params: { text: 'a' } })
    raw.receiver.receive(new Uint8Array([0, 1, 0, 0]))
    expect(raw.messages()).toEqual([
      { id: 1, result: { text: 'a' } },
      refusal(null, 'ERR_RPC_FRAME_TOO_LONG')
    ])
    expect(raw.closed).toBe(true)
    expect(server.connections.size).toBe(0)
  })

  test('of an upload beyond its window cancel the request', async () => {
    const raw = connectRaw(createServer(), 'frames')
    raw.say({ id: 1, method: 'test.upload', params: {} })
    for (let sent = 0; sent < 11; sent++) raw.say({ s: 1, d: new Uint8Array(100_000) })
    await settle()
    expect(raw.messages()).toEqual([refusal(1, 'ERR_RPC_STREAM')])
  })

  test('of a download stop at the window until credit comes', async () => {
    const raw = connectRaw(createServer(), 'frames')
    raw.say({ id: 1, method: 'test.download', params: { chunks: 30, chunkBytes: 100_000 } })
    await settle()
    expect(raw.sentBytes).toBeLessThan(1024 * 1024 + 2000)
    raw.say({ s: 1, w: 4_000_000 })
    await settle()
    expect(raw.messages().at(-1)).toEqual({ id: 1, result: { bytes: 3_000_000 } })
  })
})

describe('a request', () => {
  test('with the id of one that still runs is refused', async () => {
    const raw = connectRaw(createServer())
    raw.say({ id: 1, method: 'test.wait' })
    raw.say(echo(1))
    await settle()
    expect(raw.messages()).toEqual([refusal(1, 'ERR_RPC_ID_IN_USE')])
  })

  test('that fails unexpectedly is told to the log, with its stack', () => {
    const entries: RpcLogEntry[] = []
    const raw = connectRaw(createServer({}, (entry) => entries.push(entry)))
    raw.say({ id: 1, method: 'test.fail' })
    expect(raw.messages()).toEqual([refusal(1, 'ERR_INTERNAL')])
    expect(entries).toEqual([expect.objectContaining({ level: 'error', method: 'test.fail' })])
  })

  test('whose result is too long for a line is refused instead', () => {
    const raw = connectRaw(createServer({ lineBytesMax: 1000 }))
    const sendBytes = (id: number, length: number): void => {
      raw.say({ id, method: 'test.bytes', params: { content: new Uint8Array(length).toBase64() } })
    }
    sendBytes(1, 400)
    sendBytes(2, 200)
    expect(raw.messages()).toEqual([refusal(1, 'ERR_RPC_RESULT'), expect.objectContaining({ id: 2 })])
  })

  test('for discovery describes every method', () => {
    const raw = connectRaw(createServer())
    raw.say({ id: 1, method: 'rpc.discover' })
    expect(JSON.stringify(raw.messages())).toContain('"name":"test.download"')
  })

  test('to end an unknown subscription is refused', () => {
    const raw = connectRaw(createServer())
    raw.say({ id: 1, method: 'rpc.unsubscribe', params: { subscription: 9 } })
    expect(raw.messages()).toEqual([refusal(1, 'ERR_RPC_SUBSCRIPTION')])
  })
})
