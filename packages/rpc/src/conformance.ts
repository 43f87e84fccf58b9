/**
 * What every transport under the protocol must do, as tests: run it over memory here, over sockets and pipes where
 * those are made.
 */
import { describe, expect, test } from 'vitest'

import type { RpcClient } from './client-api.ts'
import { bindHandlers, type BoundHandlers } from './handlers.ts'
import { createMethodTable, defineMethod, type MethodTable } from './method-table.ts'
import { RpcError } from './rpc-error.ts'
import { array, boolean, bytes, type Framing, integer, object, optional, string } from './schema.ts'
import { createRpcServer, type RpcServer } from './server.ts'

export interface ConformanceMethods {
  readonly 'test.echo': { params: { text: string }; result: { text: string } }
  readonly 'test.later': { params: { text: string }; result: { text: string } }
  readonly 'test.bytes': {
    params: { content: Uint8Array }
    result: { content: Uint8Array; copies: readonly Uint8Array[] }
  }
  readonly 'test.fail': { params: { code?: string | undefined }; result: object }
  readonly 'test.wait': { params: object; result: object }
  readonly 'test.upload': { params: object; result: { bytes: number; sum: number }; stream: 'upload' }
  readonly 'test.download': {
    params: { chunks: number; chunkBytes: number }
    result: { bytes: number }
    stream: 'download'
  }
  readonly 'test.reverse': { params: object; result: { bytes: number }; stream: 'both' }
  readonly 'test.progress': { params: { steps: number }; result: object }
  readonly 'test.watch': {
    params: { events: number; end?: boolean | undefined }
    result: { subscription: number }
    event: { number: number; content: Uint8Array }
  }
  readonly 'test.state': {
    params: object
    result: { aborted: number; released: number; unsubscribed: number }
  }
}

export const conformanceTable: MethodTable<ConformanceMethods> = createMethodTable([
  defineMethod({
    name: 'test.echo',
    summary: 'Answers at once',
    params: object({ text: string({ charactersMax: 1_000_000 }) }),
    result: object({ text: string() })
  }),
  defineMethod({
    name: 'test.later',
    summary: 'Answers after some turns',
    params: object({ text: string() }),
    result: object({ text: string() })
  }),
  defineMethod({
    name: 'test.bytes',
    summary: 'Bytes both ways',
    params: object({ content: bytes({ bytesMax: 1024 * 1024 }) }),
    result: object({ content: bytes(), copies: array(bytes()) })
  }),
  defineMethod({
    name: 'test.fail',
    summary: 'Fails with a code, or unexpectedly',
    params: object({ code: optional(string()) }),
    errors: [{ code: 'ERR_TEST_WANTED', summary: 'asked for' }]
  }),
  defineMethod({ name: 'test.wait', summary: 'Waits until it is cancelled' }),
  defineMethod({
    name: 'test.upload',
    summary: 'Counts and adds up an upload',
    result: object({ bytes: integer(), sum: integer() }),
    stream: 'upload'
  }),
  defineMethod({
    name: 'test.download',
    summary: 'Sends chunks; byte n of chunk c is (n + c) mod 256',
    params: object({ chunks: integer({ min: 0 }), chunkBytes: integer({ min: 0, max: 4 * 1024 * 1024 }) }),
    result: object({ bytes: integer() }),
    stream: 'download'
  }),
  defineMethod({
    name: 'test.reverse',
    summary: 'Sends every chunk back',
    result: object({ bytes: integer() }),
    stream: 'both'
  }),
  defineMethod({ name: 'test.progress', summary: 'Reports steps', params: object({ steps: integer() }) }),
  defineMethod({
    name: 'test.watch',
    summary: 'Numbers its events from 0',
    params: object({ events: integer(), end: optional(boolean()) }),
    result: object({ subscription: integer() }),
    event: object({ number: integer(), content: bytes() })
  }),
  defineMethod({
    name: 'test.state',
    summary: 'What was aborted and released so far',
    result: object({ aborted: integer(), released: integer(), unsubscribed: integer() })
  })
])

