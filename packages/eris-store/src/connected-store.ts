/** Those who are connected to the daemon, as one store: each is asked on the connection it opened. Nothing is put there. */
import type { CoapPeer } from '@blocktree/coap'
import {
  type BlockRequest,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  verifyBlock
} from '@blocktree/eris'
import { createPeerStore } from './coap-store.ts'
import { hashing } from './hashing.ts'
import { askedPeersMax, askedTimeoutMs } from './limits.ts'
import { StoreGate } from './store-gate.ts'

const permissions: StorePermissions = { get: true, put: false, drop: false, list: false }

export class ConnectedStore implements BlockStore {
  readonly name = 'connected peers'
  readonly permissions: StorePermissions = permissions
  readonly #gate = new StoreGate('connected peers', permissions)
  readonly #stores = new Map<CoapPeer, BlockStore>()

  add(peer: CoapPeer): void {
    this.#stores.set(peer, createPeerStore(peer, { permissions, timeoutMs: askedTimeoutMs }))
  }

  remove(peer: CoapPeer): void {
    this.#stores.delete(peer)
  }

  /** Of the first who gives the right block; those who lie or fail are not asked again. */
  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    for (const [peer, store] of [...this.#stores].slice(-askedPeersMax).toReversed()) {
      try {
        const bytes = await store.get(request, options)
        if (bytes !== undefined) return verifyBlock(hashing, request.reference, bytes).bytes
      } catch {
        options?.signal?.throwIfAborted()
        this.#stores.delete(peer)
      }
    }
    return undefined
  }

  async has(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    return (await this.get(request, options)) !== undefined
  }

  async put(): Promise<void> {
    this.#gate.expect('put', undefined)
  }

  async drop(): Promise<boolean> {
    this.#gate.expect('drop', undefined)
    return false
  }

  async *list(): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', undefined)
    yield* []
  }

  async close(): Promise<void> {
    this.#gate.close()
    this.#stores.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
