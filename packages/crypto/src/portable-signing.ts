/**
 * Ed25519 with noble's points, under the one rule of doc/spec/03-cryptography.md, section 5. noble's own `verify`
 * multiplies by the cofactor, which accepts more, so the equation is written out here.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { expectLength, keyBytes } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import type { CryptoProvider, SigningKey } from './crypto-provider.ts'
import { hasValidSignatureShape } from './signature-rule.ts'
import { wipe } from './wipe.ts'

const { Point } = ed25519
const { Fn } = Point

export const portableSigning: Pick<CryptoProvider, 'signingKey' | 'isSigningPublicKey' | 'verify'> = {
  signingKey: (seed) => new PortableSigningKey(seed),
  isSigningPublicKey,
  verify
}

function isSigningPublicKey(publicKey: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(publicKey)
    return !point.is0() && point.isTorsionFree()
  } catch {
    return false
  }
}

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== keyBytes || !hasValidSignatureShape(signature)) return false
  try {
    const commitment = signature.subarray(0, 32)
    const scalar = Fn.fromBytes(signature.slice(32))
    const challenge = challengeOf(commitment, publicKey, message)
    const negatedKey = Point.fromBytes(publicKey).negate()
    const expected = Point.BASE.multiplyUnsafe(scalar).add(negatedKey.multiplyUnsafe(challenge)).toBytes()
    return expected.every((byte, index) => byte === commitment[index])
  } catch {
    return false
  }
}

/** k = SHA-512(R | A | M) mod L */
function challengeOf(commitment: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  const digest = sha512.create().update(commitment).update(publicKey).update(message).digest()
  const value = digest.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return Fn.create(value)
}

class PortableSigningKey implements SigningKey {
  readonly publicKey: Uint8Array
  readonly #seed: Uint8Array
  #closed = false

  constructor(seed: Uint8Array) {
    expectLength('signing seed', seed, keyBytes, 'ERR_KEY_INVALID')
    this.#seed = Uint8Array.from(seed)
    this.publicKey = ed25519.getPublicKey(this.#seed)
  }

  sign(message: Uint8Array): Uint8Array {
    this.#expectOpen()
    return ed25519.sign(message, this.#seed)
  }

  exportSeed(): Uint8Array {
    this.#expectOpen()
    return Uint8Array.from(this.#seed)
  }

  close(): void {
    this.#closed = true
    wipe(this.#seed)
  }

  #expectOpen(): void {
    if (this.#closed) throw new CryptoError('ERR_KEY_CLOSED', 'signing key is closed, open it again')
  }
}
