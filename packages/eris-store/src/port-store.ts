/** Blocks that somebody else keeps under their names, such as a node in its own store: a driver over four functions. */
import {
  type Block,
  type BlockReference,
  type BlockRequest,
  type BlockSize,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  isBlockSize
} from '@blocktree/eris'
import { StoreGate } from './store-gate.ts'
import { storeErrorOf } from './system-error.ts'

/** What the keeper offers. Errors are passed on as ERR_ERIS_STORE_UNAVAILABLE unless they are an `ErisError`. */
export interface BlockKeeper {
  /** Undefined when there is none; the bytes are not changed afterwards. */
  read(reference: BlockReference, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>
  /** Keeps all of them or none, as safely as it promises; the same again changes nothing. Copies what it holds on to. */
  write(blocks: readonly Block[], signal: AbortSignal | undefined): Promise<void>
  /** Size of the block; undefined when there is none. */
  sizeOf(reference: BlockReference, signal: AbortSignal | undefined): Promise<number | undefined>
  /** False when there was none. Absent: blocks are not dropped through this store. */
  remove?(reference: BlockReference): Promise<boolean>
  /** Absent: blocks are not listed through this store. */
  list?(
    signal: AbortSignal | undefined
  ): AsyncIterable<{ readonly reference: BlockReference; readonly size: BlockSize }>
}

export interface PortStoreOptions {
  readonly name: string
  readonly permissions?: Partial<StorePermissions>
}

/** Closing it leaves the keeper as it is. */
export function createPortStore(keeper: BlockKeeper, { name, permissions }: PortStoreOptions): BlockStore {
  const gate = new StoreGate(name, {
    ...permissions,
    drop: keeper.remove !== undefined && permissions?.drop !== false,
    list: keeper.list !== undefined && permissions?.list !== false
  })
  const pass = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw storeErrorOf(name, what, error)
    }
  }
  const has = async ({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> => {
    gate.expect('get', options)
    return await pass(
      'look for a block',
      async () => (await keeper.sizeOf(reference, options?.signal)) === size
    )
  }
  const putMany = async (blocks: readonly Block[], options?: StoreOptions): Promise<void> => {
    gate.expect('put', options)
    if (blocks.length > 0) await pass('store blocks', () => keeper.write(blocks, options?.signal))
  }
  const close = async (): Promise<void> => {
    gate.close()
  }
  return {
    name,
    permissions: gate.permissions,
    has,
    putMany,
    close,
    [Symbol.asyncDispose]: close,
    put: (block, options) => putMany([block], options),
    async get({ reference, size }, options) {
      gate.expect('get', options)
      const bytes = await pass('read a block', () => keeper.read(reference, options?.signal))
      return bytes !== undefined && bytes.length === size ? bytes : undefined
    },
    async drop(request, options) {
      gate.expect('drop', options)
      if (!(await has(request, options))) return false
      return await pass('remove a block', async () => (await keeper.remove?.(request.reference)) ?? false)
    },
    async *list(options) {
      gate.expect('list', options)
      for await (const request of keeper.list?.(options?.signal) ?? [])
        if (isBlockSize(request.size)) yield request
    }
  }
}
