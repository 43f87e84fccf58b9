/**
 * A cache in memory: the blocks that were used last, within a limit of bytes. Whoever puts has checked the block, and what
 * lies in the memory of this process is not checked again.
 */
import {
  type Block,
  type BlockReference,
  type BlockRequest,
  type BlockStore,
  type ReferenceKey,
  type StoreOptions,
  type StorePermissions,
  isBlockSize,
  referenceKey,
  referenceOfKey
} from '@blocktree/eris'
import { StoreGate } from './store-gate.ts'

export interface RecentStoreOptions {
  /** Bytes of blocks at most; those not used for long make room. A block larger than half of it is not kept. */
  readonly bytesMax: number
}

export function createRecentStore({ bytesMax }: RecentStoreOptions): BlockStore {
  return new RecentStore(bytesMax)
}

/**
 * Two generations, each of half the bytes: what is used moves to the young one, and when that is full the old one is
 * dropped. Moving a block to the end of one map at every use, for the exact order, costs more than all the rest of a hit.
 */
class RecentStore implements BlockStore {
  readonly name = 'recent blocks'
  readonly permissions: StorePermissions
  readonly #gate = new StoreGate('recent blocks')
  readonly #halfBytes: number
  #young = new Map<ReferenceKey, Uint8Array>()
  #old = new Map<ReferenceKey, Uint8Array>()
  #youngBytes = 0

  constructor(bytesMax: number) {
    this.#halfBytes = Math.floor(bytesMax / 2)
    this.permissions = this.#gate.permissions
  }

  async get({ reference, size }: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    const key = referenceKey(reference)
    const young = this.#young.get(key)
    const bytes = young ?? this.#old.get(key)
    if (bytes === undefined || bytes.length !== size) return undefined
    if (young === undefined) this.#keep(key, bytes)
    return bytes
  }

  async put({ reference, bytes }: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    const key = referenceKey(reference)
    if (!this.#young.has(key)) this.#keep(key, bytes.slice())
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return this.#find(reference)?.length === size
  }

  async drop({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    if (this.#find(reference)?.length !== size) return false
    const key = referenceKey(reference)
    this.#old.delete(key)
    if (this.#young.delete(key)) this.#youngBytes -= size
    return true
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    for (const [key, { length }] of [...this.#young, ...this.#old])
      if (isBlockSize(length)) yield { reference: referenceOfKey(key), size: length }
  }

  async close(): Promise<void> {
    this.#gate.close()
    this.#young.clear()
    this.#old.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #find(reference: BlockReference): Uint8Array | undefined {
    const key = referenceKey(reference)
    return this.#young.get(key) ?? this.#old.get(key)
  }

  /** A key is in one generation only. */
  #keep(key: ReferenceKey, bytes: Uint8Array): void {
    if (bytes.length > this.#halfBytes) return
    this.#old.delete(key)
    if (this.#youngBytes + bytes.length > this.#halfBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, bytes)
    this.#youngBytes += bytes.length
  }
}
