/**
 * Births of zones that peers sent along and that no held record rests on yet (B.3). A birth certifies itself by its hash,
 * so anybody can make any number: they are lent to the records that need them and kept only with these. Bounded, the
 * oldest go first; never stored.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { CodecError } from '@blocktree/codec'
import { blockId, decodeBirth } from './birth.ts'
import { idKey } from './id-key.ts'
import { zoneBirthsWaitingMax } from './limits.ts'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'

export class WaitingBirths {
  readonly #crypto: CryptoProvider
  readonly #births: Map<string, Uint8Array> = new Map()

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** @returns the zone; undefined for what is no birth of a zone root */
  add(bytes: Uint8Array): Id | undefined {
    if (!isZoneBirth(bytes)) return undefined
    const zone = blockId(this.#crypto, bytes)
    this.#births.set(idKey(zone), bytes.slice())
    if (this.#births.size > zoneBirthsWaitingMax) {
      const oldest = this.#births.keys().next()
      if (oldest.done !== true) this.#births.delete(oldest.value)
    }
    return zone
  }

  get(zone: Id): Uint8Array | undefined {
    return this.#births.get(idKey(zone))
  }

  delete(zone: Id): void {
    this.#births.delete(idKey(zone))
  }
}

function isZoneBirth(bytes: Uint8Array): boolean {
  try {
    return decodeBirth(bytes).zoneRoot
  } catch (error) {
    if (error instanceof CodecError || error instanceof TreeError) return false
    throw error
  }
}
