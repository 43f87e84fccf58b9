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

/** How the key of one epoch opens another. */
interface Way {
  readonly opened: EpochRecord
  readonly by: 'inherit' | 'past'
}

/** One look for a key: what was reached on the way up, and the keys found on the way down. */
class Search {
  /** In the order in which they were reached; grows while it is gone through. */
  readonly reached: Id[] = []
  readonly found: Map<string, Uint8Array> = new Map()
  readonly #ways: Map<string, Way[]> = new Map()

  constructor(id: Id) {
    this.reached.push(id)
    this.#ways.set(id.toHex(), [])
  }

  note(opener: Id, way: Way): void {
    const ways = this.#ways.get(opener.toHex())
    if (ways !== undefined) ways.push(way)
    else if (this.reached.length < epochsOpenedMax) {
      this.reached.push(opener)
      this.#ways.set(opener.toHex(), [way])
    }
  }

  waysFrom(opener: Id): readonly Way[] {
    return this.#ways.get(opener.toHex()) ?? []
  }
}

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
    return this.#known(epoch.toHex()) ?? this.#search(epoch)
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

  #known(name: string): Uint8Array | undefined {
    return this.#given.get(name) ?? this.#derived.get(name)
  }

  /** Looks upwards for epochs whose keys are known and opens downwards from these; no step calls itself. */
  #search(id: Id): Uint8Array | undefined {
    const search = new Search(id)
    for (const at of search.reached) {
      const key = this.#known(at.toHex())
      if (key !== undefined) search.found.set(at.toHex(), key)
      else this.#lookUp(search, at)
      this.#openBelow(search, at)
      if (search.found.has(id.toHex())) break
    }
    return search.found.get(id.toHex())
  }

  /** Notes which epochs may open this one. */
  #lookUp(search: Search, id: Id): void {
    const epoch = this.#source.epoch(id)
    if (epoch === undefined) return
    const { inherit } = epoch.body
    if (inherit !== undefined) this.#note(search, inherit.parentEpoch, epoch, 'inherit')
    for (const successor of this.#source.successors(id)) this.#note(search, successor, epoch, 'past')
  }

  #note(search: Search, opener: Id, opened: EpochRecord, by: Way['by']): void {
    search.note(opener, { opened, by })
    if (search.found.has(opener.toHex())) this.#openBelow(search, opener)
  }

  #openBelow(search: Search, start: Id): void {
    const open = [start]
    for (let opener = open.pop(); opener !== undefined; opener = open.pop()) {
      const key = search.found.get(opener.toHex())
      if (key === undefined) continue
      for (const way of search.waysFrom(opener)) {
        const name = way.opened.id.toHex()
        if (search.found.has(name)) continue
        const found = unlessWrong(() => this.#openWith(opener, key, way))
        if (found === undefined) continue
        search.found.set(name, found)
        this.#keep(name, found)
        open.push(way.opened.id)
      }
    }
  }

  #openWith(opener: Id, key: Uint8Array, { opened, by }: Way): Uint8Array | undefined {
    if (by === 'inherit') return openInheritedKey(this.#crypto, opened.body, key)
    const later = this.#source.epoch(opener)
    return later && openPastKey(this.#crypto, { body: later.body, key }, opened)
  }

  #keep(name: string, key: Uint8Array): void {
    this.#derived.set(name, key)
    if (this.#derived.size <= this.#capacity) return
    const oldest = this.#derived.keys().next()
    if (oldest.done !== true) this.#derived.delete(oldest.value)
  }
}

/** A sealed key that is wrong is one signer's fault; another way may still lead to the epoch. */
function unlessWrong(open: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof TreeError && error.code === 'ERR_ZONE_KEY') return undefined
    throw error
  }
}
