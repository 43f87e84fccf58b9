/**
 * One look at all content of a tree (spec 28, section 7): what should be here and is not is wanted, what is here and need
 * not be is offered to be let go, and of what is kept in so many copies the other keepers are asked whether they have it.
 */
import { type HeaderRecord, type Id, type IndexRow, type PayloadDescriptor, homeZone } from '@blocktree/tree'
import type { Releasable } from './content-release.ts'
import type { ContentRows } from './content-rows.ts'
import type { ContentOwner, KeepingRule } from './keeping-rule.ts'
import { bytesOf, isPayloadHeld } from './payload-parts.ts'
import type { PayloadQueue } from './payload-queue.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import type { PromiseBook } from './promise-book.ts'
import type { ZoneHosts } from './zone-hosts.ts'

/** Contents by what became of them at the last look; those beside their headers, and empty ones, are not counted. */
export interface ContentCount {
  /** Held here for others too. */
  readonly kept: number
  /** Should be kept here and has not come yet. */
  readonly missing: number
  /** Held here, and may go when room is needed. */
  readonly cached: number
  /** Kept here although others should do it, until enough of them do. */
  readonly surplus: number
  /** Kept here, with fewer good promises of others than the policy asks for. */
  readonly underReplicated: number
  /** Not here, and not meant to be. */
  readonly elsewhere: number
}

export interface ContentReviewDeps {
  readonly ports: SyncPorts
  readonly rule: KeepingRule
  readonly hosts: ZoneHosts
  readonly rows: ContentRows
  readonly payloads: PayloadQueue
  readonly book: PromiseBook
  readonly promisers: (zone: Id) => readonly PeerLink[]
  readonly askPromise: (
    link: PeerLink,
    zone: Id,
    ids: readonly Id[],
    signal: AbortSignal
  ) => Promise<readonly Id[]>
  readonly sleep: (milliseconds: number) => Promise<void>
}

export interface ReviewOutcome {
  readonly count: ContentCount
  /** Others should keep these. */
  readonly surplus: readonly Releasable[]
  /** Holders that failed to prove what they promised. */
  readonly failed: readonly HeldElsewhere[]
  /** Keepers that are connected and do not promise what they should keep. */
  readonly lagging: readonly HeldElsewhere[]
}

export interface HeldElsewhere {
  readonly record: Id
  readonly holder: Id
}

interface Audited extends ContentOwner {
  readonly copies: number
  readonly keepers: readonly Id[]
}

const blocksInTurn = 128
const rowsInBatch = 1024
const promiseFreshMs = 12 * 3_600_000 // a promise that is older is asked for again
const releasedAtOnce = 8192 // in one look; the next one takes the rest
const failedAtOnce = 4096 // told to others after one look
const demandCopies = 2 // of content that nobody has to keep: with fewer elsewhere it stays where it is

/** Content that is stored apart from its header. */
export function storedPayload(
  { body, id }: HeaderRecord,
  { tree }: SyncPorts
): PayloadDescriptor | undefined {
  const { payload } = body
  return payload !== undefined && (payload.levels > 0 || tree.inlineOf(id) === undefined)
    ? payload
    : undefined
}

export function ownerOf({ body, id }: HeaderRecord, { tree }: SyncPorts): ContentOwner {
  const parent = tree.blockSummary(body.block)?.shownParent ?? body.parent
  return { record: id, block: body.block, zone: homeZone(body.birth, body.block), parent }
}

export class ContentReview {
  readonly #deps: ContentReviewDeps
  readonly #count = { kept: 0, missing: 0, cached: 0, surplus: 0, underReplicated: 0, elsewhere: 0 }
  readonly #surplus: Releasable[] = []
  readonly #failed: HeldElsewhere[] = []
  readonly #lagging: HeldElsewhere[] = []
  readonly #audited: Audited[] = []
  readonly #zones: Map<string, Id> = new Map()
  #local: IndexRow[] = []
  #wanted: Id[] = []
  #promoted: Id[] = []

  constructor(deps: ContentReviewDeps) {
    this.#deps = deps
  }

