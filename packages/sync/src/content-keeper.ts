/**
 * The content of one tree at this node (spec 28, section 7): what is fetched, what is promised, what waits in a bounded
 * cache and what is let go. Looks at everything now and then, and soon after something came that may change it: a policy,
 * a member that was removed, new content. Where every node keeps everything it has nothing to do.
 */
import {
  type HeaderRecord,
  type Id,
  type IndexRow,
  type TakenRecord,
  blockKind,
  homeZone,
  keepPolicyOf,
  recordType
} from '@blocktree/tree'
import { type ByteRange, isRangeHeld } from './byte-range.ts'
import { ContentRelease, type ContentReleaseDeps } from './content-release.ts'
import {
  type ContentCount,
  ContentReview,
  type ContentReviewDeps,
  type HeldElsewhere,
  copiesElsewhere,
  ownerOf,
  storedPayload
} from './content-review.ts'
import { ContentRows } from './content-rows.ts'
import { type ContentOwner, KeepingRule } from './keeping-rule.ts'
import { Doubts } from './doubts.ts'
import { localKey, localPrefix } from './local-rows.ts'
import { MemberPresence } from './member-presence.ts'
import { bytesOf, heldBytesOf, isPayloadHeld } from './payload-parts.ts'
import type { PayloadQueue } from './payload-queue.ts'
import type { PeerLink } from './peer-link.ts'
import type { SectorPolicy, SyncPorts } from './ports.ts'
import type { Promised, PromiseBook } from './promise-book.ts'
import type { ZoneHosts } from './zone-hosts.ts'

export interface ContentStatus {
  /** Of the last look at everything; undefined before the first, and where all nodes keep everything. */
  readonly count: ContentCount | undefined
  readonly cachedBytes: number
  readonly cacheBytes: number
  /** Let go, and on the disk until the next collection of garbage. */
  readonly looseBytes: number
}

/** What this node says about a version to those who ask for a promise. */
export type Claim = 'kept' | 'coming' | 'no'

export interface ContentKeeperDeps
  extends ContentReleaseDeps, Pick<ContentReviewDeps, 'ports' | 'book' | 'sleep'> {
  readonly ports: SyncPorts
  readonly hosts: ZoneHosts
  readonly book: PromiseBook
  readonly policy: SectorPolicy
  readonly cacheBytes: number
  readonly absentMs: number
  readonly links: () => Iterable<PeerLink>
  /** Tells every peer that a holder failed. */
  readonly tellDoubt: (holder: Id, ids: readonly Id[]) => void
  readonly run: (work: Promise<unknown>) => void
}

/** Says that a directory of the tree has a policy: to be durable before the first such header. */
export function policiesRow(): IndexRow {
  return { key: localKey(localPrefix.policy), value: Uint8Array.of(1) }
}

const noPolicies: Uint8Array = Uint8Array.of(0)
const reviewSoonMs = 2000
const reviewAgainMs = 3000 // something was still missing; twice as long each time
const lagMs: number = 15 * 60_000
const reviewEveryMs: number = 60 * 60_000
const evictMs = 100
const restShare = 20 // a look takes this part of the time at most
const evictedAtOnce = 256

export class ContentKeeper {
  readonly #deps: ContentKeeperDeps
  readonly rule: KeepingRule
  readonly #rows: ContentRows
  readonly #presence: MemberPresence
  readonly #release: ContentRelease
  readonly #doubts: Doubts
  #laggingSince: ReadonlyMap<string, number> = new Map()
  readonly #inUse: Map<string, number> = new Map()
  readonly #ending = new AbortController()
  #payloads: PayloadQueue | undefined
  #count: ContentCount | undefined
  #cancelReview: (() => void) | undefined
  #reviewAtMs = Infinity
  #isReviewing = false
  #isDue = false
  #notBeforeMs = -Infinity
  #againMs = reviewAgainMs
  #cancelEvict: (() => void) | undefined
  #isEvicting = false
  /** It was asked for while it ran. */
  #isEvictDue = false
  #isMarked = false

