/**
 * A ring of zone keys: opens the key of any epoch that one of the keys it was given leads to, through later epochs
 * (`past`) and outer zones (`inherit`). Every key is checked against its epoch's commitment before it is used.
 */
import { formatId } from '@blocktree/codec'
import { type CryptoProvider, wipe } from '@blocktree/crypto'
import { openInheritedKey, openPastKey } from './epoch.ts'
import { epochsOpenedMax } from './limits.ts'
import type { EpochRecord, Id } from './records.ts'
import { TreeError } from './tree-error.ts'
import { checkZoneKey } from './zone-key.ts'

/** Where the ring finds epochs; all synchronous and cheap. */
export interface EpochSource {
  /** undefined when not held. */
  epoch(id: Id): EpochRecord | undefined
  /** Held epochs that name `id` among their previous ones. */
  successors(id: Id): readonly Id[]
}

type Search = { readonly visited: Set<string> }

export class ZoneKeyRing {
  readonly #crypto: CryptoProvider
  readonly #source: EpochSource
  readonly #capacity: number
  /** Keys that were given, never evicted: the ways into all others. */
  readonly #given = new Map<string, Uint8Array>()
  /** Keys that were derived, oldest use first. */
  readonly #derived = new Map<string, Uint8Array>()

  constructor(crypto: CryptoProvider, source: EpochSource, options?: { readonly capacity?: number }) {
    this.#crypto = crypto
    this.#source = source
    this.#capacity = options?.capacity ?? epochsOpenedMax
  }

  /**
   * Takes a key that was delivered or just made; the bytes are copied.
   * @throws ERR_ZONE_KEY when the epoch does not commit to it
   */
  add(epoch: EpochRecord, key: Uint8Array): void {
    checkZoneKey(this.#crypto, epoch.body, key)
    this.#given.set(epoch.id.toHex(), key.slice())
  }

  /** The key of an epoch, a view that stays the ring's own; undefined when nothing held leads to it. */
  find(epoch: Id): Uint8Array | undefined {
    return this.#find(epoch, { visited: new Set() })
  }

  /** As `find`, but ERR_ZONE_KEY_MISSING instead of undefined. */
  open(epoch: Id): Uint8Array {
    const key = this.find(epoch)
    if (key !== undefined) return key
    throw new TreeError('ERR_ZONE_KEY_MISSING', `no key held here opens the epoch ${formatId(epoch)}`)
  }

  /** The first of `candidates`, in order of preference, whose key opens. */
  firstOpen(candidates: readonly EpochRecord[]): { epoch: EpochRecord; key: Uint8Array } | undefined {
    for (const epoch of candidates) {
      const key = this.find(epoch.id)
      if (key !== undefined) return { epoch, key }
    }
    return undefined
  }

  /** Wipes every key. */
  close(): void {
    for (const key of this.#given.values()) wipe(key)
    for (const key of this.#derived.values()) wipe(key)
    this.#given.clear()
    this.#derived.clear()
  }

  #find(id: Id, search: Search): Uint8Array | undefined {
    const name = id.toHex()
    const known = this.#given.get(name) ?? this.#derived.get(name)
    if (known !== undefined) return known
    if (search.visited.has(name) || search.visited.size >= epochsOpenedMax) return undefined
    search.visited.add(name)
    const epoch = this.#source.epoch(id)
    if (epoch === undefined) return undefined
    const key = this.#findInherited(epoch, search) ?? this.#findPast(epoch, search)
    if (key !== undefined) this.#keep(name, key)
    return key
  }

  #findInherited(epoch: EpochRecord, search: Search): Uint8Array | undefined {
    const { inherit } = epoch.body
    const parentKey = inherit && this.#find(inherit.parentEpoch, search)
    if (parentKey === undefined) return undefined
    return unlessWrong(() => openInheritedKey(this.#crypto, epoch.body, parentKey))
  }

  #findPast(epoch: EpochRecord, search: Search): Uint8Array | undefined {
    for (const successor of this.#source.successors(epoch.id)) {
      const later = this.#source.epoch(successor)
      const laterKey = later && this.#find(successor, search)
      if (later === undefined || laterKey === undefined) continue
      const key = unlessWrong(() => openPastKey(this.#crypto, { body: later.body, key: laterKey }, epoch))
      if (key !== undefined) return key
    }
    return undefined
  }

  #keep(name: string, key: Uint8Array): void {
    this.#derived.set(name, key)
    if (this.#derived.size <= this.#capacity) return
    const oldest = this.#derived.keys().next()
    if (oldest.done !== true) this.#derived.delete(oldest.value)
  }
}

/** A sealed key that is wrong is one signer's fault; another way may still lead to the epoch. */
function unlessWrong(open: () => Uint8Array): Uint8Array | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof TreeError && error.code === 'ERR_ZONE_KEY') return undefined
    throw error
  }
}
