/**
 * The port of a store of encrypted blocks: what the encoder writes to and the decoder reads from. Drivers: memory here,
 * files, databases and the network in `@blocktree/eris-store`. `testBlockStore` of ./conformance.ts judges all of them.
 *
 * Who verifies: `put` takes a `Block`, which can only be made by hashing the bytes (./block.ts), so no store ever keeps a
 * block under a wrong name; a server makes one of what a client sends. What `get` gives is not trusted: the decoder checks
 * every block, whatever store it comes from, and so must everybody else (`verifyBlock`).
 *
 * Errors: `ErisError` with an `ERR_ERIS_STORE_` code, always by rejection. Absence is `undefined`, never an error. An
 * operation that is aborted rejects with the reason of its signal.
 */
import type { Block } from './block.ts'
import type { BlockReference } from './block-reference.ts'
import type { BlockSize } from './block-size.ts'
import { storeOperationsMax } from './limits.ts'

/** What a store allows; the rest rejects with ERR_ERIS_STORE_DENIED. */
export interface StorePermissions {
  readonly get: boolean // and has
  readonly put: boolean
  readonly drop: boolean
  readonly list: boolean
}

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined
}

/** A block by name. The size is always known to whoever asks, and bounds what an answer may cost. */
export interface BlockRequest {
  readonly reference: BlockReference
  readonly size: BlockSize
}

export interface BlockStore extends AsyncDisposable {
  /** For messages: "memory", a path, a URL without its secrets. */
  readonly name: string
  readonly permissions: StorePermissions

  /**
   * @returns `size` bytes that are not verified and not to be changed, or undefined when the store has no such block (a
   * block of this reference but another size counts as absent); ERR_ERIS_STORE_ANSWER when somebody behind the store
   * sends another length or no end
   */
  get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined>

  /**
   * Resolves when the block is kept as safely as this store promises. Storing it again changes nothing. The bytes are the
   * caller's again when the promise settles, and will be overwritten: a store that holds them longer copies them.
   */
  put(block: Block, options?: StoreOptions): Promise<void>

  /** Whether `get` would find the block now. */
  has(request: BlockRequest, options?: StoreOptions): Promise<boolean>

  /** @returns whether there was something to remove */
  drop(request: BlockRequest, options?: StoreOptions): Promise<boolean>

  /** Every block held for the whole time of the listing, once, in any order; others may appear or not. */
  list(options?: StoreOptions): AsyncIterable<BlockRequest>

  /**
   * Many at once, where that is cheaper than one by one (one transaction, one round trip): the same as `get` for each,
   * answers in the order of the requests. Called through `getBlocks`.
   */
  getMany?(
    requests: readonly BlockRequest[],
    options?: StoreOptions
  ): Promise<readonly (Uint8Array | undefined)[]>

  /** As `put` for each, also about whose the bytes are; after a failure some of them may be kept. Called through `putBlocks`. */
  putMany?(blocks: readonly Block[], options?: StoreOptions): Promise<void>

  /** Ends what is under way and gives back what is held; later calls reject with ERR_ERIS_STORE_CLOSED. Idempotent. */
  close(): Promise<void>
}

export const allPermissions: StorePermissions = { get: true, put: true, drop: true, list: true }

/** `getMany` of any store. */
export async function getBlocks(
  store: Pick<BlockStore, 'get' | 'getMany'>,
  requests: readonly BlockRequest[],
  options?: StoreOptions
): Promise<readonly (Uint8Array | undefined)[]> {
  if (store.getMany !== undefined) return store.getMany(requests, options)
  const answers: (Uint8Array | undefined)[] = []
  answers.length = requests.length
  await inParallel(requests, async (request, index) => {
    answers[index] = await store.get(request, options)
  })
  return answers
}

/** `putMany` of any store. */
export async function putBlocks(
  store: Pick<BlockStore, 'put' | 'putMany'>,
  blocks: readonly Block[],
  options?: StoreOptions
): Promise<void> {
  if (store.putMany !== undefined) return store.putMany(blocks, options)
  await inParallel(blocks, (block) => store.put(block, options))
}

/** At most `storeOperationsMax` at a time; after a failure none is started any more, and all have settled at the end. */
async function inParallel<Item>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<void>
): Promise<void> {
  let next = 0
  let hasFailed = false
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length && !hasFailed; index = next++) {
      const item = items[index]
      if (item === undefined) return
      try {
        await run(item, index)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const width = Math.min(items.length, storeOperationsMax)
  const outcomes = await Promise.allSettled(Array.from({ length: width }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
