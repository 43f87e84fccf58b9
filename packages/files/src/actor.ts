/**
 * An actor: the principal in whose name a file operation is done, with what it holds. It opens only what its own
 * live grants and their deliveries open, and writes under caps that cover the act. Everything is worked out from the
 * authority records and remembered until these change.
 */
import { equalBytes } from '@blocktree/codec'
import { type CryptoProvider, wipe } from '@blocktree/crypto'
import {
  type Authority,
  type BlockKey,
  CapChains,
  type Clock,
  type GrantRecord,
  type HeaderBody,
  type Id,
  type Principal,
  type Signer,
  TreeError,
  type TreeState,
  ZoneKeyRing,
  blockKey,
  blockKeyFromBytes,
  governingCuts,
  grantTarget,
  openDelivery
} from '@blocktree/tree'
import { idKey } from './id-key.ts'
import { blockKeysCached } from './limits.ts'
import { LruCache } from './lru-cache.ts'
import { type WriterCap, WriterCaps, type WriterPlace } from './writer-caps.ts'

/** The current epoch of a zone with its key; both undefined in a public zone. */
export interface WriteKey {
  readonly epoch: Id | undefined
  readonly key: Uint8Array | undefined
}

export interface Actor {
  readonly id: Id
  readonly principal: Principal
  readonly signer: Signer
  /**
   * The current epoch that this actor can open; undefined when it can open none that is fit for a write. The key stays
   * what it is also when the actor loses it or is closed.
   */
  writeKey(zone: Id): { readonly epoch: Id; readonly key: Uint8Array } | undefined
  /** The zone key of an epoch; undefined when nothing granted leads to it. The bytes stay the actor's own. */
  zoneKey(epoch: Id): Uint8Array | undefined
  /** True when a key for the sealed part of this header is held. */
  canOpen(header: HeaderBody): boolean
  /**
   * undefined when the actor holds neither the zone key nor a delivery for this block. The bytes stay the actor's own, who
   * wipes them when they are used no longer: whoever needs them after the present turn of the event loop takes a copy.
   */
  blockKey(header: HeaderBody): BlockKey | undefined
  /** The cap with the shortest chain that covers the act now; undefined when there is none. */
  capFor(place: WriterPlace, rights: number): WriterCap | undefined
  /** Wipes the opened keys; the principal stays the caller's. */
  close(): void
}

export function createActor(deps: {
  readonly tree: TreeState
  readonly crypto: CryptoProvider
  readonly clock: Clock
  readonly principal: Principal
  /**
   * Keys of grants that were taken back go on opening what they opened: what was readable stays known. For a copy that
   * the reader holds itself; a node that serves several principals forgets them.
   */
  readonly keepsFormerKeys?: boolean
}): Actor {
  return new PrincipalActor(deps.tree, deps.crypto, deps.clock, deps.principal, deps.keepsFormerKeys ?? false)
}

class PrincipalActor implements Actor {
  readonly id: Id
  readonly principal: Principal
  readonly signer: Signer
  readonly #tree: TreeState
  readonly #authority: Authority
  readonly #crypto: CryptoProvider
  readonly #clock: Clock
  readonly #caps: WriterCaps
  readonly #chains: CapChains
  readonly #keepsFormerKeys: boolean
  #ring: ZoneKeyRing
  /** Deliveries that were opened into the ring, or tried. */
  #tried = new Set<string>()
  /** Grants whose keys are in the ring, or that are for one block. */
  #used: GrantRecord[] = []
  #blockGrants = new Map<string, GrantRecord[]>()
  #change = -1
  #refreshAt = Infinity
  readonly #writeKeys = new Map<string, { readonly epoch: Id; readonly key: Uint8Array } | undefined>()
  readonly #zoneKeys = new Map<string, Uint8Array>()
  readonly #blockKeys = new LruCache<string, BlockKey>(blockKeysCached, ({ bytes }) => wipe(bytes))

  constructor(
    tree: TreeState,
    crypto: CryptoProvider,
    clock: Clock,
    principal: Principal,
    keepsFormerKeys: boolean
  ) {
    this.#keepsFormerKeys = keepsFormerKeys
    this.id = principal.id
    this.principal = principal
    this.signer = principal
    const { authority } = tree
    this.#tree = tree
    this.#authority = authority
    this.#crypto = crypto
    this.#clock = clock
    this.#caps = new WriterCaps({ authority, crypto, clock, principal: principal.id })
    this.#chains = new CapChains(authority, crypto)
    this.#ring = this.#newRing()
  }

