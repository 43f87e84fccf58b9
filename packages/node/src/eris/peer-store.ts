/**
 * Connected peers as one store of blocks: nothing is put there, and every block is checked before it counts. A block is
 * asked of the peer that gave the last ones and has least to do; when that has none, the others say at once whether they
 * do. A peer that lies is not asked again on its connection, one that fails or refuses not for a while.
 */
import {
  type BlockRequest,
  type BlockStore,
  ErisError,
  type Hashing,
  type StoreOptions,
  type StorePermissions,
  verifyBlock
} from '@blocktree/eris'
import type { Connection } from '@blocktree/network'
import { BlockWindow } from './block-window.ts'
import {
  askedBlocksMax,
  askedBytesMax,
  decodeBlocks,
  decodePresence,
  encodeBlockRequests,
  getMethod,
  hasMethod
} from './peer-block-message.ts'

type AskedConnection = Pick<Connection, 'request'>

export interface PeerStoreDeps {
  /** Those that may be asked now. */
  readonly connections: () => Promise<readonly AskedConnection[]>
  readonly kernel: Hashing
  /** Monotonic or not: only differences of some seconds count. */
  readonly now: () => number
  /** Told of peers that fail or lie; the others are asked. */
  readonly onFailure: (connection: AskedConnection, error: unknown) => void
}

const permissions: StorePermissions = { get: true, put: false, drop: false, list: false }
const askMs = 5000 // one request, until another peer is asked
const restMs = 30_000 // a peer that failed is not asked for so long
const askedPeersMax = 16 // for one block
const widthMax = 4 // requests under way with one peer: two megabytes

interface AskedPeer {
  readonly connection: AskedConnection
  readonly blocks: BlockWindow<Uint8Array | undefined>
  readonly presence: BlockWindow<boolean>
  /** Since its last block: those without are asked last. */
  misses: number
  restsUntilMs: number
}

/** Closing it ends nothing of the connections. */
export function createPeerStore(deps: PeerStoreDeps): BlockStore {
  return new PeerStore(deps)
}

class PeerStore implements BlockStore {
  readonly name = 'connected nodes'
  readonly permissions: StorePermissions = permissions
  readonly #deps: PeerStoreDeps
  readonly #peers = new WeakMap<AskedConnection, AskedPeer>()
  #isClosed = false

  constructor(deps: PeerStoreDeps) {
    this.#deps = deps
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    const signal = this.#expectOpen(options)
    const [first, ...others] = await this.#candidates()
    if (first === undefined) return undefined
    const bytes = await this.#fetch(first, request, signal)
    if (bytes !== undefined || others.length === 0) return bytes
    const answers = await Promise.all(others.map((peer) => this.#asks(peer, request, signal)))
    for (const [index, peer] of others.entries()) {
      if (answers[index] !== true) continue
      const found = await this.#fetch(peer, request, signal)
      if (found !== undefined) return found
    }
    return undefined
  }

  async has(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    const signal = this.#expectOpen(options)
    const candidates = await this.#candidates()
    const answers = await Promise.all(candidates.map((peer) => this.#asks(peer, request, signal)))
    return answers.includes(true)
  }

  async put(): Promise<void> {
    throw this.#denied('put')
  }

  async drop(): Promise<boolean> {
    throw this.#denied('drop')
  }

  async *list(): AsyncGenerator<BlockRequest> {
    if (!this.permissions.list) throw this.#denied('list')
    yield* []
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #expectOpen(options: StoreOptions | undefined): AbortSignal | undefined {
    if (this.#isClosed) throw new ErisError('ERR_ERIS_STORE_CLOSED', `${this.name}: the node stops`)
    options?.signal?.throwIfAborted()
    return options?.signal
  }

  #denied(what: string): ErisError {
    return new ErisError('ERR_ERIS_STORE_DENIED', `${this.name} do not allow "${what}"`)
  }

  /** The most promising first. */
  async #candidates(): Promise<readonly AskedPeer[]> {
    const now = this.#deps.now()
    return (await this.#deps.connections())
      .map((connection) => this.#peerOf(connection))
      .filter(({ restsUntilMs }) => restsUntilMs <= now)
      .toSorted((left, right) => left.misses - right.misses || left.blocks.load - right.blocks.load)
      .slice(0, askedPeersMax)
  }

  #peerOf(connection: AskedConnection): AskedPeer {
    const known = this.#peers.get(connection)
    if (known !== undefined) return known
    const bounds = { countMax: askedBlocksMax, bytesMax: askedBytesMax }
    const made: AskedPeer = {
      connection,
      blocks: new BlockWindow({
        ...bounds,
        widthMax,
        ask: async (requests) => decodeBlocks(await ask(connection, getMethod, requests), requests)
      }),
      presence: new BlockWindow({
        ...bounds,
        widthMax: 1,
        ask: async (requests) => decodePresence(await ask(connection, hasMethod, requests), requests.length)
      }),
      misses: 0,
      restsUntilMs: 0
    }
    this.#peers.set(connection, made)
    return made
  }

  /** A checked block; undefined when the peer has none, fails or lies. */
  async #fetch(
    peer: AskedPeer,
    request: BlockRequest,
    signal: AbortSignal | undefined
  ): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined
    try {
      bytes = await peer.blocks.ask(request, signal)
    } catch (error) {
      signal?.throwIfAborted()
      this.#rest(peer, restMs, error)
      return undefined
    }
    if (bytes === undefined) {
      peer.misses += 1
      return undefined
    }
    try {
      const block = verifyBlock(this.#deps.kernel, request.reference, bytes)
      peer.misses = 0
      return block.bytes
    } catch (error) {
      this.#rest(peer, Infinity, error)
      return undefined
    }
  }

  async #asks(peer: AskedPeer, request: BlockRequest, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await peer.presence.ask(request, signal)
    } catch (error) {
      signal?.throwIfAborted()
      this.#rest(peer, restMs, error)
      return false
    }
  }

  #rest(peer: AskedPeer, milliseconds: number, error: unknown): void {
    const now = this.#deps.now()
    if (peer.restsUntilMs <= now) this.#deps.onFailure(peer.connection, error)
    peer.restsUntilMs = Math.max(peer.restsUntilMs, now + milliseconds)
  }
}

async function ask(
  connection: AskedConnection,
  method: string,
  requests: readonly BlockRequest[]
): Promise<Uint8Array> {
  return await connection.request(method, encodeBlockRequests(requests), { timeoutMs: askMs })
}
