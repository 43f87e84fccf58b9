/**
 * Answers peers that ask for encrypted blocks (doc/spec/25-eris.md, section 10): from what is published here and what the
 * cache holds, never from the stores of others. Who may ask is a setting, judged for every request. A peer that asks fast is
 * answered slowly; one that does not wait for answers is refused.
 */
import type { MethodPolicy, Peer, RequestRouter, Standing, Timers } from '@blocktree/cluster'
import type { BlockRequest, BlockStore } from '@blocktree/eris'
import { NodeError } from '../node-error.ts'
import type { Settings } from '../settings.ts'
import {
  decodeBlockRequests,
  encodeBlocks,
  encodePresence,
  getMethod,
  hasMethod,
  requestBytesMax
} from './peer-block-message.ts'
import { Pace } from './pace.ts'

/** Who may ask; the least standing of the cluster that may, or nobody. */
export type BlockAudience = Settings['eris']['peers']

export interface ServeBlocksDeps {
  readonly audience: BlockAudience
  /** Bytes of blocks a second to all peers together; 0 for no limit. */
  readonly uploadRate: number
  readonly timers: Timers
  /** What is answered from; undefined when nothing was ever published or fetched here. */
  readonly held: () => Promise<BlockStore | undefined>
}

export const requestsOfPeerMax = 8 // under way at one time
const requestsMax = 64 // of all peers: 32 MiB of answers at most
const blocksPerSecond = 20_000 // looked up for one peer
const requestsPerSecond = 1000 // beyond it a peer is refused instead of slowed down
const pacesMax = 1024 // peers that are counted

const standings: Readonly<Record<Exclude<BlockAudience, 'nobody'>, Standing>> = {
  members: 'member',
  peers: 'peer',
  everybody: 'stranger'
}

/** @returns a function that ends it */
export function serveBlocks(deps: ServeBlocksDeps, router: RequestRouter): () => void {
  const { audience } = deps
  if (audience === 'nobody') return () => undefined
  const policy: MethodPolicy = {
    audience: standings[audience],
    bodyBytesMax: requestBytesMax,
    perSecond: requestsPerSecond,
    burst: requestsPerSecond * 2
  }
  const server = new BlockAnswers(deps)
  const ends = [
    router.onRequest(getMethod, policy, (peer, body, { signal }) => server.get(peer, body, signal)),
    router.onRequest(hasMethod, policy, (peer, body, { signal }) => server.has(peer, body, signal))
  ]
  return () => ends.forEach((end) => end())
}

class BlockAnswers {
  readonly #deps: ServeBlocksDeps
  readonly #upload: Pace
  readonly #paces = new Map<string, Pace>()
  readonly #underWay = new WeakMap<Peer, number>()
  #total = 0

  constructor(deps: ServeBlocksDeps) {
    const { timers, uploadRate } = deps
    this.#deps = deps
    this.#upload = new Pace(timers, uploadRate === 0 ? Infinity : uploadRate)
  }

  async get(peer: Peer, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const requests = decodeBlockRequests(body, true)
    return await this.#within(peer, requests, signal, async (held) => {
      const blocks = held === undefined ? requests.map(() => undefined) : await found(held, requests, signal)
      const bytes = blocks.reduce((sum, block) => sum + (block?.length ?? 0), 0)
      await this.#upload.spend(bytes, signal)
      return encodeBlocks(blocks)
    })
  }

  async has(peer: Peer, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const requests = decodeBlockRequests(body, false)
    return await this.#within(peer, requests, signal, async (held) => {
      const present: boolean[] = []
      for (const request of requests)
        present.push(held !== undefined && (await held.has(request, { signal })))
      return encodePresence(present)
    })
  }

  async #within(
    peer: Peer,
    requests: readonly BlockRequest[],
    signal: AbortSignal,
    answer: (held: BlockStore | undefined) => Promise<Uint8Array>
  ): Promise<Uint8Array> {
    const underWay = this.#underWay.get(peer) ?? 0
    if (underWay >= requestsOfPeerMax || this.#total >= requestsMax)
      throw new NodeError('ERR_BLOCKS_BUSY', 'too many requests for blocks are under way; ask again later')
    this.#underWay.set(peer, underWay + 1)
    this.#total += 1
    try {
      await this.#paceOf(peer).spend(requests.length, signal)
      return await answer(await this.#deps.held())
    } finally {
      this.#total -= 1
      this.#underWay.set(peer, (this.#underWay.get(peer) ?? 1) - 1)
    }
  }

  /** By principal, so that a new connection is no new allowance. */
  #paceOf({ principal }: Peer): Pace {
    const key = principal.toHex()
    const pace = this.#paces.get(key) ?? new Pace(this.#deps.timers, blocksPerSecond)
    this.#paces.delete(key) // the one least recently asked comes first
    this.#paces.set(key, pace)
    const [oldest] = this.#paces.keys()
    if (this.#paces.size > pacesMax && oldest !== undefined) this.#paces.delete(oldest)
    return pace
  }
}

/** A block that cannot be read, or is damaged here, counts as absent: the peer has others to ask. */
async function found(
  held: BlockStore,
  requests: readonly BlockRequest[],
  signal: AbortSignal
): Promise<readonly (Uint8Array | undefined)[]> {
  const blocks = await Promise.all(
    requests.map(async (request) => await held.get(request, { signal }).catch(() => undefined))
  )
  signal.throwIfAborted()
  return blocks
}