  writeKey(zone: Id): { readonly epoch: Id; readonly key: Uint8Array } | undefined {
    this.#refresh()
    const key = idKey(zone)
    if (this.#writeKeys.has(key)) return this.#writeKeys.get(key)
    // an epoch of a signer who was revoked, or whose right had ended, opens what was written with it and no more
    const open = this.#ring.firstOpen(this.#tree.currentEpochs(zone))
    // a copy that is never wiped: a write under way would go on with the emptied key, which everybody knows
    const found = open === undefined ? undefined : { epoch: open.epoch.id, key: open.key.slice() }
    this.#writeKeys.set(key, found)
    return found
  }

  zoneKey(epoch: Id): Uint8Array | undefined {
    this.#refresh()
    const cacheKey = idKey(epoch)
    const known = this.#zoneKeys.get(cacheKey)
    if (known !== undefined) return known
    const key = this.#ring.find(epoch)
    if (key !== undefined) this.#zoneKeys.set(cacheKey, key)
    return key
  }

  canOpen(header: HeaderBody): boolean {
    if (header.epoch === undefined) return true
    return this.zoneKey(header.epoch) !== undefined || this.#deliveredKey(header) !== undefined
  }

  blockKey(header: HeaderBody): BlockKey | undefined {
    if (header.epoch === undefined) return undefined
    const zoneKey = this.zoneKey(header.epoch)
    if (zoneKey === undefined) return this.#deliveredKey(header)
    const cacheKey = blockKeyName(header)
    const known = this.#blockKeys.get(cacheKey)
    if (known !== undefined) return known
    const key = blockKey(this.#crypto, zoneKey, header.block, header.keyVersion)
    this.#blockKeys.set(cacheKey, key)
    return key
  }

  capFor(place: WriterPlace, rights: number): WriterCap | undefined {
    return this.#caps.find(place, rights)
  }

  close(): void {
    this.#forget()
    this.#ring.close()
  }

  /** Takes in what the authority records say now. Cheap when nothing changed. */
  #refresh(): void {
    if (this.#change === this.#authority.changeCount && this.#clock.now() < this.#refreshAt) return
    this.#change = this.#authority.changeCount
    this.#writeKeys.clear()
    this.#chains.clear()
    if (this.#used.some((grant) => !this.#opens(grant))) {
      this.#forget()
      this.#ring.close()
      this.#ring = this.#newRing()
    }
    this.#refreshAt = Infinity
    this.#blockGrants.clear()
    for (const grant of this.#authority.grantsTo(this.id)) if (this.#opens(grant)) this.#take(grant)
  }

  #take(grant: GrantRecord): void {
    if (!this.#keepsFormerKeys) this.#refreshAt = Math.min(this.#refreshAt, grant.body.notAfter ?? Infinity)
    if (grant.body.targetType === grantTarget.block) {
      const key = idKey(grant.body.target)
      this.#blockGrants.set(key, [...(this.#blockGrants.get(key) ?? []), grant])
    }
    for (const delivery of this.#authority.deliveriesOf(grant.id)) {
      if (grant.body.targetType === grantTarget.block) continue
      const epoch = this.#authority.epoch(delivery.body.epoch)
      const name = idKey(delivery.id)
      if (epoch === undefined || this.#tried.has(name)) continue
      this.#tried.add(name)
      const key = unlessRefused(() => openDelivery(this.#crypto, delivery, grant, this.principal, { epoch }))
      if (key !== undefined) this.#ring.add(epoch, key)
    }
    if (!this.#used.includes(grant)) this.#used.push(grant)
  }

  #opens(grant: GrantRecord): boolean {
    return this.#keepsFormerKeys ? this.#authority.has(grant.id) : this.#isLive(grant)
  }

  #isLive(grant: GrantRecord): boolean {
    if (grant.body.notAfter !== undefined && this.#clock.now() > grant.body.notAfter) return false
    if (!this.#authority.has(grant.id)) return false
    if (this.#authority.grantRevocationsOf(grant.id).length > 0) return false
    return this.#standsUnder(grant.signer, grant.body.cap)
  }

  #standsUnder(signer: Id, cap: Id | undefined): boolean {
    const verdict = this.#chains.ofSigner(signer, cap)
    return verdict.verdict === 'valid' && governingCuts(this.#authority, verdict.chain) === undefined
  }

  #deliveredKey(header: HeaderBody): BlockKey | undefined {
    this.#refresh()
    const grants = this.#blockGrants.get(idKey(header.block))
    if (grants === undefined || header.epoch === undefined) return undefined
    const cacheKey = blockKeyName(header)
    const known = this.#blockKeys.get(cacheKey)
    if (known !== undefined) return known
    for (const grant of grants) {
      for (const delivery of this.#authority.deliveriesOf(grant.id)) {
        if (!equalBytes(delivery.body.epoch, header.epoch) || delivery.body.keyVersion !== header.keyVersion)
          continue
        const bytes = unlessRefused(() =>
          openDelivery(this.#crypto, delivery, grant, this.principal, { header })
        )
        if (bytes === undefined) continue
        const key = blockKeyFromBytes(this.#crypto, bytes)
        this.#blockKeys.set(cacheKey, key)
        return key
      }
    }
    return undefined
  }

  #newRing(): ZoneKeyRing {
    const authority = this.#authority
    return new ZoneKeyRing(this.#crypto, {
      epoch: (id) => authority.epoch(id),
      successors: (id) => authority.epochsAfter(id).map((later) => later.id)
    })
  }

  #forget(): void {
    this.#tried.clear()
    this.#used = []
    this.#blockGrants.clear()
    this.#writeKeys.clear()
    this.#zoneKeys.clear()
    this.#blockKeys.clear()
  }
}

function blockKeyName(header: HeaderBody): string {
  return `${header.keyVersion}:${idKey(header.block)}${header.epoch === undefined ? '' : idKey(header.epoch)}`
}

/** A delivery that does not open is its signer's fault; another one may still serve. */
function unlessRefused(open: () => Uint8Array): Uint8Array | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof TreeError) return undefined
    throw error
  }
}
