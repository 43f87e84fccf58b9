/**
 * The provider for Node: OpenSSL through node:crypto, libsodium for signatures, small hashes and small
 * ChaCha20-Poly1305 messages (doc/adr/0002-crypto-providers.md has the figures behind each choice). noble is loaded
 * only for what neither offers.
 */
import { argon2, createHmac, hkdfSync } from 'node:crypto'
import { type Argon2Cost, expectArgon2Arguments, expectHkdfLength } from './argument-check.ts'
import type { CryptoProvider } from './crypto-provider.ts'
import { createNativeAead } from './native-aead.ts'
import { createNativeHashing } from './native-hash.ts'
import { createNativeSigning } from './native-signing.ts'
import { nativeXWingPrimitives } from './native-x-wing.ts'
import { plainView } from './plain-view.ts'
import { createPooledRandom } from './native-random.ts'
import { type NewBytes, ownBytes } from './result-room.ts'
import { loadSodium } from './sodium.ts'
import { createXWingKey, encapsulateXWing } from './x-wing.ts'

export interface NativeProviderOptions {
  /** false = OpenSSL alone, as on a machine where the add-on does not load; default true */
  readonly sodium?: boolean
  /** Makes the room for small results, all zero; a buffer of its own for each when absent. */
  readonly newBytes?: NewBytes
}

export function createNativeProvider(options: NativeProviderOptions = {}): CryptoProvider {
  const sodium = options.sodium === false ? undefined : loadSodium()
  const { newBytes = ownBytes } = options
  return {
    name: 'native',
    ...createNativeHashing(sodium, newBytes),
    hkdfSha256,
    ...createNativeAead(sodium, newBytes),
    ...createNativeSigning(sodium, newBytes),
    decapsulationKey: (seed) => createXWingKey(nativeXWingPrimitives, seed),
    encapsulate: (publicKey, randomness) => encapsulateXWing(nativeXWingPrimitives, publicKey, randomness),
    argon2id,
    random: createPooledRandom(newBytes)
  }
}

const hkdfInfoBytesMax = 1024 // a bound of node:crypto, not of RFC 5869

function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  expectHkdfLength(length)
  if (info.length <= hkdfInfoBytesMax) return new Uint8Array(hkdfSync('sha256', secret, salt, info, length))
  return expandLongInfo(hmac(salt, [secret]), info, length)
}

/** RFC 5869, section 2.3, for an info that node:crypto does not take. */
function expandLongInfo(pseudoRandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(Math.ceil(length / 32) * 32)
  let block = new Uint8Array(0)
  for (let offset = 0; offset < length; offset += 32) {
    block = Uint8Array.from(hmac(pseudoRandomKey, [block, info, Uint8Array.of(offset / 32 + 1)]))
    output.set(block, offset)
  }
  return output.slice(0, length)
}

function hmac(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const code = createHmac('sha256', key)
  for (const part of parts) code.update(part)
  return plainView(code.digest())
}

/** Runs in the thread pool. */
async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  cost: Argon2Cost,
  length: number
): Promise<Uint8Array> {
  expectArgon2Arguments(salt, cost, length)
  return await new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      {
        message: password,
        nonce: salt,
        parallelism: cost.parallelism,
        memory: cost.memoryKib,
        passes: cost.passes,
        tagLength: length
      },
      (error, derived) => {
        if (error === null) resolve(plainView(derived))
        else reject(error)
      }
    )
  })
}
