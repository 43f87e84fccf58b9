import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CryptoProvider } from '../src/crypto-provider.ts'
import { decodeKeyFile, encodeKeyFile, keyFileBytesMax, keyFileCostMax } from '../src/key-file.ts'
import { createNativeProvider } from '../src/native.ts'
import { createPortableProvider } from '../src/portable.ts'

const native = createNativeProvider()
const cost = { memoryKib: 64, passes: 2, parallelism: 2 }
const password = new TextEncoder().encode('correct horse')
const secret = {
  signSeed: Uint8Array.from({ length: 32 }, (_, index) => index),
  kemSeed: Uint8Array.from({ length: 32 }, (_, index) => index + 32)
}

/** The vectors of doc/spec/04-key-files.md, section 4. */
const plainVector =
  '62746b65790d0a1a01000000' +
  '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' +
  '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f' +
  '28c1fd50ade449ab8ec7d2e613aaca5ca6be7cc196e70660672268ad62692a13'
const sealedVector =
  '62746b65790d0a1a01010000' +
  '000000400000000200000002' +
  'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf' +
  'e03589d3d8e8dbadac96cad164e0650848c9a2ac5f549bda570ea71d965e13b6' +
  '2cbca6f3188433cc7bbb20ae9eee0c6e0f928d786130526667e35b717d22dccba2c64f7aa3cdb98ba61cea19c36e46a37cc3a5304f510200f74996a79ab42732a6c7dcc8be35581e1c36953956f5c3b4' +
  'aa5487c79489db1ab9c5d4ac69f53b9926cc7e1a6fd8f9c3c88a2f5c9d12084d'

function withFixedSalt(crypto: CryptoProvider): CryptoProvider {
  return { ...crypto, random: { bytes: (length) => Uint8Array.from({ length }, (_, index) => 0xa0 + index) } }
}

function withCost(file: Uint8Array, memoryKib: number, passes: number, parallelism: number): Uint8Array {
  const changed = Uint8Array.from(file)
  const view = new DataView(changed.buffer)
  view.setUint32(12, memoryKib)
  view.setUint32(16, passes)
  view.setUint32(20, parallelism)
  return withChecksum(changed)
}

function withChecksum(file: Uint8Array): Uint8Array {
  const fixed = Uint8Array.from(file)
  fixed.set(native.sha256(fixed.subarray(0, -32)), fixed.length - 32)
  return fixed
}

async function codeOf(decoding: Promise<unknown>): Promise<string> {
  return decoding.then(
    () => 'opened',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error))
  )
}

describe('encodeKeyFile', () => {
  test.for([
    ['native', native],
    ['portable', createPortableProvider()]
  ] as const)('gives the bytes of the specification (%s)', async ([, crypto]) => {
    expect((await encodeKeyFile(crypto, secret, undefined, cost)).toHex()).toBe(plainVector)
    expect((await encodeKeyFile(withFixedSalt(crypto), secret, password, cost)).toHex()).toBe(sealedVector)
    const opened = await decodeKeyFile(crypto, Uint8Array.fromHex(sealedVector), password)
    expect(opened.kemSeed.toHex()).toBe(secret.kemSeed.toHex())
  })

  test('refuses to write a cost that no reader would take', async () => {
    for (const bad of [
      { ...cost, memoryKib: keyFileCostMax.memoryKib + 1 },
      { ...cost, passes: 0 }
    ]) {
      expect(await codeOf(encodeKeyFile(native, secret, password, bad))).toBe('ERR_KEY_FILE_COST')
    }
  })
})

describe('decodeKeyFile', () => {
  test('refuses every changed byte of either kind as damage', async () => {
    for (const vector of [plainVector, sealedVector]) {
      const file = Uint8Array.fromHex(vector)
      for (let index = 0; index < file.length; index++) {
        const changed = file.with(index, (file[index] ?? 0) ^ 1)
        expect(await codeOf(decodeKeyFile(native, changed, password))).toBe('ERR_KEY_FILE_FORMAT')
      }
    }
  })

  test('refuses every changed byte of a sealed file also when the checksum was made right again', async () => {
    const file = Uint8Array.fromHex(sealedVector)
    for (let index = 0; index < file.length - 32; index++) {
      const changed = withChecksum(file.with(index, (file[index] ?? 0) ^ 1))
      expect(await codeOf(decodeKeyFile(native, changed, password))).toMatch(/^ERR_KEY_FILE_/u)
    }
  })

  test('refuses costs that would take the memory or the time of the reader, before spending any', async () => {
    const file = Uint8Array.fromHex(sealedVector)
    const started = performance.now()
    for (const [memoryKib, passes, parallelism] of [
      [keyFileCostMax.memoryKib + 1, 1, 1],
      [0xffffffff, 1, 1],
      [keyFileCostMax.memoryKib, 5, 1],
      [64, 0xffffffff, 1],
      [64, 65_536, 1],
      [1024, 1, 65],
      [64, 0, 1],
      [64, 1, 0],
      [7, 1, 1]
    ] as const) {
      const hostile = withCost(file, memoryKib, passes, parallelism)
      expect(await codeOf(decodeKeyFile(native, hostile, password))).toBe('ERR_KEY_FILE_COST')
    }
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('refuses a lowered cost, since the header is bound to the key', async () => {
    const cheaper = withCost(Uint8Array.fromHex(sealedVector), 32, 1, 1)
    expect(await codeOf(decodeKeyFile(native, cheaper, password))).toBe('ERR_KEY_FILE_PASSWORD')
  })

  test('names the version of a newer file', async () => {
    const newer = withChecksum(Uint8Array.fromHex(plainVector).with(8, 2))
    await expect(decodeKeyFile(native, newer, undefined)).rejects.toThrow(/version 2/u)
  })

  test('throws nothing but its own error for any bytes', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: keyFileBytesMax + 10 }),
      fc
        .uint8Array({ maxLength: 200 })
        .map((tail) => Uint8Array.of(...Uint8Array.fromHex('62746b65790d0a1a01'), ...tail))
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (file) => {
        expect(await codeOf(decodeKeyFile(native, file, password))).toMatch(
          /^ERR_KEY_FILE_(FORMAT|COST|PASSWORD)$/u
        )
      }),
      { numRuns: process.env['SLOW'] === '1' ? 20_000 : 300 }
    )
  })
})