  /** @returns undefined when it was cut short */
  async run(signal: AbortSignal): Promise<ReviewOutcome | undefined> {
    const { tree } = this.#deps.ports
    let blocks = 0
    for await (const { block } of tree.blockTips({ from: new Uint8Array(0) })) {
      if (signal.aborted) return undefined
      for (const header of tree.headersOf(block)) this.#look(header)
      if (this.#local.length + this.#wanted.length >= rowsInBatch) await this.#write()
      if (++blocks % blocksInTurn === 0) await this.#deps.sleep(0)
    }
    await this.#write()
    await this.#audit(signal)
    return signal.aborted
      ? undefined
      : { count: { ...this.#count }, surplus: this.#surplus, failed: this.#failed, lagging: this.#lagging }
  }

  /** Zones with content. */
  get zones(): Iterable<Id> {
    return this.#zones.values()
  }

  #look(header: HeaderRecord): void {
    const { ports, rule, rows, payloads } = this.#deps
    const payload = storedPayload(header, ports)
    if (payload === undefined) return
    const owner = ownerOf(header, ports)
    const { record, zone } = owner
    this.#zones.set(zone.toHex(), zone)
    const keeps = rule.keeps(owner)
    if (keeps === undefined) return
    const isLoose = rows.isDropped(record)
    const isHeld = !isLoose && isPayloadHeld(ports.store, record, payload)
    if (keeps) this.#keep(owner, isHeld)
    else if (!isHeld) {
      this.#count.elsewhere++
      if (!rows.isCached(record) && payloads.isFetching(record)) payloads.forget(record)
    } else if (rows.isCached(record)) this.#count.cached++
    else this.#release(owner, payload)
  }

  #keep(owner: ContentOwner, isHeld: boolean): void {
    const { rule, rows, payloads } = this.#deps
    const { record } = owner
    const local = rows.rowsToKeep(record)
    if (local.length > 0) this.#promoted.push(record)
    this.#local.push(...local)
    if (!isHeld) {
      this.#count.missing++
      if (!payloads.isFetching(record)) this.#wanted.push(record)
      return
    }
    this.#count.kept++
    const policy = rule.policyOf(owner)
    if (policy?.kind !== 'copies' || policy.copies === 1) return
    this.#audited.push({ ...owner, copies: policy.copies, keepers: rule.keepersOf(owner, policy.copies) })
    for (const holder of this.#deps.hosts.keepersOf(owner.zone)) {
      if (this.#failed.length < failedAtOnce && this.#deps.book.from(record, holder)?.state === 'failed')
        this.#failed.push({ record, holder })
    }
  }

  #release(owner: ContentOwner, payload: PayloadDescriptor): void {
    this.#count.surplus++
    if (this.#surplus.length >= releasedAtOnce) return
    const copies = copiesElsewhere(this.#deps, owner)
    if (copies === undefined) return
    const { record, zone } = owner
    const { ports } = this.#deps
    this.#surplus.push({ record, zone, copies, bytes: bytesOf(ports.store, payload), root: payload.rootHash })
  }

  async #write(): Promise<void> {
    const { ports, payloads, rows } = this.#deps
    const wanted = this.#wanted
    const promoted = this.#promoted
    this.#promoted = []
    const local = [...this.#local, ...wanted.map((record) => payloads.rowOf(record))]
    this.#wanted = []
    this.#local = []
    if (local.length > 0) await ports.store.commit({ local }, { durability: 'none' })
    for (const record of promoted) rows.kept(record)
    for (const record of wanted) payloads.add(record)
  }

  /** Keepers that are here and gave no promise of late are asked for one. */
  async #audit(signal: AbortSignal): Promise<void> {
    const due = new Map<PeerLink, Map<string, { readonly zone: Id; readonly ids: Id[] }>>()
    for (const { record, zone, keepers } of this.#audited) {
      for (const link of this.#deps.promisers(zone)) {
        const isKeeper = keepers.some((keeper) => keeper.toHex() === link.name)
        if (!isKeeper || this.#hasPromised(record, link.principal)) continue
        const zones = due.get(link) ?? new Map<string, { readonly zone: Id; readonly ids: Id[] }>()
        const some = zones.get(zone.toHex()) ?? { zone, ids: [] }
        some.ids.push(record)
        zones.set(zone.toHex(), some)
        due.set(link, zones)
      }
    }
    await Promise.allSettled(
      [...due].map(async ([link, zones]) => {
        for (const { zone, ids } of zones.values()) await this.#deps.askPromise(link, zone, ids, signal)
      })
    )
    for (const [link, zones] of due) {
      for (const { ids } of zones.values()) {
        for (const record of ids) {
          if (this.#lagging.length >= failedAtOnce) break
          if (!this.#hasPromised(record, link.principal))
            this.#lagging.push({ record, holder: link.principal })
        }
      }
    }
    const self = this.#deps.ports.self.principal.toHex()
    for (const { record, copies, keepers } of this.#audited) {
      const others = keepers.filter((keeper) => keeper.toHex() !== self && this.#hasPromised(record, keeper))
      if (others.length + 1 < copies) this.#count.underReplicated++
    }
  }

  #hasPromised(record: Id, holder: Id): boolean {
    const promised = this.#deps.book.from(record, holder)
    if (promised?.state !== 'good' || promised.coverage !== 'payload') return false
    const age = this.#deps.ports.clock.now() - Math.max(promised.timeMs, promised.checkedMs ?? 0)
    return Math.abs(age) < promiseFreshMs
  }
}

/**
 * How many others have to keep content before this node need not; undefined: nobody else may.
 * @param isCached it is only remembered here: as many as there are will do, where there are fewer than wanted
 */
export function copiesElsewhere(
  { ports, rule, hosts }: Pick<ContentReviewDeps, 'ports' | 'rule' | 'hosts'>,
  owner: ContentOwner,
  isCached = false
): number | undefined {
  const self = ports.self.principal.toHex()
  const others = hosts.keepersOf(owner.zone).filter((member) => member.toHex() !== self).length
  if (others === 0) return undefined
  const policy = rule.policyOf(owner)
  if (policy === undefined) return undefined
  const wanted = policy.kind === 'copies' ? policy.copies : demandCopies
  return isCached || policy.kind === 'all' ? Math.min(wanted, others) : wanted
}
