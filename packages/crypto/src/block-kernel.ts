/**
 * The port of convergent block encryption as ERIS uses it (doc/spec/25-eris.md): key, cipher text and reference of many
 * blocks in one call, because blocks are independent and a driver may work on several at once. Three drivers: `simd`
 * (WebAssembly), `native` (libsodium, OpenSSL) and `portable` (noble, the oracle). `testBlockKernel` judges all of them.
 *
 *   key        level 0: BLAKE2b-256(block, key = secret)   above: BLAKE2b-256(block)
 *   encrypted  ChaCha20(key, nonce = level | 0 * 11, counter from 0, block)
 *   reference  BLAKE2b-256(encrypted)
 */

export const referenceBytes = 32
export const blockKeyBytes = 32
export const pairBytes: number = referenceBytes + blockKeyBytes // reference | key

export interface BlockBatch {
  /** Whole blocks one after another; changed in place. */
  readonly blocks: Uint8Array
  /** Bytes of one block: a positive multiple of 256, at most 65,536. */
  readonly blockBytes: number
  /** Level of these blocks in their tree, 0 to 255: first byte of the nonce. */
  readonly level: number
  /** One reference | key of 64 bytes for each block: written by `seal`, read by `open`. */
  readonly pairs: Uint8Array
}

export interface BlockKernel {
  readonly name: 'simd' | 'native' | 'portable'

  /**
   * @returns BLAKE2b-256 of the bytes, unkeyed, a new buffer: the reference of a sealed block, the key of a node
   * @throws ERR_CRYPTO_ARGUMENT for more than 262,144 bytes
   */
  hash(bytes: Uint8Array): Uint8Array

  /**
   * Encrypts every block in place and writes its reference and key.
   * @param secret 32 bytes, the key of the hash; undefined for nodes above level 0
   * @throws ERR_CRYPTO_ARGUMENT for lengths that do not fit each other; nothing is changed then
   */
  seal(batch: BlockBatch, secret: Uint8Array | undefined): void

  /**
   * Checks every block against its reference, then decrypts it in place with its key.
   * @returns how many were good: all of them, or the index of the first whose hash differs; that one and those after
   * it hold nothing of use then
   * @throws ERR_CRYPTO_ARGUMENT as `seal` does
   */
  open(batch: BlockBatch): number
}
