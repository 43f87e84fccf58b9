/** Less than a store allows: who is handed this one cannot do more. Closing it leaves the store behind it open. */
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  getBlocks,
  putBlocks
} from '@blocktree/eris'
import { StoreGate } from './store-gate.ts'

export interface RestrictionOptions {
  readonly permissions: StorePermissions
  readonly name?: string
  /** Close the store behind it too; false when left out. */
  readonly isOwner?: boolean
}

export function createRestrictedStore(
  inner: BlockStore,
  { permissions, name, isOwner = false }: RestrictionOptions
): BlockStore {
  const gate = new StoreGate(name ?? inner.name, {
    get: permissions.get && inner.permissions.get,
    put: permissions.put && inner.permissions.put,
    drop: permissions.drop && inner.permissions.drop,
    list: permissions.list && inner.permissions.list
  })
  const close = async (): Promise<void> => {
    if (gate.close() && isOwner) await inner.close()
  }
  return {
    name: gate.name,
    permissions: gate.permissions,
    async get(request: BlockRequest, options?: StoreOptions) {
      gate.expect('get', options)
      return await inner.get(request, options)
    },
    async put(block: Block, options?: StoreOptions) {
      gate.expect('put', options)
      await inner.put(block, options)
    },
    async has(request: BlockRequest, options?: StoreOptions) {
      gate.expect('get', options)
      return await inner.has(request, options)
    },
    async drop(request: BlockRequest, options?: StoreOptions) {
      gate.expect('drop', options)
      return await inner.drop(request, options)
    },
    async *list(options?: StoreOptions) {
      gate.expect('list', options)
      yield* inner.list(options)
    },
    async getMany(requests: readonly BlockRequest[], options?: StoreOptions) {
      gate.expect('get', options)
      return await getBlocks(inner, requests, options)
    },
    async putMany(blocks: readonly Block[], options?: StoreOptions) {
      gate.expect('put', options)
      await putBlocks(inner, blocks, options)
    },
    close,
    [Symbol.asyncDispose]: close
  }
}
