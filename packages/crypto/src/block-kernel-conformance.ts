/** The suite that judges every driver of the block kernel against the oracle (needs vitest). */
import { describe, expect, test } from 'vitest'
import { type BlockBatch, type BlockKernel, pairBytes, referenceBytes } from './block-kernel.ts'
import { createPortableBlockKernel } from './portable-block-kernel.ts'

const oracle = createPortableBlockKernel()
const secret = Uint8Array.from({ length: 32 }, (_, index) => index * 3)

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 131 + (index >> 8) * 17) & 0xff)
}

function batchOf(count: number, blockBytes: number, level: number): BlockBatch {
  return {
    blocks: patterned(count * blockBytes),
    blockBytes,
    level,
    pairs: new Uint8Array(count * pairBytes)
  }
}

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0

export function testBlockKernel(title: string, create: () => BlockKernel | undefined): void {
  describe(`block kernel: ${title}`, () => {
    const kernelOf = (): BlockKernel => {
      const kernel = create()
      if (kernel === undefined) throw new Error(`${title} does not run here`)
      return kernel
    }

    test('hashes bytes of any length as the oracle does', () => {
      const kernel = kernelOf()
      for (const length of [0, 1, 63, 127, 128, 129, 255, 256, 257, 1000, 1024, 32_768, 100_000, 262_144]) {
        expect([length, kernel.hash(patterned(length)).toHex()]).toEqual([
          length,
          oracle.hash(patterned(length)).toHex()
        ])
      }
      expect(kernel.hash(new Uint8Array(0)).toHex()).toBe(
        '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8'
      )
    })

    test.for([
      [1, 1024, 0],
      [2, 1024, 0],
      [3, 1024, 0],
      [16, 1024, 1],
      [300, 1024, 0],
      [1, 32_768, 0],
      [3, 32_768, 2],
      [9, 32_768, 0],
      [5, 256, 255],
      [1025, 256, 0],
      [1, 65_536, 0]
    ] as const)(
      'seals %s blocks of %s bytes on level %s as the oracle does, and opens them',
      ([count, bytes, level]) => {
        const [own, expected] = [batchOf(count, bytes, level), batchOf(count, bytes, level)]
        const keyed = level === 0 ? secret : undefined
        const kernel = kernelOf()
        kernel.seal(own, keyed)
        oracle.seal(expected, keyed)
        expect(same(own.pairs, expected.pairs)).toBe(true)
        expect(same(own.blocks, expected.blocks)).toBe(true)
        expect(kernel.open(own)).toBe(count)
        expect(same(own.blocks, patterned(count * bytes))).toBe(true)
      }
    )

    test('a secret of zeros differs from none', () => {
      const kernel = kernelOf()
      const batch = batchOf(1, 1024, 0)
      kernel.seal(batch, new Uint8Array(32))
      expect(batch.pairs.slice(referenceBytes)).not.toEqual(kernel.hash(patterned(1024)))
    })

    test('works on views into larger buffers and touches nothing around them', () => {
      const room = new Uint8Array(4096).fill(7)
      const pairs = new Uint8Array(130).fill(9)
      const blocks = room.subarray(5, 5 + 2048)
      blocks.set(patterned(2048))
      kernelOf().seal({ blocks, blockBytes: 1024, level: 0, pairs: pairs.subarray(1, 129) }, secret)
      const expected = batchOf(2, 1024, 0)
      oracle.seal(expected, secret)
      expect(blocks).toEqual(expected.blocks)
      expect(pairs.subarray(1, 129)).toEqual(expected.pairs)
      expect([room[4], room[2053], pairs[0], pairs[129]]).toEqual([7, 7, 9, 9])
    })

    test('tells which block is the first that is not what its reference says', () => {
      const kernel = kernelOf()
      for (const [count, bad] of [
        [1, 0],
        [5, 0],
        [5, 3],
        [5, 4],
        [300, 299]
      ] as const) {
        const batch = batchOf(count, 1024, 0)
        kernel.seal(batch, secret)
        batch.blocks[bad * 1024 + 1023] = (batch.blocks[bad * 1024 + 1023] ?? 0) ^ 0x80
        expect(kernel.open(batch)).toBe(bad)
        expect(same(batch.blocks.subarray(0, bad * 1024), patterned(bad * 1024))).toBe(true)
      }
    })

    test('does nothing for a batch of nothing', () => {
      const batch = batchOf(0, 1024, 0)
      kernelOf().seal(batch, secret)
      expect(kernelOf().open(batch)).toBe(0)
    })

    test('refuses lengths, levels and secrets that do not fit, and changes nothing', () => {
      const kernel = kernelOf()
      const good = batchOf(2, 1024, 0)
      const refused: unknown = expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
      for (const bad of [
        { ...good, blockBytes: 0 },
        { ...good, blockBytes: -1024 },
        { ...good, blockBytes: 1000 },
        { ...good, blockBytes: Number.NaN },
        { ...good, blockBytes: 1 << 20 },
        { ...good, blocks: good.blocks.subarray(1) },
        { ...good, pairs: good.pairs.subarray(1) },
        { ...good, level: -1 },
        { ...good, level: 256 },
        { ...good, level: 0.5 }
      ]) {
        expect(() => kernel.seal(bad, secret)).toThrow(refused)
        expect(() => kernel.open(bad)).toThrow(refused)
      }
      expect(() => kernel.seal(good, undefined)).toThrow(refused)
      expect(() => kernel.seal(good, secret.subarray(1))).toThrow(refused)
      expect(() => kernel.seal({ ...good, level: 1 }, secret)).toThrow(refused)
      expect(same(good.blocks, patterned(2048))).toBe(true)
      expect(() => kernel.hash(new Uint8Array(262_145))).toThrow(refused)
    })
  })
}
