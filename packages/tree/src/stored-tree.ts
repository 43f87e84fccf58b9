/**
 * TreeState over a block store (./tree-state.ts has the contract). Taking a record: static check, block row, view rows,
 * one store batch. The two common cases, a fresh block and the successor of all heads under an unconditional cap, need
 * no evaluation; everything else evaluates the block from its headers.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type AcceptanceContext, type AcceptanceVerdict, checkRecord } from './acceptance.ts'
import { anchoredEntries } from './anchor.ts'
import { Authority } from './authority.ts'
import { blockId, decodeBirth, homeZone } from './birth.ts'
import { type BlockEvaluation, evaluateBlock } from './block-state.ts'
import { capScope } from './cap.ts'
import { type CapChain, CapChains } from './cap-chain.ts'
import { compareClaims } from './directory-view.ts'
import { type Act, type Explanation, capForAct, explainInside, explainRight } from './explain.ts'
import { FollowUps } from './follow-ups.ts'
import { IdMap } from './id-key.ts'
import { HeldIndex } from './held-index.ts'
import type { VersionedHead } from './held-records.ts'
import {
  type BlockRow,
  decodeBlockRow,
  emptyValue,
  writeUint48,
  readIds,
  readUint48,
  rowKey,
  rowPrefix
} from './index-rows.ts'
import { listChildren, listRemoved, listZone, rowsBelow } from './listing.ts'
import { versionMax } from './limits.ts'
import { type FollowUp, OpenChange } from './open-change.ts'
import { ParkedRecords } from './parked-records.ts'
import {
  type BlockFacts,
  addNewChildren,
  isSameId,
  readCount,
  settleBlock,
  shownUnder,
  waitingSuffix
} from './placement.ts'
import { mayBeInline } from './payload-references.ts'
import type { BlockStore, Durability, IndexRow, StoreBatch, StoredSector } from './ports.ts'
import { decodeRecord, verifyRecordSignature } from './record.ts'
import type {
  AnyRecord,
  CheckpointRecord,
  EpochRecord,
  GrantRecord,
  HeaderRecord,
  Id,
  ReceiptRecord
} from './records.ts'
import { blockKind, blockState, recordType, scopeType } from './records.ts'
import { hasCountedReceipt, hasInterval, isWithinInterval } from './receipt-time.ts'
import { TreeError, type TreeErrorCode } from './tree-error.ts'
import type {
  Admission,
  BlockChange,
  BlockLabels,
  BlockState,
  BlockSummary,
  ChildEntry,
  HistoryEntry,
  LocalBatch,
  NewFiles,
  Offer,
  OfferResult,
  Page,
  TreeState,
  TreeStateOptions,
  TreeStatistics
} from './tree-state.ts'
import { isCheckpointValid, isCurrentAuthority, isUnconditional } from './validity.ts'
import { verifyStoredRecords } from './verify-store.ts'
import { WaitingBirths } from './waiting-births.ts'

const headerCacheCountDefault = 4096
const tipsMax = 128 // unrelated versions of one block that peers may leave waiting
const statisticsKey: Uint8Array = rowKey(rowPrefix.statistics)
const noLabels: BlockLabels = {
  selfFork: false,
  lostToRevocation: false,
  quarantine: [],
  adopted: [],
  late: [],
  pending: [],
  uncounted: []
}

export async function openStoredTree(options: TreeStateOptions): Promise<StoredTree> {
  const tree = new StoredTree(options)
  await tree.load()
  return tree
}

interface Taken {
  readonly verdict: AcceptanceVerdict
  readonly quarantined: boolean
}

export class StoredTree implements TreeState {
  readonly authority: Authority = new Authority()
  readonly #options: TreeStateOptions
  readonly #store: BlockStore
  readonly #crypto: CryptoProvider
  readonly #chains: CapChains
  readonly #held: HeldIndex
  readonly #context: AcceptanceContext
  readonly #parked: ParkedRecords = new ParkedRecords()
  readonly #waitingBirths: WaitingBirths
  /** Ids that came and that parked records may wait for. */
  readonly #woken: Id[] = []
  readonly #followUps: FollowUps
  readonly #listeners: Set<(change: BlockChange) => void> = new Set()
  #counters: TreeStatistics = { records: 0, headers: 0, blocks: 0, live: 0, conflicts: 0 }
  #isClosed = false
  /** By leaf cap or root principal, until an authority record comes or goes. */
  readonly #unconditional: IdMap<boolean> = new IdMap()
  #unconditionalChange = -1
  /** Rows are made from records alone: nobody says whether a new version has another name. */
  #isRebuilt = false

  constructor(options: TreeStateOptions) {
    this.#options = options
    this.#store = options.store
    this.#crypto = options.crypto
    this.#waitingBirths = new WaitingBirths(options.crypto)
    this.#chains = new CapChains(this.authority, options.crypto)
    const headerCacheCount = options.headerCacheCount ?? headerCacheCountDefault
    this.#held = new HeldIndex({ ...options, headerCacheCount }, this.authority, this.#chains)
    this.#context = {
      authority: this.authority,
      chains: this.#chains,
      crypto: options.crypto,
      homeOf: (block) => this.#row(block)?.zone
    }
    const blocks = {
      change: (work: (open: OpenChange) => void) => this.#change(work),
      evaluate: this.#reevaluate
    }
    this.#followUps = new FollowUps({ ...options, held: this.#held }, blocks)
  }

  async load(): Promise<void> {
    for (const rows of [this.#store.index, this.#store.local]) {
      for await (const [, bytes] of rowsBelow(rows, rowKey(rowPrefix.zone))) this.#addBirth(bytes)
    }
    for await (const [key] of rowsBelow(this.#store.index, rowKey(rowPrefix.authority))) {
      const record = this.#held.readRecord(key.subarray(1))
      if (record === undefined) throw missingRecord('an authority record that the index lists')
      this.authority.add(record)
    }
    for await (const [key] of rowsBelow(this.#store.index, rowKey(rowPrefix.complete))) {
      this.#held.complete.add(key.subarray(1))
    }
    this.#readCounters()
    await this.#followUps.resume()
  }

  get tree(): Id | undefined {
    return this.authority.tree?.id
  }

  get rootBlock(): Id | undefined {
    for (const birth of this.authority.zoneBirths()) if (birth.birth.zone === undefined) return birth.zone
    return undefined
  }

  // --- taking records

  commitLocal(batch: LocalBatch, options?: { readonly durability?: Durability }): Promise<void> {
    const open = this.#begin()
    try {
      for (const { record, inline, nameKey, isNew = false } of batch.records) {
        const { verdict } = this.#take(open, record, { inline, nameKey, isLocal: true, isNew })
        if (verdict.verdict !== 'accepted')
          throw new TreeError(verdict.code, `not committed: ${verdict.message}`)
      }
    } catch (error) {
      this.#revert(open)
      this.#held.open = undefined
      return Promise.reject(error instanceof Error ? error : new Error('not committed', { cause: error }))
    }
    return this.#finish(open, batch, options)
  }

  commitNewFiles(
    { sample, blocks, records }: NewFiles,
    append: (rows: readonly IndexRow[]) => Promise<void>
  ): Promise<void> | undefined {
    const { body } = sample
    const { verdict } = checkRecord(this.#context, sample)
    if (verdict !== 'accepted' || this.#headsWithoutEvaluation(undefined, sample) === undefined)
      return undefined
    const zone = homeZone(body.birth, body.block)
    const { parent } = body
    if (parent === undefined || body.birth.zoneRoot || body.birth.kind === blockKind.directory)
      return undefined
    const open = this.#begin()
    this.#held.open = undefined
    const count = blocks.length / 32
    if (!addNewChildren(open.rows, zone, parent, count)) return undefined
    for (const name of ['records', 'headers', 'blocks', 'live'] as const) open.counters[name] += count
    const durable = append([
      ...open.rows.rows(),
      { key: statisticsKey, value: encodeCounters(open.counters) }
    ])
    this.#counters = open.counters
    const shared = { zone, kind: body.birth.kind, shownParent: parent, shownParentBefore: undefined }
    for (let offset = 0; offset < blocks.length; offset += 32) {
      const block = blocks.slice(offset, offset + 32)
      const winner = records.slice(offset, offset + 32)
      for (const listener of this.#listeners) listener({ ...shared, change: 'created', block, winner })
    }
    return this.#whenDurable(durable, [], [], [])
  }

  async offer(offer: Offer, admission: Admission): Promise<readonly OfferResult[]> {
    const pending: Promise<void>[] = []
    const sectors = (offer.sectors ?? []).filter((sector) => this.#isGenuine(sector))
    if (sectors.length > 0) pending.push(this.#store.commit({ sectors }))
    try {
      for (const bytes of offer.births ?? []) this.#offerBirth(bytes, pending)
      const results = offer.records.map(({ bytes, inline }) =>
        this.#offerOne(bytes, inline, admission, pending)
      )
      await Promise.all(pending)
      await this.#followUps.checkpoints()
      return results
    } finally {
      // Also after a failure nothing is left behind that could reject unheard.
      await Promise.allSettled(pending)
    }
  }

  /** A sector under another hash would keep the real one out for ever. */
  #isGenuine({ reference, bytes }: StoredSector): boolean {
    return equalBytes(this.#crypto.sha256(bytes), reference)
  }

  #offerOne(
    bytes: Uint8Array,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    const result = this.#offerBytes(bytes, inline, admission, pending)
    this.#retryWoken(pending)
    return result
  }

  #offerBytes(
    bytes: Uint8Array,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    let record: AnyRecord
    try {
      record = decodeRecord(this.#crypto, bytes)
    } catch (error) {
      return undecodable(error)
    }
    const beside = this.#besideHeader(record, inline)
    const result = this.#offerRecord(record, beside, admission, pending)
    if (result.outcome === 'parked' && result.missing !== undefined) {
      this.#parked.add({ id: record.id, bytes, inline: beside, admission, missing: result.missing })
    }
    return result
  }

  /** What came beside a header, when it is the one small sector that the header names. */
  #besideHeader(record: AnyRecord, inline: Uint8Array | undefined): Uint8Array | undefined {
    if (inline === undefined || record.type !== recordType.header) return undefined
    const { payload } = record.body
    if (payload === undefined || !mayBeInline(payload) || inline.length !== payload.stored) return undefined
    return this.#isGenuine({ reference: payload.rootHash, bytes: inline }) ? inline : undefined
  }

  #offerRecord(
    record: AnyRecord,
    inline: Uint8Array | undefined,
    admission: Admission,
    pending: Promise<void>[]
  ): OfferResult {
    const { id } = record
    if (this.#isHeld(record)) {
      pending.push(...this.#keepBeside(record, inline))
      return outcome(id, 'known')
    }
    const expected = this.#options.tree
    if (record.type === recordType.tree && expected !== undefined && !equalBytes(expected, id)) {
      return refusal(id, 'ERR_TREE_FOREIGN', 'another tree is expected here', false)
    }
    const lent: Id[] = []
    const result = this.#judgeAndTake(record, inline, admission, { lent, pending })
    if (result.outcome !== 'accepted' && result.outcome !== 'quarantined') {
      for (const zone of lent) this.authority.removeZoneBirth(zone)
    }
    return result
  }

  #judgeAndTake(
    record: AnyRecord,
    inline: Uint8Array | undefined,
    admission: Admission,
    { lent, pending }: { readonly lent: Id[]; readonly pending: Promise<void>[] }
  ): OfferResult {
    const { id } = record
    let verdict = checkRecord(this.#context, record)
    while (verdict.verdict === 'parked' && this.#lendBirth(verdict.missing, lent)) {
      verdict = checkRecord(this.#context, record)
    }
    if (verdict.verdict !== 'accepted') return fromVerdict(id, verdict)
    const forged = this.#signatureProblem(record)
    if (forged !== undefined) return refusal(id, forged.code, forged.message, true)
    const unwanted = record.type === recordType.header ? this.#admissionProblem(record, admission) : undefined
    if (unwanted !== undefined) return refusal(id, 'ERR_ADMISSION_REFUSED', unwanted, false)
    const open = this.#begin()
    let taken: Taken
    try {
      taken = this.#take(open, record, { inline, nameKey: undefined, isLocal: false })
    } catch (error) {
      this.#revert(open)
      this.#held.open = undefined
      throw error
    }
    pending.push(this.#finish(open, { local: this.#keepBirths(open, lent) }))
    this.#woken.push(...wokenBy(this.#crypto, record))
    return outcome(id, taken.quarantined ? 'quarantined' : 'accepted')
  }

  #isHeld(record: AnyRecord): boolean {
    return record.type === recordType.header || record.type === recordType.receipt
      ? this.#store.hasRecord(record.id)
      : this.authority.has(record.id)
  }

  #signatureProblem(record: AnyRecord): TreeError | undefined {
    const principal = record.type === recordType.principal ? record : this.authority.principal(record.signer)
    if (principal === undefined) return missingRecord('the principal of the signer')
    try {
      verifyRecordSignature(this.#crypto, record, principal.body.signingPublicKey)
      return undefined
    } catch (error) {
      if (error instanceof TreeError) return error
      throw error
    }
  }

  /** B.8.7: what only the host checks that takes a record first. */
  #admissionProblem(header: HeaderRecord, admission: Admission): string | undefined {
    const { block } = header.body
    // What a host passes on is taken whatever waits here: else two nodes would keep different versions for ever.
    if (admission.from === 'host' || this.#isVouchedFor(header)) return undefined
    const row = this.#row(block)
    if (
      row !== undefined &&
      row.tips.length >= tipsMax &&
      !header.body.prev.some((id) => includesId(row.tips, id))
    ) {
      return `${row.tips.length} versions of this block wait already`
    }
    const leaf = header.body.cap === undefined ? undefined : this.authority.cap(header.body.cap)
    if (leaf !== undefined && hasInterval(leaf.body)) {
      const now = this.#options.clock.now()
      if (now < this.#clockFloor()) return 'the clock of this host is behind what the root has signed'
      if (!isWithinInterval(now, leaf.body)) return 'the cap is not in its interval'
    }
    return admission.refuse?.(header)
  }

  /** A receipt of a host that counts, or an anchor, covers it already: it was admitted elsewhere. */
  #isVouchedFor(header: HeaderRecord): boolean {
    const zone = homeZone(header.body.birth, header.body.block)
    if (hasCountedReceipt(this.#held, this.#chains, header, zone)) return true
    const anchors = this.#held.anchors(homeZone(header.body.birth, header.body.block))
    return anchoredEntries(this.#held, anchors, header.body.block).versions?.has(header.id) === true
  }

  /** The highest time that the root has signed (B.7.5). */
  #clockFloor(): number {
    let floor = 0
    for (const record of this.authority.records()) {
      if (
        record.type === recordType.checkpoint &&
        record.body.cap === undefined &&
        isCheckpointValid(this.#held, this.#chains, record)
      ) {
        floor = Math.max(floor, record.body.timeMs)
      }
    }
    return floor
  }

  /** One after another: a chain of records that waited must not become a chain of calls. */
  #retryWoken(pending: Promise<void>[]): void {
    for (let id = this.#woken.pop(); id !== undefined; id = this.#woken.pop()) {
      for (const parked of this.#parked.take(id)) {
        this.#offerBytes(parked.bytes, parked.inline, parked.admission, pending)
      }
    }
  }

  /** The sector of a header that was held without it. */
  #keepBeside(record: AnyRecord, inline: Uint8Array | undefined): readonly Promise<void>[] {
    if (inline === undefined || record.type !== recordType.header || record.body.payload === undefined)
      return []
    const reference = record.body.payload.rootHash
    if (this.#store.hasSector(reference) || this.inlineOf(record.id) !== undefined) return []
    return [this.#store.commit({ sectors: [{ reference, bytes: inline }] })]
  }

  #offerBirth(bytes: Uint8Array, pending: Promise<void>[]): void {
    const zone = this.#waitingBirths.add(bytes)
    if (zone === undefined) return
    this.#woken.push(zone)
    this.#retryWoken(pending)
  }

  /** Takes a birth that was sent along for as long as it takes to judge a record. */
  #lendBirth(zone: Id | undefined, lent: Id[]): boolean {
    const bytes = zone && this.#waitingBirths.get(zone)
    if (zone === undefined || bytes === undefined || this.#addBirth(bytes) === undefined) return false
    lent.push(zone)
    return true
  }

  /** The record that the births were lent to is taken: they stay with it. */
  #keepBirths(open: OpenChange, lent: readonly Id[]): readonly IndexRow[] {
    return lent.flatMap((zone) => {
      const bytes = this.#waitingBirths.get(zone)
      if (bytes === undefined) return []
      this.#waitingBirths.delete(zone)
      open.births.push(zone)
      return [{ key: rowKey(rowPrefix.zone, zone), value: bytes }]
    })
  }

  /** @returns the zone when it is new */
  #addBirth(bytes: Uint8Array): Id | undefined {
    const birth = decodeBirth(bytes)
    const zone = blockId(this.#crypto, bytes)
    if (!birth.zoneRoot || this.authority.zoneBirth(zone) !== undefined) return undefined
    const { tree } = this.authority
    if (tree !== undefined && !equalBytes(birth.tree, tree.id)) return undefined
    if (birth.zone === undefined && tree !== undefined && !equalBytes(birth.creator, tree.body.root))
      return undefined
    this.authority.addZoneBirth({ zone, birth, bytes })
    return zone
  }

  // --- one change

  #begin(): OpenChange {
    if (this.#isClosed) throw new TreeError('ERR_RECORD_MISSING', 'the tree state is closed')
    const open = new OpenChange(this.#store, this.#counters)
    this.#held.open = open
    return open
  }

  #finish(
    open: OpenChange,
    batch: StoreBatch | LocalBatch,
    options?: { readonly durability?: Durability }
  ): Promise<void> {
    this.#held.open = undefined
    const rows = [...open.rows.rows(), { key: statisticsKey, value: encodeCounters(open.counters) }]
    const durable = this.#store.commit(
      {
        records: open.records,
        rows,
        ...(batch.sectors === undefined ? {} : { sectors: batch.sectors }),
        ...(batch.local === undefined ? {} : { local: batch.local })
      },
      options
    )
    this.#counters = open.counters
    for (const record of open.taken) {
      if (record.type === recordType.header) this.#held.headerCache.set(record.id, record)
      if (record.type === recordType.receipt) this.#held.forgetAnchors()
    }
    for (const change of open.changes) for (const listener of this.#listeners) listener(change)
    return this.#whenDurable(durable, open.taken, open.births, open.followUps)
  }

  /** What waits for the disk holds no more than it needs: not the whole change. */
  #whenDurable(
    durable: Promise<void>,
    taken: readonly AnyRecord[],
    births: readonly Id[],
    followUps: readonly FollowUp[]
  ): Promise<void> {
    const safe = durable.catch((error: unknown) => {
      this.#revert({ taken, births })
      this.#held.headerCache.clear()
      this.#readCounters()
      throw error
    })
    return followUps.length === 0 ? safe : safe.then(() => this.#followUps.add(followUps))
  }

  /** Takes back what was put into memory for a change that is not stored. */
  #revert({ taken, births }: { readonly taken: readonly AnyRecord[]; readonly births: readonly Id[] }): void {
    for (const record of taken) this.authority.remove(record)
    for (const zone of births) this.authority.removeZoneBirth(zone)
    this.#chains.clear()
    this.#held.forgetAnchors()
  }

  /** For follow-ups: rows only. */
  #change(work: (open: OpenChange) => void): Promise<void> {
    const open = this.#begin()
    work(open)
    this.#followUps.later(open.followUps.splice(0))
    return this.#finish(open, {})
  }

  #take(
    open: OpenChange,
    record: AnyRecord,
    how: {
      readonly inline: Uint8Array | undefined
      readonly nameKey: Uint8Array | undefined
      readonly isLocal: boolean
      readonly isNew?: boolean
    }
  ): Taken {
    const verdict: AcceptanceVerdict = how.isLocal
      ? checkRecord(this.#context, record)
      : { verdict: 'accepted' }
    if (verdict.verdict !== 'accepted') return { verdict, quarantined: false }
    if (record.type === recordType.header)
      return { verdict, quarantined: this.#takeHeader(open, record, how) }
    if (this.authority.has(record.id)) return { verdict, quarantined: false }
    open.addRecord(record, undefined)
    if (record.type === recordType.receipt) this.#takeReceipt(open, record)
    else this.#takeAuthority(open, record)
    return { verdict, quarantined: false }
  }

  #takeAuthority(open: OpenChange, record: AnyRecord): void {
    this.authority.add(record)
    open.rows.put(rowKey(rowPrefix.authority, record.id), Uint8Array.of(record.type))
    if (record.type === recordType.cap && record.body.scopeType === scopeType.zone) {
      this.#takeBirth(open, record.body.scopeBirth)
    }
    const concerns =
      record.type === recordType.revocation ||
      record.type === recordType.succession ||
      record.type === recordType.checkpoint
    if (concerns) open.addFollowUp({ work: 'authority', record: record.id })
  }

  #takeBirth(open: OpenChange, bytes: Uint8Array): void {
    const zone = this.#addBirth(bytes)
    if (zone === undefined) return
    open.births.push(zone)
    open.rows.put(rowKey(rowPrefix.zone, zone), bytes)
  }

  #takeReceipt(open: OpenChange, receipt: ReceiptRecord): void {
    this.authority.add(receipt)
    for (const id of receipt.body.records) {
      open.receipts.add(id, receipt) // a header of the same batch finds it before it is stored
      const key = rowKey(rowPrefix.receipt, id)
      const before = open.rows.get(key) ?? emptyValue
      const value = new Uint8Array(before.length + 32)
      value.set(before)
      value.set(receipt.id, before.length)
      open.rows.put(key, value)
    }
    open.addFollowUp({ work: 'authority', record: receipt.id })
  }

  // --- headers

  /** @returns true when the header is kept without counting */
  #takeHeader(
    open: OpenChange,
    header: HeaderRecord,
    how: {
      readonly inline: Uint8Array | undefined
      readonly nameKey: Uint8Array | undefined
      readonly isNew?: boolean
    }
  ): boolean {
    const { block, parent } = header.body
    const isNew = how.isNew === true && header.body.version === 1
    if (isNew) {
      const isNamed = parent !== undefined && how.nameKey !== undefined
      open.rows.assumeNew(block, isNamed ? rowKey(rowPrefix.name, parent, how.nameKey) : undefined)
    }
    const before = open.rows.block(block)
    if (before !== undefined && includesId(before.tips, header.id)) return false
    open.addRecord(header, how.inline, isNew)
    open.headers.set(header.id, header)
    open.counters.headers++
    if (header.body.birth.zoneRoot) this.#takeBirth(open, header.body.birthBytes)
    const writer = header.body.cap ?? header.signer
    open.rows.put(rowKey(rowPrefix.writtenUnder, writer, block), emptyValue)
    const heads = this.#headsWithoutEvaluation(before, header)
    if (heads !== undefined) {
      const facts = { heads, tips: [header.id], conflict: false, incomplete: false }
      this.#settle(
        open,
        block,
        before,
        winnerFacts(header, facts, this.#nameKeyOf(header, before, how.nameKey))
      )
      return false
    }
    open.newTips.add(block, header.id)
    const evaluation = this.#evaluateInto(open, block, { header, nameKey: how.nameKey })
    return evaluation !== undefined && includesId(evaluation.quarantine, header.id)
  }

  /** Heads after a fresh first version, or after a successor of all heads, when nothing else can play a part. */
  #headsWithoutEvaluation(
    before: BlockRow | undefined,
    header: HeaderRecord
  ): readonly VersionedHead[] | undefined {
    const verdict = this.#chains.ofSigner(header.signer, header.body.cap)
    if (verdict.verdict !== 'valid' || !this.#isUnconditional(verdict.chain)) return undefined
    const { prev } = header.body
    if (before === undefined) return prev.length === 0 ? [{ id: header.id, version: 1 }] : undefined
    const { heads } = before
    if (heads.length === 0 || before.incomplete) return undefined
    if (heads.length !== before.tips.length || prev.length !== heads.length) return undefined
    if (!heads.every((head) => includesId(prev, head.id) && includesId(before.tips, head.id)))
      return undefined
    if (isBlockScoped(verdict.chain) && !isInPlace(before, header)) return undefined
    return [
      { id: header.id, version: Math.min(versionMax, 1 + Math.max(...heads.map((head) => head.version))) }
    ]
  }

  #isUnconditional(chain: CapChain): boolean {
    const change = this.authority.changeCount
    if (change !== this.#unconditionalChange) this.#unconditional.clear()
    this.#unconditionalChange = change
    const leaf = chain.links[0]?.id ?? chain.root
    const known = this.#unconditional.get(leaf)
    if (known !== undefined) return known
    const answer = isUnconditional(this.#held, chain)
    this.#unconditional.set(leaf, answer)
    return answer
  }

  /** Works out a block from all its headers and writes what follows. */
  #evaluateInto(
    open: OpenChange,
    block: Id,
    added?: { readonly header: HeaderRecord; readonly nameKey: Uint8Array | undefined }
  ): BlockEvaluation | undefined {
    const before = open.rows.block(block)
    const evaluation = evaluateBlock(this.#held, this.#chains, block)
    if (evaluation === undefined) return undefined
    const { winner } = evaluation
    const sample = winner ?? added?.header ?? this.#held.header(evaluation.tips[0] ?? block)
    if (sample === undefined) return undefined
    const isAdded = winner !== undefined && added !== undefined && equalBytes(winner.id, added.header.id)
    const nameKey =
      winner === undefined ? undefined : this.#nameKeyOf(winner, before, isAdded ? added.nameKey : undefined)
    this.#settle(
      open,
      block,
      before,
      winnerFacts(sample, { ...evaluation, conflict: needsAttention(evaluation) }, nameKey)
    )
    return evaluation
  }

  readonly #reevaluate = (open: OpenChange, block: Id): void => {
    this.#evaluateInto(open, block)
  }

  #nameKeyOf(
    winner: HeaderRecord,
    before: BlockRow | undefined,
    given: Uint8Array | undefined
  ): Uint8Array | undefined {
    if (given !== undefined) return given
    const head = before?.heads[0]
    if (before?.nameKey !== undefined && head !== undefined) {
      if (equalBytes(head.id, winner.id)) return before.nameKey
      const opened = this.#options.names?.nameKeyOf(winner)
      const isKept = !this.#isRebuilt && includesId(winner.body.prev, head.id)
      return opened ?? (isKept ? before.nameKey : undefined)
    }
    return this.#options.names?.nameKeyOf(winner)
  }

  #settle(open: OpenChange, block: Id, before: BlockRow | undefined, facts: BlockFacts): void {
    const after = settleBlock(open.rows, block, facts)
    count(open, before, after)
    if ((before?.conflict ?? false) !== after.conflict) {
      open.rows.put(rowKey(rowPrefix.conflict, block), after.conflict ? emptyValue : undefined)
    }
    this.#watchChildren(open, block, before, after)
    const change = changeOf(block, before, after)
    if (change !== undefined) open.changes.push(change)
  }

  /** A directory that comes after its children, or goes before them, changes where they are shown. */
  #watchChildren(open: OpenChange, block: Id, before: BlockRow | undefined, after: BlockRow): void {
    if (after.kind !== blockKind.directory || after.zoneRoot) return
    const had = before !== undefined && before.heads.length > 0
    const has = after.heads.length > 0
    if (had === has) return
    const waiting = has && open.rows.get(rowKey(rowPrefix.count, block, waitingSuffix)) !== undefined
    if (had || waiting) open.addFollowUp({ work: 'children', directory: block })
  }

  // --- reading

  #row(block: Id): BlockRow | undefined {
    return this.#held.blockRow(block)
  }

  blockSummary(block: Id): BlockSummary | undefined {
    const row = this.#row(block)
    return row === undefined ? undefined : { block, ...row }
  }

  blockState(block: Id): BlockState | undefined {
    const row = this.#row(block)
    if (row === undefined) return undefined
    const best = row.heads[0]
    const winner = best === undefined ? undefined : this.#held.header(best.id)
    if (best !== undefined && winner === undefined) throw missingRecord('the winner of a block')
    const labels = row.conflict ? this.#labels(block) : noLabels
    return { block, ...row, winner, version: best?.version ?? 0, labels }
  }

  #labels(block: Id): BlockLabels {
    return evaluateBlock(this.#held, this.#chains, block) ?? noLabels
  }

  header(id: Id, keep?: boolean): HeaderRecord | undefined {
    return this.#held.header(id, keep)
  }

  inlineOf(id: Id): Uint8Array | undefined {
    return this.#held.inlineOf(id)
  }

  record(id: Id): AnyRecord | undefined {
    return this.authority.record(id) ?? this.#held.readRecord(id)
  }

  zoneOf(block: Id): Id | undefined {
    return this.#row(block)?.zone
  }

  zoneBirth(zone: Id): Uint8Array | undefined {
    return this.authority.zoneBirth(zone)?.bytes
  }

  async *history(block: Id): AsyncGenerator<HistoryEntry> {
    const evaluation = evaluateBlock(this.#held, this.#chains, block)
    if (evaluation === undefined) return
    const seen = new Map(evaluation.sorted.map((header) => [header, labelOf(evaluation, header.id)] as const))
    for (const [header, label] of [...seen].toReversed()) {
      yield { header, label, version: evaluation.versions.get(header.id) }
    }
  }

  children(directory: Id, page: Page = {}): AsyncIterable<ChildEntry> {
    const row = this.#row(directory)
    const isZone = row === undefined || row.zoneRoot
    return listChildren(this.#store.index, directory, isZone ? directory : row.zone, page)
  }

  removedChildren(directory: Id, page: Page = {}): AsyncIterable<Id> {
    const row = this.#row(directory)
    const isZone = row === undefined || row.zoneRoot
    return listRemoved(this.#store.index, directory, isZone ? directory : row.zone, page)
  }

  childCount(directory: Id): number {
    return readCount(this.#store.index, directory)
  }

  findByName(directory: Id, nameKey: Uint8Array): readonly Id[] {
    const value = this.#store.index.get(rowKey(rowPrefix.name, directory, nameKey))
    if (value === undefined) return []
    const ids = readIds(value)
    if (ids.length === 1) return ids
    return ids
      .map((block) => ({
        block,
        rank: this.#row(block)?.rank ?? 0,
        anchored: this.#isAnchoredUnder(block, directory)
      }))
      .toSorted(compareClaims)
      .map((claim) => claim.block)
  }

  #isAnchoredUnder(block: Id, directory: Id): boolean {
    const zone = this.#row(block)?.zone
    if (zone === undefined) return false
    const listed = this.#held
      .anchors(zone)
      .flatMap((anchor) => this.#held.manifestRow(anchor.id, block) ?? [])
    return listed.some((entry) => {
      const body = this.#held.header(entry.id)?.body
      return body !== undefined && body.state === blockState.live && isSameId(body.parent, directory)
    })
  }

  registerName(block: Id, nameKey: Uint8Array): void {
    const row = this.#row(block)
    if (row === undefined || isSameId(row.nameKey, nameKey)) return
    const named = this.#change((open) => {
      const after = settleBlock(open.rows, block, { ...row, nameKey })
      open.changes.push({ ...describe(block, after), change: 'named', shownParentBefore: shownUnder(row) })
    })
    // Rows only: when the store refuses them, the failure shows at the next commit or flush.
    named.catch(() => undefined)
  }

  async *unnamedBlocks(): AsyncGenerator<Id> {
    for await (const [key, value] of rowsBelow(this.#store.index, rowKey(rowPrefix.block))) {
      const row = decodeBlockRow(value)
      if (row.heads.length > 0 && row.nameKey === undefined) yield key.slice(1)
    }
  }

  blocksOfZone(zone: Id): AsyncIterable<{ readonly parent: Id | undefined; readonly block: Id }> {
    return listZone(this.#store.index, zone)
  }

  async *blocksWrittenUnder(cap: Id): AsyncGenerator<Id> {
    for await (const [key] of rowsBelow(this.#store.index, rowKey(rowPrefix.writtenUnder, cap)))
      yield key.slice(33)
  }

  async *conflicts(page: Page = {}): AsyncGenerator<BlockState> {
    const rows = rowsBelow(this.#store.index, rowKey(rowPrefix.conflict), page.after, page.limit ?? 1000)
    for await (const [key] of rows) {
      const state = this.blockState(key.slice(1))
      if (state !== undefined) yield state
    }
  }

  anchors(zone: Id): readonly CheckpointRecord[] {
    return this.#held.anchors(zone)
  }

  isCompleteCheckpoint(checkpoint: Id): boolean {
    return this.#held.isComplete(checkpoint)
  }

  authorityRecords(): Iterable<AnyRecord> {
    return this.authority.records()
  }

  explain(principal: Id, block: Id, rights: number): Explanation {
    return explainRight(this.#explainContext(), principal, { block, home: this.zoneOf(block), rights })
  }

  explainInside(principal: Id, zone: Id, rights: number): Explanation {
    return explainInside(this.#explainContext(), principal, { zone, rights })
  }

  capFor(principal: Id, act: Act): { readonly cap: Id | undefined; readonly rank: number } | undefined {
    return capForAct(this.#explainContext(), principal, act)
  }

  #explainContext(): { authority: Authority; chains: CapChains; now: number } {
    return { authority: this.authority, chains: this.#chains, now: this.#options.clock.now() }
  }

  currentEpochs(zone: Id): readonly EpochRecord[] {
    return this.authority
      .epochsOf(zone)
      .filter((epoch) => isCurrentAuthority(this.#held, this.#chains, epoch))
      .toSorted((left, right) => right.body.number - left.body.number || compareIds(left.id, right.id))
  }

  liveGrants(target: Id): readonly GrantRecord[] {
    const now = this.#options.clock.now()
    return this.authority.grantsOver(target).filter((grant) => {
      if (this.authority.grantRevocationsOf(grant.id).length > 0) return false
      if (grant.body.notAfter !== undefined && now > grant.body.notAfter) return false
      return isCurrentAuthority(this.#held, this.#chains, grant)
    })
  }

  statistics(): TreeStatistics {
    return this.#counters
  }

  onChange(listener: (change: BlockChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  verifyAll(
    options: { readonly signal?: AbortSignal } = {}
  ): AsyncIterable<{ readonly id: Id; readonly message: string }> {
    return verifyStoredRecords(this.#store, this.#context, options.signal)
  }

  /** For the rebuild of derived rows: takes a stored record without judging it again. */
  async rebuildFrom(
    records: readonly { readonly record: AnyRecord }[],
    pass: 'authority' | 'headers'
  ): Promise<readonly FollowUp[]> {
    this.#isRebuilt = true
    const open = this.#begin()
    for (const { record } of records) {
      if (record.type === recordType.header) {
        if (pass === 'headers') this.#takeHeader(open, record, { inline: undefined, nameKey: undefined })
        else if (record.body.birth.zoneRoot) this.#takeBirth(open, record.body.birthBytes)
      } else if (pass === 'authority' && !this.authority.has(record.id)) {
        open.addRecord(record, undefined)
        if (record.type === recordType.receipt) this.#takeReceipt(open, record)
        else this.#takeAuthority(open, record)
      }
    }
    const followUps = open.followUps.splice(0)
    open.records.length = 0
    await this.#finish(open, {})
    return followUps
  }

  /** Runs what `rebuildFrom` left. */
  async finishRebuild(followUps: readonly FollowUp[]): Promise<void> {
    await this.#followUps.add(followUps)
    await this.#followUps.checkpoints()
  }

  async settled(): Promise<void> {
    await this.#followUps.settled()
  }

  close(): void {
    this.#isClosed = true
    this.#listeners.clear()
    this.#followUps.stop()
  }

  #readCounters(): void {
    const value = this.#store.index.get(statisticsKey)
    if (value !== undefined) this.#counters = decodeCounters(value)
  }
}

function compareIds(left: Id, right: Id): number {
  for (let at = 0; at < left.length; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function includesId(ids: readonly Id[], id: Id): boolean {
  return ids.some((other) => equalBytes(other, id))
}

function isBlockScoped(chain: CapChain): boolean {
  return chain.links[0]?.body.scopeType === scopeType.block
}

function isInPlace(before: BlockRow, header: HeaderRecord): boolean {
  return (
    before.deleted === (header.body.state === blockState.deleted) &&
    isSameId(before.parent, header.body.parent)
  )
}

function winnerFacts(
  header: HeaderRecord,
  facts: Pick<BlockFacts, 'heads' | 'tips' | 'conflict' | 'incomplete'>,
  nameKey: Uint8Array | undefined
): BlockFacts {
  const { birth, block } = header.body
  const hasWinner = facts.heads.length > 0
  return {
    kind: birth.kind,
    zoneRoot: birth.zoneRoot,
    public: birth.public,
    rank: birth.rank,
    zone: homeZone(birth, block),
    parent: hasWinner ? header.body.parent : undefined,
    deleted: hasWinner && header.body.state === blockState.deleted,
    nameKey,
    heads: facts.heads,
    tips: facts.tips,
    conflict: facts.conflict,
    incomplete: facts.incomplete
  }
}

function needsAttention(evaluation: BlockEvaluation): boolean {
  const { heads, quarantine, late, pending, uncounted, lostToRevocation } = evaluation
  const beside = quarantine.length + late.length + pending.length + uncounted.length
  return heads.length > 1 || beside > 0 || lostToRevocation
}

function count({ counters }: OpenChange, before: BlockRow | undefined, after: BlockRow): void {
  const had = before !== undefined && before.heads.length > 0
  const has = after.heads.length > 0
  counters.blocks += Number(has) - Number(had)
  counters.live += Number(has && !after.deleted) - Number(had && !before.deleted)
  counters.conflicts += Number(after.conflict) - Number(before?.conflict ?? false)
}

function describe(block: Id, row: BlockRow): Omit<BlockChange, 'change' | 'shownParentBefore'> {
  return { block, zone: row.zone, kind: row.kind, shownParent: shownUnder(row), winner: row.heads[0]?.id }
}

function changeOf(block: Id, before: BlockRow | undefined, after: BlockRow): BlockChange | undefined {
  const change = kindOfChange(before, after)
  return change === undefined
    ? undefined
    : { ...describe(block, after), change, shownParentBefore: shownUnder(before) }
}

function kindOfChange(before: BlockRow | undefined, after: BlockRow): BlockChange['change'] | undefined {
  const winnerBefore = before?.heads[0]?.id
  const winner = after.heads[0]?.id
  if (before === undefined || winnerBefore === undefined) return winner === undefined ? undefined : 'created'
  if (winner === undefined) return 'lost'
  if (equalBytes(winner, winnerBefore)) return undefined
  if (before.deleted !== after.deleted) return after.deleted ? 'deleted' : 'restored'
  return isSameId(before.parent, after.parent) ? 'changed' : 'moved'
}

function labelOf(evaluation: BlockEvaluation, id: Id): HistoryEntry['label'] {
  if (isSameId(evaluation.heads[0]?.id, id)) return 'winner'
  if (evaluation.heads.some((head) => equalBytes(head.id, id))) return 'head'
  const labels = ['adopted', 'quarantine', 'late', 'pending', 'uncounted'] as const
  return labels.find((label) => includesId(evaluation[label], id)) ?? 'ancestor'
}

/** Ids that parked records may wait for and that this record brings. */
function wokenBy(crypto: CryptoProvider, record: AnyRecord): readonly Id[] {
  switch (record.type) {
    case recordType.principal:
      return [record.signer]
    case recordType.tree:
      return [record.id, record.body.root]
    case recordType.succession:
      return [record.id, record.body.newRoot]
    case recordType.header:
      return [record.id, record.body.block]
    case recordType.cap:
      return [record.id, capScope(crypto, record.body)]
    default:
      return [record.id]
  }
}

function outcome(id: Id, what: OfferResult['outcome']): OfferResult {
  return { id, outcome: what, code: undefined, message: undefined, missing: undefined, penalty: false }
}

function refusal(id: Id | undefined, code: TreeErrorCode, message: string, penalty: boolean): OfferResult {
  return { id, outcome: 'refused', code, message, missing: undefined, penalty }
}

function fromVerdict(id: Id, verdict: Exclude<AcceptanceVerdict, { verdict: 'accepted' }>): OfferResult {
  const { code, message } = verdict
  if (verdict.verdict === 'refused') return refusal(id, code, message, code !== 'ERR_TREE_FOREIGN')
  return { id, outcome: 'parked', code, message, missing: verdict.missing, penalty: false }
}

function undecodable(error: unknown): OfferResult {
  if (!(error instanceof Error)) throw error
  if (error instanceof TreeError && error.code === 'ERR_RECORD_UNKNOWN_FORMAT') {
    const { code, message } = error
    return { id: undefined, outcome: 'parked', code, message, missing: undefined, penalty: false }
  }
  const code = error instanceof TreeError ? error.code : 'ERR_RECORD_FIELD'
  return refusal(undefined, code, error.message, true)
}

function missingRecord(what: string): TreeError {
  return new TreeError('ERR_RECORD_MISSING', `${what} is not held: run check --rebuild-index`)
}

const counterNames = ['records', 'headers', 'blocks', 'live', 'conflicts'] as const

function encodeCounters(counters: TreeStatistics): Uint8Array {
  const bytes = new Uint8Array(counterNames.length * 6)
  let offset = 0
  for (const name of counterNames) {
    writeUint48(bytes, offset, Math.max(0, counters[name]))
    offset += 6
  }
  return bytes
}

function decodeCounters(bytes: Uint8Array): TreeStatistics {
  const [records, headers, blocks, live, conflicts] = counterNames.map((_, at) => readUint48(bytes, at * 6))
  return {
    records: records ?? 0,
    headers: headers ?? 0,
    blocks: blocks ?? 0,
    live: live ?? 0,
    conflicts: conflicts ?? 0
  }
}
