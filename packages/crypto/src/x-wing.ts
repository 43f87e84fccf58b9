/**
 * X-Wing, the hybrid of ML-KEM-768 and X25519 (draft-connolly-cfrg-xwing-kem-10; doc/spec/03-cryptography.md, section 6).
 * Layout and combiner are written once here; a provider brings the primitives.
 */
import { expectLength } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import { type DecapsulationKey, xWingCiphertextBytes, xWingPublicKeyBytes } from './crypto-provider.ts'
import { wipe } from './wipe.ts'

/** One half of the hybrid with its secret inside. */
export interface SecretHalf {
  readonly publicKey: Uint8Array
  /** ML-KEM: the shared secret of a 1088-byte ciphertext. X25519: the agreed secret, 32 zero bytes for a low-order point. */
  open(received: Uint8Array): Uint8Array
  close(): void
}

export interface XWingPrimitives {
  shake256(message: Uint8Array, length: number): Uint8Array
  sha3(message: Uint8Array): Uint8Array
  /** @param secret 32 bytes, copied */
  x25519Key(secret: Uint8Array): SecretHalf
  /** @param seed d | z, 64 bytes, copied */
  mlKemKey(seed: Uint8Array): SecretHalf
  /** Throws anything when the public key is refused. `coins` are 32 bytes for a reproducible result. */
  mlKemEncapsulate(
    publicKey: Uint8Array,
    coins: Uint8Array | undefined
  ): { sharedSecret: Uint8Array; ciphertext: Uint8Array }
  randomBytes(length: number): Uint8Array
}

const seedBytes = 32
const mlKemPublicKeyBytes = 1184
const mlKemCiphertextBytes = 1088
const label: Uint8Array = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c) // \.//^\

/** @throws ERR_KEY_INVALID when the seed has another length than 32 */
export function createXWingKey(primitives: XWingPrimitives, seed: Uint8Array): DecapsulationKey {
  expectLength('X-Wing seed', seed, seedBytes, 'ERR_KEY_INVALID')
  const expanded = primitives.shake256(seed, 96)
  const mlKem = primitives.mlKemKey(expanded.subarray(0, 64))
  const x25519 = primitives.x25519Key(expanded.subarray(64))
  wipe(expanded)
  return new XWingKey(primitives, seed, mlKem, x25519)
}

/** @throws ERR_KEY_INVALID for a key of another length, one that ML-KEM refuses or one with a low-order X25519 point */
export function encapsulateXWing(
  primitives: XWingPrimitives,
  publicKey: Uint8Array,
  randomness: Uint8Array | undefined
): { sharedSecret: Uint8Array; ciphertext: Uint8Array } {
  expectLength('X-Wing public key', publicKey, xWingPublicKeyBytes, 'ERR_KEY_INVALID')
  if (randomness !== undefined) expectLength('X-Wing randomness', randomness, 64)
  const recipientPoint = publicKey.subarray(mlKemPublicKeyBytes)
  const mlKem = encapsulateMlKem(
    primitives,
    publicKey.subarray(0, mlKemPublicKeyBytes),
    randomness?.subarray(0, 32)
  )
  const ephemeral = randomness === undefined ? primitives.randomBytes(32) : randomness.slice(32)
  const x25519 = primitives.x25519Key(ephemeral)
  const agreed = x25519.open(recipientPoint)
  x25519.close()
  wipe(ephemeral)
  if (agreed.every((byte) => byte === 0)) {
    throw new CryptoError('ERR_KEY_INVALID', 'X-Wing public key refused: its X25519 point is of low order')
  }
  const sharedSecret = combine(primitives, mlKem.sharedSecret, agreed, x25519.publicKey, recipientPoint)
  wipe(mlKem.sharedSecret)
  wipe(agreed)
  const ciphertext = new Uint8Array(xWingCiphertextBytes)
  ciphertext.set(mlKem.ciphertext)
  ciphertext.set(x25519.publicKey, mlKemCiphertextBytes)
  return { sharedSecret, ciphertext }
}

function encapsulateMlKem(
  primitives: XWingPrimitives,
  publicKey: Uint8Array,
  coins: Uint8Array | undefined
): { sharedSecret: Uint8Array; ciphertext: Uint8Array } {
  try {
    return primitives.mlKemEncapsulate(publicKey, coins)
  } catch (cause) {
    throw new CryptoError('ERR_KEY_INVALID', 'X-Wing public key refused by ML-KEM-768', { cause })
  }
}

/** SHA3-256(ss_M | ss_X | ct_X | pk_X | label) */
function combine(
  primitives: XWingPrimitives,
  mlKemSecret: Uint8Array,
  x25519Secret: Uint8Array,
  x25519Ciphertext: Uint8Array,
  x25519PublicKey: Uint8Array
): Uint8Array {
  const input = new Uint8Array(134)
  input.set(mlKemSecret, 0)
  input.set(x25519Secret, 32)
  input.set(x25519Ciphertext, 64)
  input.set(x25519PublicKey, 96)
  input.set(label, 128)
  const sharedSecret = primitives.sha3(input)
  wipe(input)
  return sharedSecret
}

/** Owns the seed and both halves; private fields keep them out of inspection and JSON. */
class XWingKey implements DecapsulationKey {
  readonly publicKey: Uint8Array
  readonly #primitives: XWingPrimitives
  readonly #seed: Uint8Array
  readonly #x25519PublicKey: Uint8Array
  #halves: { readonly mlKem: SecretHalf; readonly x25519: SecretHalf } | undefined

  constructor(primitives: XWingPrimitives, seed: Uint8Array, mlKem: SecretHalf, x25519: SecretHalf) {
    this.#primitives = primitives
    this.#seed = Uint8Array.from(seed)
    this.#halves = { mlKem, x25519 }
    this.#x25519PublicKey = Uint8Array.from(x25519.publicKey)
    this.publicKey = new Uint8Array(xWingPublicKeyBytes)
    this.publicKey.set(mlKem.publicKey)
    this.publicKey.set(x25519.publicKey, mlKemPublicKeyBytes)
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    const { mlKem, x25519 } = this.#open()
    expectLength('X-Wing ciphertext', ciphertext, xWingCiphertextBytes)
    const received = ciphertext.subarray(mlKemCiphertextBytes)
    const mlKemSecret = mlKem.open(ciphertext.subarray(0, mlKemCiphertextBytes))
    const agreed = x25519.open(received)
    const sharedSecret = combine(this.#primitives, mlKemSecret, agreed, received, this.#x25519PublicKey)
    wipe(mlKemSecret)
    wipe(agreed)
    return sharedSecret
  }

  exportSeed(): Uint8Array {
    this.#open()
    return Uint8Array.from(this.#seed)
  }

  close(): void {
    this.#halves?.mlKem.close()
    this.#halves?.x25519.close()
    this.#halves = undefined
    wipe(this.#seed)
  }

  #open(): { readonly mlKem: SecretHalf; readonly x25519: SecretHalf } {
    if (this.#halves === undefined)
      throw new CryptoError('ERR_KEY_CLOSED', 'decapsulation key is closed, open it again')
    return this.#halves
  }
}
