/**
 * Port for where long-lived secrets lie. Drivers: encrypted or 0600 files (./key-file-storage.ts), memory (tests);
 * a TPM can be added without touching a caller. `testKeyStorage` in ./conformance.ts judges every driver.
 */
import { CryptoError } from './crypto-error.ts'

/** The two seeds of a principal. */
export interface PrincipalSecret {
  readonly signSeed: Uint8Array // 32 bytes
  readonly kemSeed: Uint8Array // 32 bytes
}

/** What a storage hands out: shows nothing when inspected or serialised (so it cannot be spread either). */
export interface OpenedPrincipalSecret extends PrincipalSecret {
  /** Wipes both seeds; reading them afterwards throws ERR_KEY_CLOSED. */
  close(): void
}

/** Names match `keyNamePattern`; another name throws ERR_KEY_NAME in every function. */
export interface KeyStorage {
  /** Names of the stored keys, sorted. */
  list(): Promise<readonly string[]>
  /**
   * ERR_KEY_FILE_EXISTS when the name is taken. With a password the secret is sealed under Argon2id.
   * The secret is copied and stays the caller's; ERR_KEY_INVALID when a seed has not 32 bytes.
   */
  create(name: string, secret: PrincipalSecret, options?: { password?: Uint8Array }): Promise<void>
  /**
   * undefined when there is no such key; ERR_KEY_FILE_PASSWORD when the password is wrong or missing. A password given
   * for a key that is not sealed is ignored: ask `isSealed` where that matters.
   */
  open(name: string, options?: { password?: Uint8Array }): Promise<OpenedPrincipalSecret | undefined>
  /** True when the key is sealed under a password; undefined when there is none of this name. */
  isSealed(name: string): Promise<boolean | undefined>
  /**
   * Looks whether a key is whole, without opening it; of a sealed one what can be said without its password. False when
   * there is none of this name. ERR_KEY_FILE_FORMAT for damage, ERR_KEY_FILE_COST for one that asks too much.
   */
  verify(name: string): Promise<boolean>
  /** True when something was removed. */
  remove(name: string): Promise<boolean>
}

/** Safe as a file name on every system: 1 to 64 of a-z, 0-9, `-`, `_`, beginning with a letter or digit. */
export const keyNamePattern: RegExp = /^[a-z0-9][a-z0-9_-]{0,63}$/u

/** @throws ERR_KEY_NAME */
export function expectKeyName(name: string): void {
  if (!keyNamePattern.test(name)) {
    throw new CryptoError(
      'ERR_KEY_NAME',
      `key name ${JSON.stringify(name)} is refused: use 1 to 64 of a-z 0-9 - _`
    )
  }
}
