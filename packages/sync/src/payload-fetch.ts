/**
 * One payload on its way here (spec 28, section 7): which parts are missing, which are asked for. Inner nodes are opened
 * as they come; memory is bounded by what is asked for and one path of nodes, however large the payload is.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { type BlockStore, type Id, type PayloadDescriptor, limits, listNode } from '@blocktree/tree'
import { type ByteRange, rangeHasPart } from './byte-range.ts'

interface Part {
  readonly hash: Id
  readonly level: number
  /** Its place among the parts of its level. */
  readonly index: number
}

interface FetchOptions {
  /** Parts that are held are read too, and fetched when they are damaged. */
  readonly isThorough?: boolean
  /** Only the parts in which these bytes of the content are, and the nodes above them. */
  readonly range?: ByteRange | undefined
}

export class PayloadFetch {
  readonly owner: Id
  readonly #store: BlockStore
  readonly #crypto: CryptoProvider
  readonly #payload: PayloadDescriptor
  readonly #isThorough: boolean
  readonly #range: ByteRange | undefined
  readonly #stack: Part[]
  /** By hash; asked of a peer. */
  readonly #asked: Map<string, Part> = new Map()
  /** Came, and is not in the store yet. */
  readonly #unstored: Map<string, Part> = new Map()
  /** Nodes seen, so that hostile ones that name each other end. */
  readonly #seen: Set<string> = new Set()
  /** Set when a node of it is no node: nobody can have the rest. */
  isBroken = false
  /** Of parts that came. */
  bytesArrived = 0

  constructor(
    deps: { readonly store: BlockStore; readonly crypto: CryptoProvider },
    owner: Id,
    payload: PayloadDescriptor,
    { isThorough = false, range }: FetchOptions = {}
  ) {
    this.#isThorough = isThorough
    this.#range = range
    this.owner = owner
    this.#store = deps.store
    this.#crypto = deps.crypto
    this.#payload = payload
    this.#stack = [{ hash: payload.rootHash, level: payload.levels, index: 0 }]
  }

  /** Not all of the payload is wanted. */
  get isPartial(): boolean {
    return this.#range !== undefined
  }

  get isDone(): boolean {
    return this.#stack.length === 0 && this.#asked.size === 0 && this.#unstored.size === 0
  }

  /** No part of it is asked for or on its way to the store. */
  get isIdle(): boolean {
    return this.#asked.size === 0 && this.#unstored.size === 0
  }

  /** Nothing more can be asked for before something comes. */
  get isWaiting(): boolean {
    return this.#stack.length === 0 && this.#asked.size + this.#unstored.size > 0
  }

  /** Parts to ask for now, at most so many; they count as asked until `arrived` or `failed`. */
  next(countMax: number): readonly Id[] {
    const wanted: Id[] = []
    while (wanted.length < countMax) {
      const part = this.#stack.pop()
      if (part === undefined) break
      const key = part.hash.toHex()
      if (isZero(part.hash) || this.#asked.has(key) || this.#unstored.has(key)) continue
      if (part.level > 0 && this.#seen.has(key)) continue
      const held = this.#held(part)
      if (held === 'missing') {
        this.#asked.set(key, part)
        wanted.push(part.hash)
      } else if (held !== 'leaf') this.#open(part, held)
    }
    return wanted
  }

  /** @returns false when the bytes are not those asked for */
  arrived(reference: Id, bytes: Uint8Array): boolean {
    const key = reference.toHex()
    const part = this.#asked.get(key)
    if (part === undefined || this.#crypto.sha256(bytes).toHex() !== key) return false
    this.#asked.delete(key)
    this.#unstored.set(key, part)
    this.bytesArrived += bytes.length
    if (part.level > 0) this.#open(part, bytes)
    return true
  }

  stored(reference: Id): void {
    this.#unstored.delete(reference.toHex())
  }

  /** The store did not take it: fetched again. */
  lost(reference: Id): void {
    const key = reference.toHex()
    const part = this.#unstored.get(key)
    if (part === undefined) return
    this.#unstored.delete(key)
    this.#seen.delete(key)
    this.#stack.push(part)
  }

  /** To be asked for again, of somebody else. */
  failed(reference: Id): void {
    const key = reference.toHex()
    const part = this.#asked.get(key)
    if (part === undefined) return
    this.#asked.delete(key)
    this.#stack.push(part)
  }

  #held({ hash, level }: Part): 'missing' | 'leaf' | Uint8Array {
    if (!this.#store.hasSector(hash)) return 'missing'
    if (level === 0 && !this.#isThorough) return 'leaf'
    try {
      const bytes = this.#store.readSector(hash) ?? 'missing'
      return level === 0 && bytes !== 'missing' ? 'leaf' : bytes
    } catch {
      return 'missing' // damaged: fetched again
    }
  }

  #open({ hash, level, index }: Part, bytes: Uint8Array): void {
    this.#seen.add(hash.toHex())
    try {
      const { hashes } = listNode(this.#payload.aead, level, bytes)
      const firstIndex = index * limits.payloadFanOut
      for (const [at, child] of [...hashes.entries()].toReversed()) {
        const part = { hash: child, level: level - 1, index: firstIndex + at }
        if (this.#range !== undefined && !rangeHasPart(this.#range, this.#payload, part)) continue
        this.#stack.push({ ...part, hash: child.slice() })
      }
    } catch {
      this.isBroken = true
    }
  }
}

function isZero(id: Id): boolean {
  return id.every((byte) => byte === 0)
}
