/**
 * A store of blocks that makes room when it is full: blocks with the lowest references go first. References are hashes,
 * so that is a choice at random, and needs no account of who read what.
 */
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  putBlocks
} from '@blocktree/eris'

const roomBytes = 4_194_304 // of blocks that go at a time

/** Owns the store. */
export function createBoundedCache(store: BlockStore): BlockStore {
  const makeRoom = async (): Promise<void> => {
    const leaving: BlockRequest[] = []
    let bytes = 0
    for await (const request of store.list()) {
      leaving.push(request)
      bytes += request.size
      if (bytes >= roomBytes) break
    }
    for (const request of leaving) await store.drop(request)
  }
  const put = async (blocks: readonly Block[], options?: StoreOptions): Promise<void> => {
    try {
      await putBlocks(store, blocks, options)
    } catch (error) {
      if (!(error instanceof ErisError && error.code === 'ERR_ERIS_STORE_FULL')) throw error
      await makeRoom()
      await putBlocks(store, blocks, options)
    }
  }
  return {
    name: store.name,
    permissions: store.permissions,
    get: (request, options) => store.get(request, options),
    has: (request, options) => store.has(request, options),
    drop: (request, options) => store.drop(request, options),
    list: (options) => store.list(options),
    put: (block, options) => put([block], options),
    putMany: put,
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close()
  }
}
