import { createPortableBlockKernel } from '@blocktree/crypto/block-kernel'
import { describe, expect, test } from 'vitest'
import { nameBlock, verifyBlock } from '../src/block.ts'
import {
  formatReference,
  parseReference,
  referenceKey,
  referenceOfKey,
  toReference
} from '../src/block-reference.ts'

const kernel = createPortableBlockKernel()
const bytes = new Uint8Array(1024)
const text = 'GR7L24LFT7U7FPD4DAX3I5NQGEJHQWKTJGAYKBBFMVMQUG73RGRA' // BLAKE2b-256 of 1 KiB of zeros

describe('nameBlock and verifyBlock', () => {
  test('give a block its reference', () => {
    expect(formatReference(nameBlock(kernel, bytes).reference)).toBe(text)
    expect(verifyBlock(kernel, parseReference(text), bytes).bytes).toBe(bytes)
  })

  test('refuse another size, and bytes that changed by one bit', () => {
    const reference = parseReference(text)
    const refused = (code: string): unknown => expect.objectContaining({ code })
    expect(() => nameBlock(kernel, bytes.subarray(1))).toThrow(refused('ERR_ERIS_BLOCK_SIZE'))
    expect(() => verifyBlock(kernel, reference, new Uint8Array(0))).toThrow(refused('ERR_ERIS_BLOCK_SIZE'))
    const changed = bytes.with(1000, (bytes[1000] ?? 0) ^ 1)
    expect(() => verifyBlock(kernel, reference, changed)).toThrow(refused('ERR_ERIS_BLOCK_CORRUPT'))
  })
})

describe('references', () => {
  test('come back from their text and from their key', () => {
    const reference = parseReference(text)
    expect(formatReference(reference)).toBe(text)
    expect(referenceOfKey(referenceKey(reference))).toEqual(reference)
    expect(referenceKey(reference).length).toBe(16)
  })

  test('refuse other lengths and spellings', () => {
    const refused: unknown = expect.objectContaining({ code: 'ERR_ERIS_REFERENCE' })
    for (const bad of ['', text.toLowerCase(), text.slice(1), `${text}=`, text.replace(/.$/u, 'B')]) {
      expect(() => parseReference(bad)).toThrow(refused)
    }
    expect(() => toReference(bytes)).toThrow(refused)
  })
})
