/**
 * The port of the cryptographic layer. Two drivers implement it: `native` (OpenSSL through node:crypto,
 * sodium-native where it is faster) and `portable` (noble, for browsers and phones and as the oracle in tests).
 * `testCryptoProvider` in ./conformance.ts judges both. Nothing here keeps or prints a secret.
 */

/** Source of random bytes; passed in, so that the simulator can be seeded. */
export interface Random {
  /** @returns `length` fresh bytes, owned by the caller */
  bytes(length: number): Uint8Array
}

/** AEAD algorithms by their code in formats (MODEL B.4): keys of 32, nonces of 12, tags of 16 bytes. */
export const aead = { aes256Gcm: 1, chacha20Poly1305: 2 } as const
export type AeadCode = (typeof aead)[keyof typeof aead]

/** A key that signs. The secret may live elsewhere (a TPM); `close` wipes what is in memory. */
export interface SigningKey {
  readonly publicKey: Uint8Array // 32 bytes, Ed25519
  /** @returns 64 bytes; ERR_KEY_CLOSED after `close` */
  sign(message: Uint8Array): Uint8Array
  /** A copy of the 32-byte seed for a worker or a key file; ERR_KEY_NOT_EXPORTABLE when it cannot leave its store. */
  exportSeed(): Uint8Array
  close(): void
}

/** A key that opens what was sealed to its public key (X-Wing). */
export interface DecapsulationKey {
  readonly publicKey: Uint8Array // 1216 bytes
  /** @returns the 32-byte shared secret; a ciphertext that was not made for this key gives an unrelated secret */
  decapsulate(ciphertext: Uint8Array): Uint8Array
  exportSeed(): Uint8Array
  close(): void
}

export interface CryptoProvider {
  readonly name: 'native' | 'portable'

  sha256(message: Uint8Array): Uint8Array
  /** SHA-256 over the parts joined; no joined copy is promised or forbidden. */
  sha256Parts(parts: readonly Uint8Array[]): Uint8Array
  hmacSha256(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array
  hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array

  /** @returns ciphertext | 16-byte tag, a new buffer owned by the caller */
  aeadSeal(
    code: AeadCode,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array
  ): Uint8Array
  /**
   * The same bytes written into `target`, which has room for exactly plaintext + 16 bytes and does not overlap the
   * inputs. For bulk data: saves allocating a sector, a third of the time at 128 KiB.
   */
  aeadSealInto(
    code: AeadCode,
    key: Uint8Array,
    nonce: Uint8Array,
    buffers: { readonly associated: Uint8Array; readonly plaintext: Uint8Array; readonly target: Uint8Array }
  ): void
  /** @returns the plaintext, or undefined when the tag does not match */
  aeadOpen(
    code: AeadCode,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array
  ): Uint8Array | undefined

  /** @param seed 32 bytes, copied */
  signingKey(seed: Uint8Array): SigningKey
  /**
   * True when the bytes are a canonical Ed25519 public key of prime order (MODEL B.1.4, first part).
   * Checked once per principal; `verify` does not repeat it.
   */
  isSigningPublicKey(publicKey: Uint8Array): boolean
  /** The rest of MODEL B.1.4, cofactorless, for a public key that `isSigningPublicKey` accepted. Never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean

  /** @param seed 32 bytes, copied */
  decapsulationKey(seed: Uint8Array): DecapsulationKey
  /**
   * X-Wing encapsulation to a 1216-byte public key.
   * @param randomness 64 bytes for reproducible vectors; absent in daily use
   * @throws ERR_KEY_INVALID for a key of another length or one that ML-KEM refuses
   */
  encapsulate(
    publicKey: Uint8Array,
    randomness?: Uint8Array
  ): { sharedSecret: Uint8Array; ciphertext: Uint8Array }

  /** Argon2id, version 1.3; `memoryKib`, `passes` and `parallelism` as in RFC 9106. */
  argon2id(
    password: Uint8Array,
    salt: Uint8Array,
    cost: { readonly memoryKib: number; readonly passes: number; readonly parallelism: number },
    length: number
  ): Promise<Uint8Array>

  /** The operating system's generator. */
  readonly random: Random
}

export const xWingPublicKeyBytes = 1216
export const xWingCiphertextBytes = 1120
export const sharedSecretBytes = 32
export const signatureBytes = 64
export const aeadTagBytes = 16
