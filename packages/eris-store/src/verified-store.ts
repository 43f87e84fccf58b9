/** A store whose answers are checked: `get` gives the block that was asked for, or rejects with ERR_ERIS_BLOCK_CORRUPT. */
import type { BlockStore } from '@blocktree/eris'
import { createFallbackStore } from './fallback-store.ts'

/** Owns the store. */
export function createVerifiedStore(store: BlockStore): BlockStore {
  return createFallbackStore([{ store }], { name: store.name })
}
