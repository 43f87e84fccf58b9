/** Length checks of both providers: one wording, and no value of a secret in any message. */
import { CryptoError, type CryptoErrorCode } from './crypto-error.ts'
import { type AeadCode, aead } from './crypto-provider.ts'

export const keyBytes = 32
export const nonceBytes = 12

/** @throws `code` (ERR_CRYPTO_ARGUMENT unless said otherwise) when `bytes` has another length */
export function expectLength(
  what: string,
  bytes: Uint8Array,
  length: number,
  code: CryptoErrorCode = 'ERR_CRYPTO_ARGUMENT'
): void {
  if (bytes.length !== length) {
    throw new CryptoError(code, `${what} has ${bytes.length} bytes, pass exactly ${length}`)
  }
}

/** @throws ERR_CRYPTO_ARGUMENT for an unknown code or a key or nonce of another length */
export function expectAeadArguments(code: AeadCode, key: Uint8Array, nonce: Uint8Array): void {
  if (code !== aead.aes256Gcm && code !== aead.chacha20Poly1305) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', `AEAD code ${String(code)} is unknown, use 1 or 2`)
  }
  expectLength('AEAD key', key, keyBytes)
  expectLength('AEAD nonce', nonce, nonceBytes)
}

const hkdfBytesMax = 255 * 32 // RFC 5869, section 2.3

/** @throws ERR_CRYPTO_ARGUMENT when HKDF-SHA256 cannot give `length` bytes */
export function expectHkdfLength(length: number): void {
  if (!Number.isInteger(length) || length < 1 || length > hkdfBytesMax) {
    throw new CryptoError(
      'ERR_CRYPTO_ARGUMENT',
      `HKDF output of ${length} bytes, ask for 1 to ${hkdfBytesMax}`
    )
  }
}

const argon2MemoryKibMax = 2 * 1024 * 1024 // 2 GiB, below the 4 GiB of a 32-bit heap; a key file is held to less
const argon2SaltBytesMin = 8 // RFC 9106, section 3.1

export interface Argon2Cost {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
}

/** @throws ERR_CRYPTO_ARGUMENT when RFC 9106 or our bounds do not allow the parameters */
export function expectArgon2Arguments(salt: Uint8Array, cost: Argon2Cost, length: number): void {
  const integers = [cost.memoryKib, cost.passes, cost.parallelism, length].every(Number.isInteger)
  const inRange =
    cost.parallelism >= 1 &&
    cost.parallelism <= 255 &&
    cost.memoryKib >= 8 * cost.parallelism &&
    cost.memoryKib <= argon2MemoryKibMax &&
    cost.passes >= 1 &&
    cost.passes <= 65_535 &&
    length >= 4 &&
    length <= 1024
  if (!integers || !inRange) {
    throw new CryptoError(
      'ERR_CRYPTO_ARGUMENT',
      `Argon2id with ${cost.memoryKib} KiB, ${cost.passes} passes, parallelism ${cost.parallelism}, ${length} bytes is out of range`
    )
  }
  if (salt.length < argon2SaltBytesMin) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', `Argon2id salt has ${salt.length} bytes, pass at least 8`)
  }
}
