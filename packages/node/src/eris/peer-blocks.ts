/**
 * Blocks between nodes that know each other, on the connections of the cluster, whatever carries them (libp2p, TLS). One
 * method, `eris.block` (doc/spec/25-eris.md, section 8): what a node has published or fetched it gives to its peers, and
 * asks nobody else for it, so a question never goes round in circles.
 */
import type { RequestRouter } from '@blocktree/cluster'
import {
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  isBlockSize,
  toReference,
  verifyBlock
} from '@blocktree/eris'
import type { BlockKernel } from '@blocktree/crypto'
import type { Connection } from '@blocktree/network'
import { NodeError } from '../node-error.ts'

const method = 'eris.block'
const referenceBytes = 32
const requestBytes = 1 + referenceBytes // size as a power of two, reference
const peersAskedMax = 16
const askMs = 5000 // until the next peer is asked
const pauseMs = 60_000 // whoever refused, lied or said nothing is not asked for so long

/** @param held opens what this node keeps itself @returns a function that ends it */
export function servePeerBlocks(
  held: () => Promise<Pick<BlockStore, 'get'>>,
  router: Pick<RequestRouter, 'onRequest'>
): () => void {
  const policy = { audience: 'peer', bodyBytesMax: requestBytes } as const
  return router.onRequest(method, policy, async (_peer, body, { signal }) => {
    const request = decodeRequest(body)
    return (await (await held()).get(request, { signal })) ?? new Uint8Array(0)
  })
}

function encodeRequest({ reference, size }: BlockRequest): Uint8Array {
  return Uint8Array.of(Math.log2(size), ...reference)
}

function decodeRequest(body: Uint8Array): BlockRequest {
  const size = 2 ** (body[0] ?? 0)
  if (body.length === requestBytes && isBlockSize(size)) {
    return { reference: toReference(body.slice(1)), size }
  }
  throw new NodeError('ERR_CONTENT_REQUEST', 'a question for a block has 33 bytes: 10 or 15, and a reference')
}

/** Of a peer, what is needed here. */
export interface AskedPeer {
  readonly connection: Pick<Connection, 'request'>
}

export interface PeerBlocksOptions {
  readonly kernel: Pick<BlockKernel, 'hash'>
  readonly peers: () => Promise<readonly AskedPeer[]>
  readonly now: () => number
  readonly onFailure: (error: unknown) => void
}

/** The peers that are connected as one store that gives. Every block is checked. */
export function createPeerBlocks({ kernel, peers, now, onFailure }: PeerBlocksOptions): BlockStore {
  const pausedUntil = new WeakMap<AskedPeer, number>()
  let isClosed = false
  const denied = async (): Promise<never> => {
    throw new ErisError('ERR_ERIS_STORE_DENIED', 'connected nodes only give blocks')
  }
  const ask = async (
    peer: AskedPeer,
    request: BlockRequest,
    options: StoreOptions
  ): Promise<Uint8Array | undefined> => {
    const signal = options.signal === undefined ? {} : { signal: options.signal }
    const answer = await peer.connection.request(method, encodeRequest(request), {
      timeoutMs: askMs,
      ...signal
    })
    if (answer.length === 0) return undefined
    const { bytes } = verifyBlock(kernel, request.reference, answer)
    return bytes.length === request.size ? bytes : undefined
  }
  const get = async (request: BlockRequest, options: StoreOptions = {}): Promise<Uint8Array | undefined> => {
    if (isClosed) throw new ErisError('ERR_ERIS_STORE_CLOSED', 'connected nodes are not asked any more')
    options.signal?.throwIfAborted()
    const willing = (await peers()).filter((peer) => (pausedUntil.get(peer) ?? 0) <= now())
    for (const peer of willing.slice(0, peersAskedMax)) {
      try {
        const bytes = await ask(peer, request, options)
        if (bytes !== undefined) return bytes
      } catch (error) {
        options.signal?.throwIfAborted()
        pausedUntil.set(peer, now() + pauseMs)
        onFailure(error)
      }
    }
    return undefined
  }
  const close = async (): Promise<void> => {
    isClosed = true
  }
  return {
    name: 'connected nodes',
    permissions: { get: true, put: false, drop: false, list: false },
    get,
    has: async (request, options) => (await get(request, options)) !== undefined,
    put: denied,
    drop: denied,
    async *list() {
      yield await denied()
    },
    close,
    [Symbol.asyncDispose]: close
  }
}
