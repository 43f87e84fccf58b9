/** The seeds of a principal in private fields, so that no log line, error or JSON can show them by accident. */
import { CryptoError } from './crypto-error.ts'
import type { OpenedPrincipalSecret } from './key-storage.ts'
import { wipe } from './wipe.ts'

/** Takes over both buffers: `close` wipes them. */
export function createPrincipalSecret(signSeed: Uint8Array, kemSeed: Uint8Array): OpenedPrincipalSecret {
  return new HeldPrincipalSecret(signSeed, kemSeed)
}

class HeldPrincipalSecret implements OpenedPrincipalSecret {
  readonly #signSeed: Uint8Array
  readonly #kemSeed: Uint8Array
  #closed = false

  constructor(signSeed: Uint8Array, kemSeed: Uint8Array) {
    this.#signSeed = signSeed
    this.#kemSeed = kemSeed
  }

  get signSeed(): Uint8Array {
    this.#expectOpen()
    return this.#signSeed
  }

  get kemSeed(): Uint8Array {
    this.#expectOpen()
    return this.#kemSeed
  }

  close(): void {
    this.#closed = true
    wipe(this.#signSeed)
    wipe(this.#kemSeed)
  }

  #expectOpen(): void {
    if (this.#closed)
      throw new CryptoError('ERR_KEY_CLOSED', 'principal secret is closed, open the key again')
  }
}
