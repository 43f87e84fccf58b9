/**
 * Port for where long-lived secrets lie. Drivers: encrypted or 0600 files (./key-file-storage.ts), memory (tests);
 * a TPM can be added without touching a caller.
 */

/** The two seeds of a principal; `close` wipes them. */
export interface PrincipalSecret {
  readonly signSeed: Uint8Array // 32 bytes
  readonly kemSeed: Uint8Array // 32 bytes
}

export interface KeyStorage {
  /** Names of the stored keys, sorted. */
  list(): Promise<readonly string[]>
  /** ERR_KEY_FILE_EXISTS when the name is taken. With a password the secret is sealed under Argon2id. */
  create(name: string, secret: PrincipalSecret, options?: { password?: Uint8Array }): Promise<void>
  /** undefined when there is no such key; ERR_KEY_FILE_PASSWORD when the password is wrong or missing. */
  open(name: string, options?: { password?: Uint8Array }): Promise<PrincipalSecret | undefined>
  /** True when the key is sealed under a password; undefined when there is none of this name. */
  isSealed(name: string): Promise<boolean | undefined>
  /** True when something was removed. */
  remove(name: string): Promise<boolean>
}