/** Handlers of their own state; make new ones for each server. */
export function createConformanceHandlers(): BoundHandlers<ConformanceMethods, unknown> {
  const state = { aborted: 0, released: 0, unsubscribed: 0 }
  return bindHandlers<ConformanceMethods>(conformanceTable, {
    'test.echo': ({ text }) => ({ text }),
    'test.later': async ({ text }) => {
      for (let turn = 0; turn < 3; turn++) await Promise.resolve()
      return { text }
    },
    'test.bytes': ({ content }) => ({ content, copies: [content, new Uint8Array()] }),
    'test.fail': ({ code }) => {
      if (code === undefined) throw new Error('a secret that no peer may see')
      throw new RpcError(code, 'failed as asked', { fact: 7 })
    },
    'test.wait': async (_params, context) => {
      context.onClose(() => state.released++)
      await new Promise<void>((resolve) =>
        context.signal.addEventListener('abort', () => resolve(), { once: true })
      )
      state.aborted++
      throw new Error('stopped')
    },
    'test.upload': async (_params, context) => {
      const total = { bytes: 0, sum: 0 }
      for await (const chunk of context.upload) {
        total.bytes += chunk.length
        total.sum += sumOf(chunk)
      }
      return total
    },
    'test.download': async ({ chunks, chunkBytes }, context) => {
      for (let number = 0; number < chunks; number++)
        await context.download.write(patternChunk(number, chunkBytes))
      return { bytes: chunks * chunkBytes }
    },
    'test.reverse': async (_params, context) => {
      let total = 0
      for await (const chunk of context.upload) {
        total += chunk.length
        await context.download.write(chunk)
      }
      return { bytes: total }
    },
    'test.progress': async ({ steps }, context) => {
      for (let done = 1; done <= steps; done++) context.progress({ done, total: steps, unit: 'steps' })
      await Promise.resolve()
      return {}
    },
    'test.watch': ({ events, end }, context) => {
      const subscription = context.subscribe()
      subscription.signal.addEventListener('abort', () => state.unsubscribed++)
      for (let number = 0; number < events; number++)
        subscription.emit({ number, content: new Uint8Array([number]) })
      if (end === true) subscription.end()
      return { subscription: subscription.id }
    },
    'test.state': () => ({ ...state })
  })
}

export function patternChunk(number: number, length: number): Uint8Array {
  const chunk = new Uint8Array(length)
  for (let index = 0; index < length; index++) chunk[index] = index + number
  return chunk
}

function sumOf(chunk: Uint8Array): number {
  let sum = 0
  for (const byte of chunk) sum += byte
  return sum
}

export interface ConformanceConnection {
  readonly client: RpcClient<ConformanceMethods>
  /** Ends both sides; called after each test. */
  close(): void | Promise<void>
}

/** `create` joins a new client, with `conformanceTable`, to the server given. */
export function testRpcConnection(
  name: string,
  create: (server: RpcServer<unknown>, framing: Framing) => Promise<ConformanceConnection>,
  framings: readonly Framing[] = ['json', 'frames']
): void {
  for (const framing of framings) {
    const run = async (
      check: (client: RpcClient<ConformanceMethods>, server: RpcServer<unknown>) => Promise<void>
    ): Promise<void> => {
      const server = createRpcServer({ handlers: createConformanceHandlers(), checkResults: true })
      const connection = await create(server, framing)
      try {
        await check(connection.client, server)
      } finally {
        await connection.close()
      }
    }
    describe(`rpc over ${name}, ${framing}`, () => {
      testCalls(run)
      testStreams(run)
      testEvents(run)
    })
  }
}

type Run = (
  check: (client: RpcClient<ConformanceMethods>, server: RpcServer<unknown>) => Promise<void>
) => Promise<void>

function testCalls(run: Run): void {
  test('answers every one of many pipelined calls with its own result', async () => {
    await run(async (client) => {
      const texts = Array.from({ length: 2000 }, (_, index) => `number ${index} ünïcode \u{1f333}`)
      const answers = await Promise.all(
        texts.map(
          async (text, index) => await client.call(index % 3 === 0 ? 'test.later' : 'test.echo', { text })
        )
      )
      expect(answers.map(({ text }) => text)).toEqual(texts)
      expect(client.pending).toBe(0)
    })
  })

  test('carries bytes in parameters and results', async () => {
    await run(async (client) => {
      const content = patternChunk(3, 70_000)
      const { content: back, copies } = await client.call('test.bytes', { content })
      expect(Buffer.compare(back, content)).toBe(0)
      expect(copies.map((copy) => copy.length)).toEqual([70_000, 0])
    })
  })

  test('rejects with the code, number and facts of the handler', async () => {
    await run(async (client) => {
      const failure = await client
        .call('test.fail', { code: 'ERR_TEST_WANTED' })
        .catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(RpcError)
      expect(failure).toMatchObject({
        code: 'ERR_TEST_WANTED',
        message: 'failed as asked',
        data: { fact: 7 }
      })
    })
  })

  test('hides the details of an unexpected failure and goes on', async () => {
    await run(async (client) => {
      const failure = await client.call('test.fail', {}).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'ERR_INTERNAL', numeric: -32603 })
      expect(String(failure)).not.toContain('secret')
      expect(await client.call('test.echo', { text: 'next' })).toEqual({ text: 'next' })
    })
  })

  test('refuses an unknown method and an unknown parameter with the nearest name', async () => {
    await run(async (client) => {
      await expect(client.request('test.ehco', {})).rejects.toMatchObject({
        code: 'ERR_RPC_METHOD_UNKNOWN',
        numeric: -32601,
        data: { nearest: 'test.echo' }
      })
      await expect(client.request('test.echo', { text: 'a', txet: 1 })).rejects.toMatchObject({
        code: 'ERR_RPC_PARAMS'
      })
      await expect(client.request('test.echo', { texts: 'a', text: 'a' })).rejects.toMatchObject({
        data: { nearest: 'text' }
      })
    })
  })

  test('cancels a call by its signal and tells the handler', async () => {
    await run(async (client) => {
      const abort = new AbortController()
      const call = client.call('test.wait', {}, { signal: abort.signal })
      await client.call('test.later', { text: 'sent' })
      abort.abort()
      await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_CANCELLED' })
      await until(async () => (await client.call('test.state', {})).aborted === 1)
    })
  })

  test('rejects open calls, aborts their handlers and releases their holdings when the connection ends', async () => {
    const server = { seen: 0 }
    await run(async (client, rpcServer) => {
      const call = client.call('test.wait', {}).catch((error: unknown) => error)
      await client.call('test.later', { text: 'sent' })
      expect(rpcServer.connections.size).toBe(1)
      client.close()
      expect(await call).toMatchObject({ code: 'ERR_RPC_CLOSED' })
      await until(() => Promise.resolve(rpcServer.connections.size === 0))
      await expect(client.call('test.echo', { text: 'late' })).rejects.toMatchObject({
        code: 'ERR_RPC_CLOSED'
      })
      server.seen = rpcServer.connections.size
    })
    expect(server.seen).toBe(0)
  })
}

