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
  /** Bytes of blocks at most; the ones used least recently make room. */
  readonly bytesMax: number
}

export function createRecentStore({ bytesMax }: RecentStoreOptions): BlockStore {
  return new RecentStore(bytesMax)
}

class RecentStore implements BlockStore {
  readonly name = 'recent blocks'
  readonly permissions: StorePermissions
  readonly #gate = new StoreGate('recent blocks')
  readonly #bytesMax: number
  /** In the order of their last use. */
  readonly #blocks = new Map<ReferenceKey, Uint8Array>()
  #bytesHeld = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.permissions = this.#gate.permissions
  }

  async get({ reference, size }: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    const key = referenceKey(reference)
    const bytes = this.#blocks.get(key)
    if (bytes === undefined || bytes.length !== size) return undefined
    this.#blocks.delete(key)
    this.#blocks.set(key, bytes)
    return bytes
  }

  async put({ reference, bytes }: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    this.#remove(reference)
    this.#blocks.set(referenceKey(reference), bytes.slice())
    this.#bytesHeld += bytes.length
    for (const key of this.#blocks.keys()) {
      if (this.#bytesHeld <= this.#bytesMax) return
      this.#remove(referenceOfKey(key))
    }
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return this.#blocks.get(referenceKey(reference))?.length === size
  }

  async drop({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    return this.#blocks.get(referenceKey(reference))?.length === size && this.#remove(reference)
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    for (const [key, { length }] of this.#blocks)
      if (isBlockSize(length)) yield { reference: referenceOfKey(key), size: length }
  }

  async close(): Promise<void> {
    this.#gate.close()
    this.#blocks.clear()
    this.#bytesHeld = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #remove(reference: BlockReference): boolean {
    const key = referenceKey(reference)
    this.#bytesHeld -= this.#blocks.get(key)?.length ?? 0
    return this.#blocks.delete(key)
  }
}
