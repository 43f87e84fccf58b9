import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BlockFileItem,
  encodeBlockFileEnd,
  encodeBlockFileEntry,
  encodeBlockFileStart,
  readBlockFile
} from '../src/block-file.ts'
import { encodeCbor } from '../src/cbor.ts'
import { blockForTest } from '../src/conformance.ts'
import { ErisError } from '../src/eris-error.ts'
import { encodeCapability, parseUrn } from '../src/read-capability.ts'

const capability = parseUrn(
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
)
const blocks = [blockForTest(1), blockForTest(2, 32_768), blockForTest(3)]
const written = Buffer.concat([
  encodeBlockFileStart(),
  ...blocks.map(encodeBlockFileEntry),
  encodeBlockFileEnd([capability])
])
const expected: BlockFileItem[] = [
  ...blocks.map(({ reference, bytes }) => ({ kind: 'block' as const, reference, bytes })),
  { kind: 'capability', capability }
]

async function read(bytes: Uint8Array, pieceBytes = bytes.length): Promise<BlockFileItem[]> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes))
  return Array.fromAsync(readBlockFile(pieces))
}

describe('readBlockFile', () => {
  test('gives what was written, in pieces of any size', async () => {
    for (const pieceBytes of [1, 7, 1000, written.length])
      expect(await read(written, pieceBytes)).toEqual(expected)
  })

  test('reads definite lengths, no tag, and the tag of any CBOR before it', async () => {
    const definite = encodeCbor([
      { array: 2 },
      { map: 3 },
      ...blocks.flatMap(({ reference, bytes }) => [reference, bytes]),
      { tag: 276 },
      encodeCapability(capability)
    ])
    expect(await read(definite)).toEqual(expected)
    expect(await read(Buffer.concat([encodeCbor([{ tag: 1_701_996_915 }]), definite]))).toEqual(expected)
    expect(await read(Buffer.concat([Uint8Array.of(0xd9, 0xd9, 0xf7), written]))).toEqual(expected)
    expect(await read(Uint8Array.of(0x81, 0xa0))).toEqual([])
  })

  test('begins with the magic of the companion document', () => {
    expect(written.subarray(0, 5).toString('hex')).toBe('da65726973')
  })

  const bad = { code: 'ERR_ERIS_BLOCK_FILE' }
  test('refuses what is another thing, cut short at any place, or goes on', async () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(100),
      Uint8Array.of(...written, 0),
      Uint8Array.of(0x80)
    ]) {
      await expect(read(bytes)).rejects.toMatchObject(bad)
    }
    for (const length of [1, 5, 6, 7, 8, 40, 43, 1000, written.length - 1, written.length - 10]) {
      await expect(read(written.subarray(0, length))).rejects.toMatchObject(bad)
    }
  })

  test('refuses blocks of another size and lengths that are not in their shortest form', async () => {
    const { reference } = blockForTest(1)
    const one = (block: Uint8Array): Uint8Array => encodeCbor([{ array: 1 }, { map: 1 }, reference, block])
    for (const length of [0, 1023, 1025, 2048, 65_536]) {
      await expect(read(one(new Uint8Array(length)))).rejects.toMatchObject(bad)
    }
    await expect(read(Uint8Array.of(0x81, 0xb8, 1))).rejects.toMatchObject(bad)
  })

  test('throws nothing but errors of ours for any change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(120), fc.nat(255), async (at, value) => {
        try {
          await read(written.with(at, value))
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      }),
      { numRuns: 150 }
    )
  })
})
