/** A pair of connected nodes whose handlers do what the suite asks of them, and words to say what is expected. */
import { expect } from 'vitest'
import { type Frame, encodeFrame } from '../frame.ts'
import { bodyBytesMax, type NetworkLimits } from '../limits.ts'
import { NetworkError } from '../network-error.ts'
import type { Connection, ConnectionHandlers, Network, RequestContext } from '../port.ts'
import type { ConformanceDriver } from './driver.ts'

export const empty: Uint8Array = new Uint8Array()
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const bytes = (words: string): Uint8Array => new TextEncoder().encode(words)

interface Seen {
  waiting: number
  aborted: number
  remainingMs: number
  chunks: number
  finished: number
  readonly events: string[]
}

interface Pair {
  readonly here: Network
  readonly there: Network
  /** of `here` */
  readonly local: Connection
  /** of `there` */
  readonly remote: Connection
  /** by the handlers of both */
  readonly seen: Seen
}

export async function connect(
  driver: ConformanceDriver,
  thereLimits?: Partial<NetworkLimits>,
  hereLimits?: Partial<NetworkLimits>
): Promise<Pair> {
  const [here, there] = [await driver.open(hereLimits), await driver.open(thereLimits)]
  const seen: Seen = { waiting: 0, aborted: 0, remainingMs: 0, chunks: 0, finished: 0, events: [] }
  const shown = Promise.withResolvers<Connection>()
  there.onConnection(shown.resolve)
  const local = await here.dial(addressOf(there))
  const remote = await shown.promise
  for (const connection of [local, remote]) connection.serve(handlers(seen))
  return { here, there, local, remote, seen }
}

export const echo: ConnectionHandlers = {
  request: (_method, body) => Promise.resolve(body),
  event: () => {},
  stream: () => count(3)
}

function handlers(seen: Seen): ConnectionHandlers {
  return {
    request: (method, body, context) => answer(seen, method, body, context),
    event(name, body) {
      if (name === 'throw') throw new Error('cannot be taken')
      seen.events.push(text(body))
    },
    stream(method, head, context) {
      if (method === 'count') return count(Number(text(head)))
      if (method === 'bulk') return bulk(seen, Number(text(head)))
      if (method === 'stall') return stall(seen, context)
      if (method === 'reuse') return reuse(Number(text(head)))
      return broken()
    }
  }
}

/** Chunks that all lie in one buffer, each written over by the next. */
async function* reuse(chunks: number): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(100_000)
  for (let index = 0; index < chunks; index++) {
    await Promise.resolve()
    yield memory.fill(index + 1).subarray(0, 1 + ((index * 7919) % memory.length))
  }
  memory.fill(0)
}

async function answer(
  seen: Seen,
  method: string,
  body: Uint8Array,
  context: RequestContext
): Promise<Uint8Array> {
  switch (method) {
    case 'later':
      await new Promise((resolve) => setTimeout(resolve, Number(text(body)) % 7))
      return body
    case 'wait':
      seen.remainingMs = context.remainingMs
      await aborted(seen, context)
      return body
    case 'long':
      return new Uint8Array(bodyBytesMax + 1)
    case 'fail':
      throw Object.assign(new Error('as asked'), { code: text(body) })
    case 'fail-long':
      throw Object.assign(new Error('ä'.repeat(5000)), { code: 'ERR_TEST_LONG' })
    case 'throw':
      throw new TypeError('not meant')
    default:
      return body
  }
}

function aborted(seen: Seen, { signal }: RequestContext): Promise<void> {
  seen.waiting++
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      seen.aborted++
      resolve()
    })
  })
}

async function* count(chunks: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let index = 0; index < chunks; index++) yield Promise.resolve(bytes(`${index}`))
}

async function* bulk(seen: Seen, chunks: number): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let index = 0; index < chunks; index++) {
      seen.chunks++
      yield Promise.resolve(new Uint8Array(bodyBytesMax))
    }
  } finally {
    seen.finished++
  }
}

async function* stall(seen: Seen, context: RequestContext): AsyncGenerator<Uint8Array, void, undefined> {
  await aborted(seen, context)
  yield* count(0)
}

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Promise.resolve(bytes('a'))
  yield bytes('b')
  throw Object.assign(new Error('as asked'), { code: 'ERR_TEST_MEANT' })
}

export async function all(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let last: Uint8Array = empty
  for await (const chunk of stream) last = chunk
  return last
}

export const closedOnes: WeakSet<Connection> = new WeakSet<Connection>()

export function closedCount(connections: readonly Connection[]): number {
  for (const connection of connections) void connection.closed.then(() => closedOnes.add(connection))
  return connections.filter((connection) => closedOnes.has(connection)).length
}

export function encode(frame: Frame): Uint8Array {
  const { header, body } = encodeFrame(frame)
  const encoded = new Uint8Array(header.length + body.length)
  encoded.set(header)
  encoded.set(body, header.length)
  return encoded
}

export function addressOf(network: Network): string {
  const [address] = network.addresses()
  if (address === undefined) throw new Error('the network has no address')
  return address
}

export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it did not fail')
}

export async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await failure(promise)
  expect(error).toBeInstanceOf(NetworkError)
  expect(error).toMatchObject({ code })
}

export async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it did not become so')
}
