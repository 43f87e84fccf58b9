import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PartReader } from '../src/byte-stream.ts'
import { sectorBytesMax } from '../src/limits.ts'
import { PartMemories, PartSender } from '../src/part-sender.ts'

const mebibyte = 1 << 20
const partMax = (index: number): Uint8Array => new Uint8Array(sectorBytesMax).fill(index)

/** The chunks as a network sends them: each is read before the next one is asked for. */
function sent(parts: readonly (Uint8Array | undefined)[]): readonly Uint8Array[] {
  const memory = new PartMemories().take()
  const sender = new PartSender(memory)
  const chunks: Uint8Array[] = []
  for (const part of parts) {
    if (part !== undefined) memory.part.set(part)
    const read = part === undefined ? undefined : memory.part.subarray(0, part.length)
    for (const chunk of sender.add(read)) chunks.push(chunk.slice())
  }
  for (const chunk of sender.rest()) chunks.push(chunk.slice())
  return chunks
}

function received(chunks: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
  const reader = new PartReader(sectorBytesMax, (length) => new Uint8Array(length))
  return chunks.flatMap((chunk) => reader.push(chunk))
}

describe('PartSender', () => {
  test('whatever the lengths, the reader finds the parts in their order', () => {
    const length = fc.oneof(
      fc.constantFrom(undefined, 1, 32 * 1024 - 1, 32 * 1024, 128 * 1024, mebibyte, sectorBytesMax),
      fc.integer({ min: 1, max: 64 * 1024 })
    )
    fc.assert(
      fc.property(fc.array(length, { maxLength: 30 }), (lengths) => {
        const parts = lengths.map((bytes, index) =>
          bytes === undefined ? undefined : partMax(index + 1).subarray(0, bytes)
        )
        const back = received(sent(parts))
        expect(back.map((part) => part?.length)).toEqual(lengths)
        for (const [index, part] of back.entries())
          if (part !== undefined) expect([part[0], part.at(-1)]).toEqual([index + 1, index + 1])
      }),
      { numRuns: 60 }
    )
  })

  test('small parts share a chunk, and no chunk is longer than a message', () => {
    expect(sent(Array.from({ length: 100 }, () => new Uint8Array(1000)))).toHaveLength(1)
    for (const chunk of sent([partMax(1), undefined, partMax(2)]))
      expect(chunk.length).toBeLessThanOrEqual(mebibyte)
  })

  test('many parts that are not here become chunks too', () => {
    const chunks = sent(new Array<undefined>(100_000).fill(undefined))
    expect(chunks.length).toBeGreaterThan(1)
    expect(received(chunks)).toHaveLength(100_000)
  })
})

describe('PartMemories', () => {
  test('two streams never have the same memory, one after another does', () => {
    const memories = new PartMemories()
    const first = memories.take()
    const second = memories.take()
    expect(second).not.toBe(first)
    memories.giveBack(first)
    expect(memories.take()).toBe(first)
  })

  test('nothing is kept when no stream is under way', () => {
    const memories = new PartMemories()
    const first = memories.take()
    memories.giveBack(first)
    expect(memories.take()).not.toBe(first)
  })
})
