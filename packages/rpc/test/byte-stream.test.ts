import { describe, expect, test } from 'vitest'

import { ByteReceiver, ByteSender } from '../src/byte-stream.ts'
import { RpcError } from '../src/rpc-error.ts'

async function readAll(receiver: ByteReceiver): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of receiver) chunks.push(chunk)
  return chunks
}

describe('ByteReceiver', () => {
  test('gathers tiny chunks, so that a window of single bytes stays small, and keeps their order', async () => {
    const receiver = new ByteReceiver({ windowBytes: 1_000_000, grant: () => undefined })
    const sent = Uint8Array.from({ length: 200_000 }, (_, index) => index)
    for (const byte of sent) receiver.push(new Uint8Array([byte]))
    receiver.push(new Uint8Array(5000).fill(7))
    receiver.push(new Uint8Array([9]))
    receiver.end()
    const chunks = await readAll(receiver)
    expect(chunks.length).toBeLessThan(20)
    expect(
      Buffer.compare(
        Buffer.concat(chunks),
        Buffer.concat([sent, new Uint8Array(5000).fill(7), new Uint8Array([9])])
      )
    ).toBe(0)
  })

  test('grants half a window at a time, as the reader takes it', async () => {
    const grants: number[] = []
    const receiver = new ByteReceiver({ windowBytes: 100, grant: (bytes) => grants.push(bytes) })
    const read = receiver[Symbol.asyncIterator]()
    receiver.push(new Uint8Array(40))
    await read.next()
    expect(grants).toEqual([])
    receiver.push(new Uint8Array(40))
    await read.next()
    expect(grants).toEqual([80])
  })

  test('gives what is held before the error of a broken source, and nothing after a failure', async () => {
    const broken = new ByteReceiver({ windowBytes: 100, grant: () => undefined })
    broken.push(new Uint8Array(1))
    broken.end(new RpcError('ERR_RPC_CLOSED', 'gone'))
    const read = broken[Symbol.asyncIterator]()
    expect(await read.next()).toMatchObject({ done: false })
    await expect(read.next()).rejects.toThrow('gone')
    const failed = new ByteReceiver({ windowBytes: 100, grant: () => undefined })
    failed.push(new Uint8Array(1))
    failed.fail(new RpcError('ERR_RPC_CANCELLED', 'stopped'))
    await expect(readAll(failed)).rejects.toThrow('stopped')
  })

  test('refuses a second reader', async () => {
    const receiver = new ByteReceiver({ windowBytes: 100, grant: () => undefined })
    receiver.end()
    await readAll(receiver)
    await expect(readAll(receiver)).rejects.toMatchObject({ code: 'ERR_RPC_STREAM' })
  })
})

describe('ByteSender', () => {
  test('sends no more than its credit, and goes on with more', async () => {
    const sent: number[] = []
    const sender = new ByteSender({
      windowBytes: 10,
      send: (chunk) => sent.push(chunk.length),
      writable: () => undefined
    })
    const write = sender.write(new Uint8Array(25))
    await expect(sender.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_RPC_STREAM' })
    sender.grant(8)
    sender.grant(100)
    await write
    expect(sent[0]).toBe(10)
    expect(sent.reduce((sum, length) => sum + length)).toBe(25)
  })

  test('rejects a waiting write when it fails', async () => {
    const sender = new ByteSender({ windowBytes: 0, send: () => undefined, writable: () => undefined })
    const write = sender.write(new Uint8Array(1))
    sender.fail(new RpcError('ERR_RPC_CANCELLED', 'stopped'))
    await expect(write).rejects.toThrow('stopped')
  })
})
