/**
 * Several stores as one: a block is asked of each in turn, checked, kept in those that cache, and given. What one of them
 * answers wrongly or not at all, the next may know. What is put goes to every store that takes it; the first of them
 * decides whether it is stored, the others are told as well as may be.
 */
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  verifyBlock
} from '@blocktree/eris'
import { hashing } from './hashing.ts'
import { StoreGate } from './store-gate.ts'

export interface FallbackMember {
  readonly store: BlockStore
  /** Keeps blocks that were found in others. */
  readonly isCache?: boolean
  /** Its blocks were checked in this process and cannot have changed (memory): they are not checked again. */
  readonly isTrusted?: boolean
}

export interface FallbackOptions {
  readonly name?: string
  /** Told of members that failed, lied or did not take a block, while the whole went on. */
  readonly onFailure?: (store: BlockStore, error: unknown) => void
}

/** Owns the stores: closing it closes them. */
export function createFallbackStore(
  members: readonly FallbackMember[],
  { name, onFailure = () => undefined }: FallbackOptions = {}
): BlockStore {
  const readers = members.filter(({ store }) => store.permissions.get)
  const writers = members.filter(({ store, isCache }) => store.permissions.put && isCache !== true)
  const caches = members.filter(({ store, isCache }) => store.permissions.put && isCache === true)
  const targets = writers.length > 0 ? writers : caches
  const gate = new StoreGate(name ?? members.map(({ store }) => store.name).join(', '), {
    get: readers.length > 0,
    put: targets.length > 0,
    drop: members.some(({ store }) => store.permissions.drop),
    list: members.some(({ store }) => store.permissions.list)
  })

  const keepInCaches = (block: Block, source: BlockStore): void => {
    for (const { store } of caches)
      if (store !== source) store.put(block).catch((error: unknown) => onFailure(store, error))
  }

  const ask = async (
    { store, isTrusted }: FallbackMember,
    request: BlockRequest,
    options: StoreOptions | undefined
  ): Promise<Uint8Array | undefined> => {
    const bytes = await store.get(request, options)
    if (bytes === undefined) return undefined
    if (isTrusted === true && caches.length === 0) return bytes
    const block = verifyBlock(hashing, request.reference, bytes)
    if (bytes.length !== request.size) return undefined
    keepInCaches(block, store)
    return bytes
  }

  const get = async (request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> => {
    gate.expect('get', options)
    let failure: unknown
    for (const member of readers) {
      try {
        const bytes = await ask(member, request, options)
        if (bytes !== undefined) return bytes
      } catch (error) {
        options?.signal?.throwIfAborted()
        onFailure(member.store, error)
        failure ??= error
      }
    }
    gate.expect('get', options)
    if (failure === undefined) return undefined
    throw asError(failure)
  }

  const put = async (block: Block, options?: StoreOptions): Promise<void> => {
    gate.expect('put', options)
    const [first, ...others] = targets
    if (first === undefined) return
    for (const { store } of [...others, ...(targets === caches ? [] : caches)])
      store.put(block, options).catch((error: unknown) => onFailure(store, error))
    await first.store.put(block, options)
  }

  const has = async (request: BlockRequest, options?: StoreOptions): Promise<boolean> => {
    gate.expect('get', options)
    let failure: unknown
    for (const { store } of readers) {
      try {
        if (await store.has(request, options)) return true
      } catch (error) {
        options?.signal?.throwIfAborted()
        onFailure(store, error)
        failure ??= error
      }
    }
    if (failure === undefined) return false
    throw asError(failure)
  }

  const drop = async (request: BlockRequest, options?: StoreOptions): Promise<boolean> => {
    gate.expect('drop', options)
    let isDropped = false
    for (const { store } of members)
      if (store.permissions.drop) isDropped = (await store.drop(request, options)) || isDropped
    return isDropped
  }

  async function* list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    gate.expect('list', options)
    const listing = members.map(({ store }) => store).filter(({ permissions }) => permissions.list)
    for (const [index, store] of listing.entries()) {
      for await (const request of store.list(options)) {
        const earlier = listing.slice(0, index).map((other) => other.has(request, options))
        if (!(await Promise.all(earlier)).includes(true)) yield request
      }
    }
  }

  const close = async (): Promise<void> => {
    if (!gate.close()) return
    const outcomes = await Promise.allSettled(members.map(({ store }) => store.close()))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw asError(outcome.reason)
  }

  return {
    name: gate.name,
    permissions: gate.permissions,
    get,
    put,
    has,
    drop,
    list,
    close,
    [Symbol.asyncDispose]: close
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new ErisError('ERR_ERIS_STORE_UNAVAILABLE', String(reason))
}
