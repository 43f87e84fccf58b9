/** What every driver of the block kernel checks before it touches a byte. */
import { type BlockBatch, pairBytes } from './block-kernel.ts'
import { CryptoError } from './crypto-error.ts'

const secretBytes = 32
const blockUnit = 256 // four blocks of ChaCha20, two of BLAKE2b
const blockBytesMax = 65_536

/** @returns the number of blocks */
export function expectBlockBatch({ blocks, blockBytes, level, pairs }: BlockBatch): number {
  if (!(blockBytes > 0 && blockBytes <= blockBytesMax && blockBytes % blockUnit === 0)) {
    throw new CryptoError(
      'ERR_CRYPTO_ARGUMENT',
      `a block of ${blockBytes} bytes: give a multiple of ${blockUnit} up to ${blockBytesMax}`
    )
  }
  const count = blocks.length / blockBytes
  if (!Number.isInteger(count) || pairs.length !== count * pairBytes) {
    throw new CryptoError(
      'ERR_CRYPTO_ARGUMENT',
      `${blocks.length} bytes of blocks of ${blockBytes} and ${pairs.length} bytes of pairs do not belong together`
    )
  }
  if (!Number.isInteger(level) || level < 0 || level > 255) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', `level ${level}: give 0 to 255`)
  }
  return count
}

export function expectSecret(secret: Uint8Array | undefined, level: number): void {
  if (level === 0 ? secret?.length === secretBytes : secret === undefined) return
  throw new CryptoError(
    'ERR_CRYPTO_ARGUMENT',
    level === 0
      ? `blocks of level 0 take a secret of ${secretBytes} bytes`
      : 'only blocks of level 0 take a secret'
  )
}

export const hashBytesMax = 262_144

export function expectHashLength(length: number): void {
  if (length <= hashBytesMax) return
  throw new CryptoError('ERR_CRYPTO_ARGUMENT', `${length} bytes to hash: at most ${hashBytesMax} at once`)
}
