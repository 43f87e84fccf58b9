import { describe, expect, test } from 'vitest'

import { createRpcClient, type RpcError, type RpcClient } from '@blocktree/rpc'
import { conformanceTable, type ConformanceMethods } from '@blocktree/rpc/conformance'

interface Far {
  readonly client: RpcClient<ConformanceMethods>
  readonly said: () => unknown[]
  readonly answer: (text: string) => void
  readonly deadlines: { milliseconds: number; callback: () => void; taken: boolean }[]
  readonly noise: RpcError[]
}

function createFar(): Far {
  const chunks: Uint8Array[] = []
  const deadlines: Far['deadlines'] = []
  const noise: RpcError[] = []
  const client = createRpcClient<ConformanceMethods>({
    framing: 'json',
    table: conformanceTable,
    connection: {
      send: (bytes) => chunks.push(bytes) > 0,
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined
    },
    timers: {
      start(milliseconds, callback) {
        const deadline = { milliseconds, callback, taken: false }
        deadlines.push(deadline)
        return () => void (deadline.taken = true)
      }
    },
    onNoise: (problem) => noise.push(problem)
  })
  return {
    client,
    deadlines,
    noise,
    said: () =>
      Buffer.concat(chunks)
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line)),
    answer: (text) => client.receive(Buffer.from(text + '\n'))
  }
}

describe('a client', () => {
  test('sends the calls of one turn as one chunk, in order', async () => {
    const far = createFar()
    void far.client.call('test.echo', { text: 'a' }).catch(() => undefined)
    void far.client.call('test.echo', { text: 'b' }).catch(() => undefined)
    await Promise.resolve()
    expect(far.said()).toMatchObject([
      { id: 1, params: { text: 'a' } },
      { id: 2, params: { text: 'b' } }
    ])
  })

  test('matches answers that come out of order', async () => {
    const far = createFar()
    const calls = [far.client.call('test.echo', { text: 'a' }), far.client.call('test.echo', { text: 'b' })]
    far.answer('{"id":2,"result":{"text":"two"}}\n{"id":1,"result":{"text":"one"}}')
    expect(await Promise.all(calls)).toEqual([{ text: 'one' }, { text: 'two' }])
  })

  test('rejects and cancels when the time is over, and takes the deadline back when it is not', async () => {
    const far = createFar()
    const late = far.client.call('test.wait', {}, { timeoutMs: 50 })
    const early = far.client.call('test.echo', { text: 'a' }, { timeoutMs: 60 })
    far.answer('{"id":2,"result":{"text":"a"}}')
    await early
    expect(far.deadlines.map(({ milliseconds, taken }) => [milliseconds, taken])).toEqual([
      [50, false],
      [60, true]
    ])
    far.deadlines[0]?.callback()
    await expect(late).rejects.toMatchObject({ code: 'ERR_RPC_TIMEOUT' })
    expect(far.said().at(-1)).toMatchObject({ method: 'rpc.cancel', params: { id: 1 } })
  })

  test('refuses an answer of another shape', async () => {
    const far = createFar()
    const call = far.client.call('test.echo', { text: 'a' })
    far.answer('{"id":1,"result":{"text":5}}')
    await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_RESULT' })
  })

  test('takes an answer with members it does not know', async () => {
    const far = createFar()
    const call = far.client.call('test.echo', { text: 'a' })
    far.answer('{"id":1,"result":{"text":"a","newer":true}}')
    expect(await call).toMatchObject({ text: 'a' })
  })

  test('passes over noise, unknown ids and malformed notifications', async () => {
    const far = createFar()
    const call = far.client.call('test.echo', { text: 'a' })
    far.answer(
      'Debugger listening\n{"id":99,"result":1}\n[]\n{"method":"rpc.event","params":{"subscription":4}}\n{"method":"stream.data","params":5}'
    )
    far.answer('{"id":1,"result":{"text":"a"}}')
    expect(await call).toEqual({ text: 'a' })
    expect(far.noise).toHaveLength(1)
  })

  test('rejects a call that cannot be written', async () => {
    const far = createFar()
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    await expect(far.client.request('test.echo', circle)).rejects.toMatchObject({ code: 'ERR_RPC_PARAMS' })
    expect(far.client.pending).toBe(0)
  })
})
