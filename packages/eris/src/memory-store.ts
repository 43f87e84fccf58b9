/** The memory driver of the store port: for tests, for pipelines that end in memory, and as a cache with a limit. */
import type { Block } from './block.ts'
import {
  type BlockReference,
  type ReferenceKey,
  formatReference,
  referenceKey,
  referenceOfKey
} from './block-reference.ts'
import { isBlockSize } from './block-size.ts'
import { ErisError } from './eris-error.ts'
import {
  type BlockRequest,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  allPermissions
} from './store-port.ts'

export interface MemoryStoreOptions {
  readonly name?: string
  readonly permissions?: Partial<StorePermissions>
  /** Bytes of blocks at most; ERR_ERIS_STORE_FULL beyond. No limit when absent. */
  readonly bytesMax?: number
}

export interface MemoryStore extends BlockStore {
  /** Bytes of blocks held. */
  readonly bytesHeld: number
  readonly blockCount: number
}

export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new Store(options)
}

class Store implements MemoryStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #bytesMax: number
  readonly #blocks = new Map<ReferenceKey, Uint8Array>()
  #bytesHeld = 0
  #isClosed = false

  constructor({ name, permissions, bytesMax }: MemoryStoreOptions) {
    this.name = name ?? 'memory'
    this.permissions = { ...allPermissions, ...permissions }
    this.#bytesMax = bytesMax ?? Number.POSITIVE_INFINITY
  }

  get bytesHeld(): number {
    return this.#bytesHeld
  }

  get blockCount(): number {
    return this.#blocks.size
  }

  async get({ reference, size }: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#expect('get', options)
    return this.#find(reference, size)
  }

  async put(block: Block, options?: StoreOptions): Promise<void> {
    this.#expect('put', options)
    this.#keep(block)
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#expect('get', options)
    return this.#find(reference, size) !== undefined
  }

  async drop({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#expect('drop', options)
    if (this.#find(reference, size) === undefined) return false
    this.#bytesHeld -= size
    return this.#blocks.delete(referenceKey(reference))
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#expect('list', options)
    for (const [key, { length }] of this.#blocks) {
      options?.signal?.throwIfAborted()
      if (isBlockSize(length)) yield { reference: referenceOfKey(key), size: length }
    }
  }

  async getMany(
    requests: readonly BlockRequest[],
    options?: StoreOptions
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.#expect('get', options)
    return requests.map(({ reference, size }) => this.#find(reference, size))
  }

  async putMany(blocks: readonly Block[], options?: StoreOptions): Promise<void> {
    this.#expect('put', options)
    for (const block of blocks) this.#keep(block)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#blocks.clear()
    this.#bytesHeld = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #find(reference: BlockReference, size: number): Uint8Array | undefined {
    const bytes = this.#blocks.get(referenceKey(reference))
    return bytes?.length === size ? bytes : undefined
  }

  #keep({ reference, bytes }: Block): void {
    const key = referenceKey(reference)
    if (this.#blocks.has(key)) return
    if (this.#bytesHeld + bytes.length > this.#bytesMax) {
      throw new ErisError(
        'ERR_ERIS_STORE_FULL',
        `no room for ${formatReference(reference)}: ${this.name} holds ${this.#bytesHeld} of ${this.#bytesMax} bytes`
      )
    }
    this.#bytesHeld += bytes.length
    this.#blocks.set(key, bytes.slice())
  }

  #expect(permission: keyof StorePermissions, options: StoreOptions | undefined): void {
    options?.signal?.throwIfAborted()
    if (this.#isClosed) throw new ErisError('ERR_ERIS_STORE_CLOSED', `${this.name} is closed`)
    if (this.permissions[permission]) return
    throw new ErisError('ERR_ERIS_STORE_DENIED', `${this.name} does not allow "${permission}"`)
  }
}
