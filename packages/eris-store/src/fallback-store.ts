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
  type StorePermissions,
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
  options: FallbackOptions = {}
): BlockStore {
  return new FallbackStore(members, options)
}

class FallbackStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #members: readonly FallbackMember[]
  readonly #readers: readonly FallbackMember[]
  readonly #caches: readonly BlockStore[]
  /** The first one decides. */
  readonly #targets: readonly BlockStore[]
  readonly #gate: StoreGate
  readonly #onFailure: (store: BlockStore, error: unknown) => void

  constructor(members: readonly FallbackMember[], { name, onFailure = () => undefined }: FallbackOptions) {
    const writable = members.filter(({ store }) => store.permissions.put)
    const own = writable.filter(({ isCache }) => isCache !== true).map(({ store }) => store)
    this.#caches = writable.filter(({ isCache }) => isCache === true).map(({ store }) => store)
    this.#targets = [...own, ...this.#caches]
    this.#members = members
    this.#readers = members.filter(({ store }) => store.permissions.get)
    this.#onFailure = onFailure
    this.#gate = new StoreGate(name ?? members.map(({ store }) => store.name).join(', '), {
      get: this.#readers.length > 0,
      put: this.#targets.length > 0,
      drop: members.some(({ store }) => store.permissions.drop),
      list: members.some(({ store }) => store.permissions.list)
    })
    this.name = this.#gate.name
    this.permissions = this.#gate.permissions
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    return await this.#firstOf(options, (member) => this.#ask(member, request, options))
  }

  async put(block: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    const [first, ...others] = this.#targets
    const kept = others.length > 0 ? { ...block, bytes: block.bytes.slice() } : block // the caller's own are overwritten soon
    await first?.put(block, options)
    for (const store of others) this.#tell(store, kept)
  }

  async has(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    const found = await this.#firstOf(options, async ({ store }) =>
      (await store.has(request, options)) ? true : undefined
    )
    return found ?? false
  }

  /** From every member that drops. */
  async drop(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    let isDropped = false
    for (const { store } of this.#members)
      if (store.permissions.drop) isDropped = (await store.drop(request, options)) || isDropped
    return isDropped
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    const stores = this.#members.map(({ store }) => store).filter(({ permissions }) => permissions.list)
    for (const [index, store] of stores.entries()) {
      for await (const request of store.list(options)) {
        const earlier = stores.slice(0, index).map((other) => other.has(request, options))
        if (!(await Promise.all(earlier)).includes(true)) yield request
      }
    }
  }

  async close(): Promise<void> {
    if (!this.#gate.close()) return
    const outcomes = await Promise.allSettled(this.#members.map(({ store }) => store.close()))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw asError(outcome.reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The first answer that is not undefined; when there is none, the first failure. */
  async #firstOf<Answer>(
    options: StoreOptions | undefined,
    ask: (member: FallbackMember) => Promise<Answer | undefined>
  ): Promise<Answer | undefined> {
    let failure: unknown
    for (const member of this.#readers) {
      try {
        const answer = await ask(member)
        if (answer !== undefined) return answer
      } catch (error) {
        options?.signal?.throwIfAborted()
        this.#onFailure(member.store, error)
        failure ??= error
      }
    }
    this.#gate.expect('get', options)
    if (failure !== undefined) throw asError(failure)
    return undefined
  }

  async #ask(
    { store, isTrusted }: FallbackMember,
    request: BlockRequest,
    options: StoreOptions | undefined
  ): Promise<Uint8Array | undefined> {
    const bytes = await store.get(request, options)
    if (bytes === undefined || (isTrusted === true && this.#caches.every((cache) => cache === store)))
      return bytes
    const block = verifyBlock(hashing, request.reference, bytes)
    if (bytes.length !== request.size) return undefined
    for (const cache of this.#caches) if (cache !== store) this.#tell(cache, block)
    return block.bytes
  }

  /** Without waiting for it. */
  #tell(store: BlockStore, block: Block): void {
    store.put(block).catch((error: unknown) => this.#onFailure(store, error))
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new ErisError('ERR_ERIS_STORE_UNAVAILABLE', String(reason))
}