  constructor(deps: ContentKeeperDeps) {
    this.#deps = deps
    const { ports, hosts, policy } = deps
    this.#rows = new ContentRows(ports.store)
    const connected = (): readonly Id[] => [...deps.links()].map(({ principal }) => principal)
    this.#presence = new MemberPresence(ports, deps.absentMs, connected)
    this.#doubts = new Doubts(ports.pace)
    const counts = (member: Id, record: Id): boolean =>
      this.#presence.isPresent(member) &&
      !this.#doubts.has(record, member) &&
      deps.book.from(record, member)?.state !== 'failed'
    this.rule = new KeepingRule({ ports, hosts, policy, counts })
    this.#release = new ContentRelease(deps)
  }

  /** Before the queue takes up what an earlier run left. */
  async load(payloads: PayloadQueue): Promise<void> {
    this.#payloads = payloads
    const [mark] = this.#deps.ports.store.local.get(policiesRow().key) ?? []
    this.#isMarked = mark === policiesRow().value?.[0]
    this.rule.hasPolicies = this.#isMarked
    // when it keeps for others again later, it has to look for what it did not fetch meanwhile
    if (this.rule.isOnDemand) await this.policySet()
    else if (mark === undefined) this.#deps.run(this.#findPolicies())
    await this.#rows.load()
    await this.#presence.load()
    this.reviewSoon()
  }

  close(): void {
    this.#ending.abort()
    this.#cancelReview?.()
    this.#cancelEvict?.()
    this.rule.close()
  }

  get status(): ContentStatus {
    return {
      count: this.#count,
      cachedBytes: this.#rows.cachedBytes,
      cacheBytes: this.#deps.cacheBytes,
      looseBytes: this.#rows.looseBytes
    }
  }

  /** Whether content is fetched as soon as its header is here; what cannot be known yet is looked at soon. */
  isWanted(owner: ContentOwner): boolean {
    const keeps = this.rule.keeps(owner)
    if (keeps === undefined) this.reviewSoon()
    return keeps === true
  }

