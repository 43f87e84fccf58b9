import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContentFeed, PendingWrite } from '../src/pending-write.ts'
import { failureOf } from './memory-ports.ts'

const step = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    offset: fc.nat(80),
    bytes: fc.uint8Array({ maxLength: 40 })
  }),
  fc.record({ kind: fc.constant('size' as const), size: fc.nat(100) })
)

describe('PendingWrite', () => {
  test('reads what an array with the same writes would hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(step, { maxLength: 12 }),
        async (old, steps) => {
          const pending = new PendingWrite(old.byteLength)
          let model = [...old]
          for (const one of steps) {
            if (one.kind === 'write') {
              pending.write(one.offset, one.bytes)
              if (one.bytes.byteLength === 0) continue
              while (model.length < one.offset) model.push(0)
              model.splice(one.offset, one.bytes.byteLength, ...one.bytes)
            } else {
              pending.setSize(one.size)
              model = Array.from({ length: one.size }, (_, index) => model[index] ?? 0)
            }
          }
          const readOld = (offset: number, length: number): Promise<Uint8Array> =>
            Promise.resolve(old.slice(offset, offset + length))
          expect(pending.size).toBe(model.length)
          expect([...(await pending.read(0, 1000, readOld))]).toEqual(model)
          expect(Buffer.concat(await Array.fromAsync(pending.content(7, readOld)))).toEqual(
            Buffer.from(model)
          )
        }
      )
    )
  })

  test('refuses more than its budget and keeps what it had', async () => {
    const pending = new PendingWrite(0)
    pending.write(0, new Uint8Array(16 * 1024 * 1024))
    expect(await failureOf(() => pending.write(0, new Uint8Array(1)))).toBe('budget')
    expect(pending.size).toBe(16 * 1024 * 1024)
  })
})

describe('ContentFeed', () => {
  test('gives parts in order to one reader and ends', async () => {
    const feed = new ContentFeed()
    const read = Array.fromAsync(feed)
    await feed.give(Uint8Array.of(1))
    await feed.fill(3)
    await feed.give(Uint8Array.of(2))
    feed.end()
    expect(Buffer.concat(await read)).toEqual(Buffer.of(1, 0, 0, 2))
    expect(feed.size).toBe(4)
  })

  test('an abort is the failure of the reader', async () => {
    const feed = new ContentFeed()
    const read = Array.fromAsync(feed)
    await feed.give(Uint8Array.of(1))
    feed.abort(new Error('closed'))
    await expect(read).rejects.toThrow('closed')
  })

  test('a writer is not held up by a reader that left', async () => {
    const feed = new ContentFeed()
    const iterator = feed[Symbol.asyncIterator]()
    const given = feed.give(Uint8Array.of(1))
    await iterator.return?.()
    await given
    await feed.give(Uint8Array.of(2))
  })
})
