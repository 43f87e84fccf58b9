/**
 * The caps under which a principal may write, found quickly: for a place and the rights an act needs, the cap with
 * the shortest chain that stands now. Verdicts are remembered until an authority record comes or goes; the validity
 * interval is compared with the clock at every look-up.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type Authority,
  type CapChain,
  CapChains,
  type Clock,
  type Id,
  coversBlock,
  currentRoot,
  governingCuts
} from '@blocktree/tree'
import { idKey } from './id-key.ts'
import { writerCapsCached } from './limits.ts'
import { LruCache } from './lru-cache.ts'

/** What goes into a header: the leaf cap (undefined for the root principal) and the number of its links. */
export interface WriterCap {
  readonly cap: Id | undefined
  readonly rank: number
}

export interface WriterPlace {
  /** The zone that the block belongs to. */
  readonly home: Id
  /** The block itself, for caps that are for one block; undefined for a block that is yet to be made. */
  readonly block: Id | undefined
}

export class WriterCaps {
  readonly #authority: Authority
  readonly #clock: Clock
  readonly #principal: Id
  readonly #chains: CapChains
  #found: LruCache<string, readonly CapChain[]> = new LruCache(writerCapsCached)
  #change = -1

  constructor(deps: { authority: Authority; crypto: CryptoProvider; clock: Clock; principal: Id }) {
    this.#authority = deps.authority
    this.#clock = deps.clock
    this.#principal = deps.principal
    this.#chains = new CapChains(deps.authority, deps.crypto)
  }

  /** undefined when no cap covers the act now. */
  find(place: WriterPlace, rights: number): WriterCap | undefined {
    if (this.#change !== this.#authority.changeCount) {
      this.#change = this.#authority.changeCount
      this.#found.clear()
      this.#chains.clear()
    }
    // zone caps are remembered by zone: one entry serves every file of it
    return (
      this.#inInterval(this.#covering({ home: place.home, block: undefined }, rights)) ??
      this.#ofBlock(place, rights)
    )
  }

  #ofBlock(place: WriterPlace, rights: number): WriterCap | undefined {
    return place.block === undefined ? undefined : this.#inInterval(this.#covering(place, rights))
  }

  #covering(place: WriterPlace, rights: number): readonly CapChain[] {
    const key = `${rights}:${idKey(place.home)}${place.block === undefined ? '' : idKey(place.block)}`
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const chains = this.#standing().filter((chain) => {
      const act = { block: place.block ?? place.home, home: place.home, rights }
      const isForBlock = chain.links[0]?.body.scopeType === 1
      if (isForBlock && place.block === undefined) return false
      return coversBlock(this.#authority, chain, act).verdict === 'covered'
    })
    chains.sort((left, right) => left.links.length - right.links.length)
    this.#found.set(key, chains)
    return chains
  }

  /** Chains of this principal that are whole and neither revoked nor succeeded. */
  #standing(): CapChain[] {
    const chains: CapChain[] = []
    const root = currentRoot(this.#authority)
    if (root !== undefined && equalBytes(root, this.#principal)) {
      chains.push({ links: [], root, generation: undefined, scope: undefined })
    }
    for (const cap of this.#authority.capsOf(this.#principal)) {
      const verdict = this.#chains.ofCap(cap.id)
      if (verdict.verdict !== 'valid') continue
      if (governingCuts(this.#authority, verdict.chain) === undefined) chains.push(verdict.chain)
    }
    return chains
  }

  #inInterval(chains: readonly CapChain[]): WriterCap | undefined {
    const first = chains[0]
    if (first === undefined) return undefined
    const chain = chains.find((candidate) => this.#stands(candidate))
    return chain === undefined ? undefined : { cap: chain.links[0]?.id, rank: chain.links.length }
  }

  #stands(chain: CapChain): boolean {
    const body = chain.links[0]?.body
    if (body?.notBefore === undefined && body?.notAfter === undefined) return true
    const now = this.#clock.now()
    return now >= (body.notBefore ?? 0) && now <= (body.notAfter ?? Infinity)
  }
}