  /** Rows to write before a header with a policy is taken, so that no crash forgets that there are policies. */
  noted(header: HeaderRecord): readonly IndexRow[] {
    if (this.#isMarked || keepPolicyOf(header) === undefined) return []
    this.#isMarked = true
    this.rule.hasPolicies = true
    this.reviewSoon()
    return [policiesRow()]
  }

  /** A policy was set here. */
  async policySet(): Promise<void> {
    this.rule.hasPolicies = true
    if (!this.#isMarked) await this.#deps.ports.store.commit({ local: [policiesRow()] })
    this.#isMarked = true
    this.reviewSoon()
  }

  taken(taken: readonly TakenRecord[]): void {
    if (this.#isIdle) return
    const matters = (type: number): boolean =>
      type === recordType.header ||
      type === recordType.cap ||
      type === recordType.revocation ||
      type === recordType.endpoint
    if (taken.some(({ type }) => matters(type))) this.reviewSoon()
  }

  claimOf(header: HeaderRecord): Claim {
    const { ports } = this.#deps
    const payload = storedPayload(header, ports)
    if (payload === undefined) return 'kept'
    const { id } = header
    if (this.#release.isLeaving(id) || this.#rows.isCached(id) || this.#rows.isDropped(id)) return 'no'
    if (isPayloadHeld(ports.store, id, payload)) return 'kept'
    if (this.#payloads?.isFetching(id) === true) return 'coming'
    return this.rule.keeps(ownerOf(header, ports)) === false ? 'no' : 'coming'
  }

  /** A promise as far as it counts now. */
  judged({ body }: HeaderRecord, promised: Promised): Promised {
    if (promised.state !== 'good') return promised
    const { holder } = promised
    const isHost = this.#deps.hosts
      .of(homeZone(body.birth, body.block))
      .some((host) => host.toHex() === holder.toHex())
    if (!isHost) return { ...promised, state: 'ended' }
    return this.#presence.isPresent(holder) ? promised : { ...promised, state: 'stale' }
  }

  /** Where its content is found at this node now. */
  placeOf(header: HeaderRecord): 'kept' | 'cached' | 'absent' {
    const { ports } = this.#deps
    const payload = storedPayload(header, ports)
    if (payload === undefined) return 'kept'
    if (this.#rows.isDropped(header.id) || !isPayloadHeld(ports.store, header.id, payload)) return 'absent'
    return this.#rows.isCached(header.id) ? 'cached' : 'kept'
  }

  /** False for content that is not here and need not be. */
  isExpected(header: HeaderRecord): boolean {
    if (this.rule.keepsAll) return true
    return this.rule.keeps(ownerOf(header, this.#deps.ports)) === true || this.placeOf(header) !== 'absent'
  }

  /** True when it, or the parts of these bytes, has to be fetched, or taken back, before it is read. */
  isAbsent(header: HeaderRecord, range?: ByteRange): boolean {
    const { clock, store } = this.#deps.ports
    this.#rows.used(header.id, clock.now())
    if (this.placeOf(header) !== 'absent') return false
    const payload = storedPayload(header, this.#deps.ports)
    if (range === undefined || payload === undefined || this.#rows.isDropped(header.id)) return true
    return !isRangeHeld(store, payload, range)
  }

  /** Content that may be gone stays for as long as somebody reads it. @returns what ends that */
  hold(record: Id): () => void {
    const key = record.toHex()
    this.#inUse.set(key, (this.#inUse.get(key) ?? 0) + 1)
    return () => {
      const left = (this.#inUse.get(key) ?? 1) - 1
      if (left > 0) return void this.#inUse.set(key, left)
      this.#inUse.delete(key)
      this.#evictSoon()
    }
  }

  /** Before content is fetched because somebody reads it: it counts as cached unless it is to be kept. */
  async fetching(header: HeaderRecord): Promise<void> {
    const { ports } = this.#deps
    const payload = storedPayload(header, ports)
    if (payload === undefined) return
    const { id: record } = header
    if (this.rule.keeps(ownerOf(header, ports)) !== false) {
      const local = this.#rows.rowsToKeep(record)
      if (local.length > 0) await ports.store.commit({ local }, { durability: 'none' })
      this.#rows.kept(record)
      return
    }
    await this.#rows.cache([{ record, bytes: 0, usedMs: ports.clock.now() }])
  }

  /** It has come. */
  async fetched(header: HeaderRecord): Promise<void> {
    const { ports } = this.#deps
    const payload = storedPayload(header, ports)
    const { id: record } = header
    if (payload === undefined || !this.#rows.isCached(record)) return
    const bytes = bytesOf(ports.store, payload)
    await this.#rows.cache([{ record, bytes, usedMs: ports.clock.now() }])
    this.#evictSoon()
  }

  /**
   * Before some of its parts are fetched because somebody reads them: they count as cached. @returns false when all of it
   * is to be kept here, and to be fetched whole
   */
  async fetchingPart(header: HeaderRecord): Promise<boolean> {
    const { ports } = this.#deps
    const payload = storedPayload(header, ports)
    if (payload === undefined || this.rule.keeps(ownerOf(header, ports)) !== false) return false
    // what was let go and not collected yet stays with the rest
    const isHere = this.#rows.isDropped(header.id) || !this.#rows.isCached(header.id)
    await this.#cachePart(header, isHere ? heldBytesOf(ports.store, payload) : 0)
    return true
  }

  /** So much of it has come. */
  async fetchedPart(header: HeaderRecord, bytes: number): Promise<void> {
    if (!this.#rows.isCached(header.id) || bytes === 0) return
    await this.#cachePart(header, bytes)
    this.#evictSoon()
  }

  async #cachePart({ id: record }: HeaderRecord, more: number): Promise<void> {
    const bytes = this.#rows.bytesCached(record) + more
    await this.#rows.cache([{ record, bytes, usedMs: this.#deps.ports.clock.now() }])
  }

  /** A member says that a holder failed; heard only from those who may promise for the zone themselves. */
  doubted(from: Id, holder: Id, ids: readonly Id[]): void {
    if (this.#isIdle) return
    const { tree } = this.#deps.ports
    let isNew = false
    for (const id of ids) {
      const header = tree.header(id)
      if (header === undefined) continue
      const hosts = this.#deps.hosts.of(homeZone(header.body.birth, header.body.block))
      const isMember = hosts.some((host) => host.toHex() === from.toHex())
      if (isMember && this.#doubts.note(id, holder)) isNew = true
    }
    if (isNew) this.reviewSoon()
  }

  /** A collection of garbage removed so much of what was let go. */
  collected(bytes: number): void {
    this.#rows.collected(bytes)
  }

  reviewSoon(): void {
    this.#againMs = reviewAgainMs
    if (this.#isReviewing) this.#isDue = true
    else this.#reviewAfter(reviewSoonMs)
  }

  /** Looks at everything now; for tests, and for a person who asks. */
  async review(): Promise<void> {
    this.#cancelReview?.()
    this.#reviewAtMs = Infinity
    const payloads = this.#payloads
    if (payloads === undefined || this.#isReviewing || this.#isIdle) return
    this.#isReviewing = true
    this.#isDue = false
    const { ports, hosts } = this.#deps
    const startedMs = ports.pace.now()
    const { signal } = this.#ending
    try {
      const { rule } = this
      const review = new ContentReview({ ...this.#deps, rule, rows: this.#rows, payloads })
      const outcome = await review.run(signal)
      if (outcome !== undefined) {
        this.#count = outcome.count
        const members = new Map<string, Id>()
        for (const zone of review.zones)
          for (const member of hosts.of(zone)) members.set(member.toHex(), member)
        await this.#presence.note(members.values())
        const demoted = await this.#release.run(
          outcome.surplus,
          (contents) =>
            this.#rows.cache(contents.map((content) => ({ ...content, usedMs: ports.clock.now() }))),
          signal
        )
        const { surplus, cached } = outcome.count
        this.#tellFailed([...outcome.failed, ...this.#overdue(outcome.lagging)])
        this.#count = { ...outcome.count, surplus: surplus - demoted, cached: cached + demoted }
      }
    } finally {
      this.#isReviewing = false
      this.#notBeforeMs = ports.pace.now() + (ports.pace.now() - startedMs) * restShare
    }
    this.#evictSoon()
    const { missing = 0, surplus = 0, underReplicated = 0 } = this.#count ?? {}
    if (this.#isDue) return this.reviewSoon()
    if (missing + surplus + underReplicated > 0) {
      this.#reviewAfter(this.#againMs)
      this.#againMs = Math.min(reviewEveryMs, this.#againMs * 2)
    } else this.#reviewAfter(reviewEveryMs)
  }

  /** Those that should keep something for a while now and do not: a full disk, say. They are passed over like those that failed. */
  #overdue(lagging: readonly HeldElsewhere[]): readonly HeldElsewhere[] {
    const nowMs = this.#deps.ports.pace.now()
    const since = new Map<string, number>()
    const overdue: HeldElsewhere[] = []
    for (const { record, holder } of lagging) {
      const key = `${record.toHex()} ${holder.toHex()}`
      const fromMs = this.#laggingSince.get(key) ?? nowMs
      since.set(key, fromMs)
      if (nowMs - fromMs < lagMs) continue
      overdue.push({ record, holder })
      if (this.#doubts.note(record, holder)) this.#isDue = true
    }
    this.#laggingSince = since
    return overdue
  }

  #tellFailed(failed: readonly HeldElsewhere[]): void {
    const byHolder = new Map<string, { readonly holder: Id; readonly ids: Id[] }>()
    for (const { record, holder } of failed) {
      const some = byHolder.get(holder.toHex()) ?? { holder, ids: [] }
      some.ids.push(record)
      byHolder.set(holder.toHex(), some)
    }
    for (const { holder, ids } of byHolder.values()) this.#deps.tellDoubt(holder, ids)
  }

  /** Everything is kept here and was always. */
  get #isIdle(): boolean {
    return this.rule.keepsAll && this.#rows.cachedCount === 0 && !this.#rows.hasDropped
  }

  /** Once for each store: of records that came otherwise than by replication, from a backup say, nobody noted it. */
  async #findPolicies(): Promise<void> {
    const { tree, store } = this.#deps.ports
    let count = 0
    for await (const { block } of tree.blockTips({ from: new Uint8Array(0) })) {
      if (this.#ending.signal.aborted || this.#isMarked) return
      const isDirectory = tree.blockSummary(block)?.kind === blockKind.directory
      const winner = isDirectory ? tree.blockState(block)?.winner : undefined
      if (winner !== undefined && keepPolicyOf(winner) !== undefined) return await this.policySet()
      if (++count % 256 === 0) await this.#deps.sleep(0)
    }
    if (!this.#isMarked && count > 0)
      await store.commit({ local: [{ key: policiesRow().key, value: noPolicies }] }, { durability: 'none' })
  }

  #reviewAfter(milliseconds: number): void {
    if (this.#ending.signal.aborted || this.#isIdle) return
    const { pace } = this.#deps.ports
    const atMs = Math.max(pace.now() + milliseconds, this.#notBeforeMs)
    if (atMs >= this.#reviewAtMs) return
    this.#cancelReview?.()
    this.#reviewAtMs = atMs
    this.#cancelReview = pace.after(atMs - pace.now(), () => this.#deps.run(this.review()))
  }

  #evictSoon(): void {
    if (this.#rows.cachedBytes <= this.#deps.cacheBytes || this.#ending.signal.aborted) return
    this.#cancelEvict ??= this.#deps.ports.pace.after(evictMs, () => {
      this.#cancelEvict = undefined
      this.#deps.run(this.#evict())
    })
  }

  /** Lets the content go that was not used for longest, as far as others keep it. */
  async #evict(): Promise<void> {
    if (this.#isEvicting) {
      this.#isEvictDue = true
      return
    }
    this.#isEvicting = true
    this.#isEvictDue = false
    try {
      const { signal } = this.#ending
      for (const some of chunked(this.#evictable(), evictedAtOnce)) {
        if (signal.aborted || this.#rows.cachedBytes <= this.#deps.cacheBytes) break
        await this.#release.run(
          some,
          async (confirmed) => {
            const isUsed = ({ record }: { readonly record: Id }): boolean => this.#inUse.has(record.toHex())
            const unused = confirmed.filter((content) => !isUsed(content))
            await this.#rows.drop(unused)
            // who began to read meanwhile goes on
            const again = unused.filter(isUsed)
            await this.#rows.cache(
              again.map((content) => ({ ...content, usedMs: this.#deps.ports.clock.now() }))
            )
          },
          signal
        )
      }
    } finally {
      this.#isEvicting = false
    }
    if (this.#rows.looseBytes > 0) this.#deps.ports.onLoose?.(this.#rows.looseBytes)
    // what came, or was no longer read, meanwhile
    if (this.#isEvictDue) return this.#evictSoon()
    // who keeps it may be away; what is read now goes when it is read no longer
    if (this.#rows.cachedBytes > this.#deps.cacheBytes) this.#reviewAfter(this.#againMs)
  }

  /** Enough to get below the bound, and as much again for those that nobody else keeps. */
  #evictable(): readonly {
    readonly record: Id
    readonly zone: Id
    readonly copies: number
    readonly bytes: number
    readonly root: Id
  }[] {
    const { ports, hosts } = this.#deps
    const found = []
    let over = 2 * (this.#rows.cachedBytes - this.#deps.cacheBytes)
    for (const { record, bytes } of this.#rows.oldestFirst()) {
      if (over <= 0) break
      const header = ports.tree.header(record)
      const payload = header === undefined ? undefined : storedPayload(header, ports)
      if (header === undefined || payload === undefined || this.#inUse.has(record.toHex())) continue
      const owner = ownerOf(header, ports)
      const copies = copiesElsewhere({ ports, hosts, rule: this.rule }, owner, true)
      if (copies === undefined) continue
      found.push({ record, zone: owner.zone, copies, bytes, root: payload.rootHash })
      over -= bytes
    }
    return found
  }
}

function* chunked<Item>(items: readonly Item[], count: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += count) yield items.slice(at, at + count)
}