function testStreams(run: Run): void {
  test('takes an upload many times its window', async () => {
    await run(async (client) => {
      const upload = function* (): Generator<Uint8Array> {
        for (let number = 0; number < 40; number++) yield patternChunk(number, 100_000)
      }
      let sum = 0
      for (const chunk of upload()) sum += sumOf(chunk)
      expect(await client.call('test.upload', {}, { upload: upload() })).toEqual({ bytes: 4_000_000, sum })
    })
  })

  test('delivers a download many times its window, in order, to a slow reader', async () => {
    await run(async (client) => {
      const { download, result } = client.callStream('test.download', { chunks: 40, chunkBytes: 100_000 })
      const parts: Uint8Array[] = []
      for await (const chunk of download) {
        parts.push(chunk)
        if (parts.length % 7 === 0) await client.call('test.later', { text: 'between' })
      }
      expect(await result).toEqual({ bytes: 4_000_000 })
      const expected = Array.from({ length: 40 }, (_, number) => patternChunk(number, 100_000))
      expect(Buffer.compare(Buffer.concat(parts), Buffer.concat(expected))).toBe(0)
    })
  })

  test('runs an upload and a download of one call side by side', async () => {
    await run(async (client) => {
      const upload = Array.from({ length: 30 }, (_, number) => patternChunk(number, 90_000))
      const { download, result } = client.callStream('test.reverse', {}, { upload })
      const parts: Uint8Array[] = []
      for await (const chunk of download) parts.push(chunk)
      expect(await result).toEqual({ bytes: 2_700_000 })
      expect(Buffer.compare(Buffer.concat(parts), Buffer.concat(upload))).toBe(0)
    })
  })

  test('answers other calls while a download waits for its reader', async () => {
    await run(async (client) => {
      const { download, result } = client.callStream('test.download', { chunks: 100, chunkBytes: 100_000 })
      const iterator = download[Symbol.asyncIterator]()
      await iterator.next()
      expect(await client.call('test.echo', { text: 'meanwhile' })).toEqual({ text: 'meanwhile' })
      await iterator.return?.()
      await expect(result).rejects.toMatchObject({ code: 'ERR_RPC_CANCELLED' })
      expect(await client.call('test.echo', { text: 'after' })).toEqual({ text: 'after' })
    })
  })

  test('rejects the call when its upload fails at the source', async () => {
    await run(async (client) => {
      const upload = function* (): Generator<Uint8Array> {
        yield patternChunk(0, 10)
        throw new Error('disk unplugged')
      }
      await expect(client.call('test.upload', {}, { upload: upload() })).rejects.toThrow('disk unplugged')
      expect(await client.call('test.echo', { text: 'after' })).toEqual({ text: 'after' })
    })
  })
}

function testEvents(run: Run): void {
  test('reports progress before the answer', async () => {
    await run(async (client) => {
      const seen: number[] = []
      await client.call('test.progress', { steps: 5 }, { onProgress: ({ done }) => seen.push(done) })
      expect(seen).toEqual([1, 2, 3, 4, 5])
    })
  })

  test('delivers the events of a subscription in order, and its end', async () => {
    await run(async (client) => {
      const seen: number[] = []
      let ended = false
      const onEvent = ({ number, content }: { number: number; content: Uint8Array }): void => {
        seen.push(number + (content[0] === number ? 0 : 1000))
      }
      await client.subscribe(
        'test.watch',
        { events: 20, end: true },
        { onEvent, onEnd: () => (ended = true) }
      )
      await until(() => Promise.resolve(ended))
      expect(seen).toEqual(Array.from({ length: 20 }, (_, number) => number))
    })
  })

  test('ends a subscription that is not wanted any more', async () => {
    await run(async (client) => {
      const subscription = await client.subscribe('test.watch', { events: 1 }, { onEvent: () => undefined })
      subscription.unsubscribe()
      await until(async () => (await client.call('test.state', {})).unsubscribed === 1)
    })
  })
}

/** Turns of the event loop, bounded by the test's own time limit. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise<void>((resolve) => setImmediate(resolve))
}
