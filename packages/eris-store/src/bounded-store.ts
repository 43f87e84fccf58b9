/**
 * A store that makes room for what comes: blocks that were not used for longest go first. The account of use is kept in
 * memory for a bounded number of blocks; those beyond it, and those that lay there at the start and were not used since,
 * count as older than all in it and go in the order of the listing.
 */
import {
  type Block,
  type BlockReference,
  type BlockRequest,
  type BlockSize,
  type BlockStore,
  ErisError,
  type ReferenceKey,
  type StoreOptions,
  type StorePermissions,
  getBlocks,
  isBlockSize,
  putBlocks,
  referenceKey,
  referenceOfKey
} from '@blocktree/eris'
import { usesCountedMax } from './limits.ts'

export interface BoundedStoreOptions {
  /** Bytes of blocks at most; a sixteenth of it, 4 MiB at most, is made free at a time. */
  readonly bytesMax: number
  /** Blocks whose last use is known; 65,536 when left out. */
  readonly usesMax?: number
}

const roomBytesMax = 4_194_304

/** Owns the store, which has to allow everything. A store that is full before `bytesMax` is reached makes room too. */
export function createBoundedStore(store: BlockStore, options: BoundedStoreOptions): BlockStore {
  return new BoundedStore(store, options)
}

class BoundedStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #store: BlockStore
  readonly #bytesMax: number
  readonly #roomBytes: number
  readonly #usesMax: number
  /** The least recently used first. */
  readonly #uses = new Map<ReferenceKey, BlockSize>()
  #usesBytes = 0
  #total: Promise<void> | undefined
  #totalBytes = 0
  /** Puts take turns: two that make room at once would make it twice. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: BlockStore, { bytesMax, usesMax = usesCountedMax }: BoundedStoreOptions) {
    this.#store = store
    this.name = store.name
    this.permissions = store.permissions
    this.#bytesMax = bytesMax
    this.#roomBytes = Math.min(roomBytesMax, Math.floor(bytesMax / 16))
    this.#usesMax = usesMax
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    const bytes = await this.#store.get(request, options)
    if (bytes !== undefined) this.#note(request)
    return bytes
  }

  async getMany(
    requests: readonly BlockRequest[],
    options?: StoreOptions
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const answers = await getBlocks(this.#store, requests, options)
    for (const [index, request] of requests.entries()) if (answers[index] !== undefined) this.#note(request)
    return answers
  }

  has(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    return this.#store.has(request, options)
  }

  put(block: Block, options?: StoreOptions): Promise<void> {
    return this.putMany([block], options)
  }

  async putMany(blocks: readonly Block[], options?: StoreOptions): Promise<void> {
    if (blocks.length === 0) return
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0)
    if (bytes > this.#bytesMax) {
      throw new ErisError('ERR_ERIS_STORE_FULL', `${this.name}: ${bytes} bytes are more than its limit`)
    }
    await this.#inTurn(() => this.#keep(blocks, bytes, options))
  }

  async drop(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    return await this.#inTurn(() => this.#remove(request, options))
  }

  list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    return this.#store.list(options)
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined)
    await this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #keep(blocks: readonly Block[], bytes: number, options: StoreOptions | undefined): Promise<void> {
    await (this.#total ??= this.#count())
    const fresh = await this.#fresh(blocks, options)
    const freshBytes = fresh.reduce((sum, block) => sum + block.bytes.length, 0)
    if (this.#totalBytes + freshBytes > this.#bytesMax) await this.#makeRoom(freshBytes)
    try {
      await putBlocks(this.#store, blocks, options)
    } catch (error) {
      if (!(error instanceof ErisError && error.code === 'ERR_ERIS_STORE_FULL')) throw error
      await this.#makeRoom(Math.max(0, this.#bytesMax - this.#totalBytes) + bytes) // it takes less than was thought
      await putBlocks(this.#store, blocks, options)
    }
    this.#totalBytes += freshBytes
    for (const { reference, bytes: held } of blocks) this.#note({ reference, size: sizeOf(held) })
  }

  /** Those that the store has not. */
  async #fresh(blocks: readonly Block[], options: StoreOptions | undefined): Promise<readonly Block[]> {
    const held = await Promise.all(
      blocks.map(({ reference, bytes }) => this.#store.has({ reference, size: sizeOf(bytes) }, options))
    )
    return blocks.filter((_, index) => held[index] === false)
  }

  async #count(): Promise<void> {
    try {
      for await (const { size } of this.#store.list()) this.#totalBytes += size
    } catch (error) {
      this.#total = undefined
      this.#totalBytes = 0
      throw error
    }
  }

  /** Until there is room for so many bytes, and some more. */
  async #makeRoom(bytes: number): Promise<void> {
    const most = Math.max(0, this.#bytesMax - bytes - this.#roomBytes)
    if (this.#totalBytes > this.#usesBytes) {
      const unused: BlockRequest[] = []
      let left = this.#totalBytes
      for await (const request of this.#store.list()) {
        if (left <= most) break
        if (this.#uses.has(referenceKey(request.reference))) continue
        unused.push(request)
        left -= request.size
      }
      for (const request of unused) await this.#remove(request)
    }
    for (const [key, size] of this.#uses) {
      if (this.#totalBytes <= most) return
      await this.#remove({ reference: referenceOfKey(key), size })
    }
  }

  async #remove(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    const isGone = await this.#store.drop(request, options)
    this.#forget(request.reference)
    if (isGone && this.#total !== undefined) this.#totalBytes -= request.size
    return isGone
  }

  #note({ reference, size }: BlockRequest): void {
    const key = referenceKey(reference)
    this.#forgetKey(key)
    this.#uses.set(key, size)
    this.#usesBytes += size
    const [oldest] = this.#uses.keys()
    if (this.#uses.size > this.#usesMax && oldest !== undefined) this.#forgetKey(oldest)
  }

  #forget(reference: BlockReference): void {
    this.#forgetKey(referenceKey(reference))
  }

  #forgetKey(key: ReferenceKey): void {
    this.#usesBytes -= this.#uses.get(key) ?? 0
    this.#uses.delete(key)
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

function sizeOf(bytes: Uint8Array): BlockSize {
  if (isBlockSize(bytes.length)) return bytes.length
  throw new ErisError('ERR_ERIS_BLOCK_SIZE', `a block of ${bytes.length} bytes`)
}
