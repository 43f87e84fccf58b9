/**
 * TreeState over a block store (./tree-state.ts has the contract): puts the parts together. Local records are committed
 * here; ./offer-intake.ts takes those of others, ./record-taking.ts and ./header-taking.ts turn a record into rows,
 * ./tree-changes.ts commits them, ./follow-ups.ts does what takes longer, ./tree-queries.ts answers.
 */
import { compareBytes } from '@blocktree/codec'
import { checkRecord } from './acceptance.ts'
import type { Authority } from './authority.ts'
import { isBaseEntry, isBuriedInBase } from './base.ts'
import { homeZone } from './birth.ts'
import { describeBlock } from './block-change.ts'
import type { Act, Explanation } from './explain.ts'
import { FollowUps } from './follow-ups.ts'
import type { VersionedHead } from './held-records.ts'
import { HeaderTaking } from './header-taking.ts'
import { rowKey, rowPrefix } from './index-rows.ts'
import { listZone, rowsBelow } from './listing.ts'
import { takeLoggedRows } from './logged-rows.ts'
import { commitNewFile } from './new-file-commit.ts'
import { type ExpectedTree, OfferIntake } from './offer-intake.ts'
import type { FollowUp, OpenChange } from './open-change.ts'
import { addNewChildren, isSameId, readCount, settleBlock, shownUnder } from './placement.ts'
import type { Durability, IndexRow } from './ports.ts'
import { type PruneOptions, type PruneReport, pruneZone } from './pruning.ts'
import { RecordTaking } from './record-taking.ts'
import type {
  AnyRecord,
  CheckpointRecord,
  EpochRecord,
  GrantRecord,
  HeaderRecord,
  Id,
  ReceiptRecord
} from './records.ts'
import { blockKind, recordType } from './records.ts'
import { type StateClaim, isRollback } from './rollback.ts'
import { TreeChanges } from './tree-changes.ts'
import { TreeError } from './tree-error.ts'
import { type TreeParts, addZoneBirth, createTreeParts, missingRecord } from './tree-parts.ts'
import { TreeQueries } from './tree-queries.ts'
import type {
  Admission,
  BlockChange,
  BlockState,
  BlockSummary,
  BlockTips,
  ChildEntry,
  HistoryEntry,
  IdRange,
  LocalBatch,
  NewFiles,
  Offer,
  OfferResult,
  Page,
  ParkedCount,
  TakenRecord,
  TreeState,
  TreeStateOptions,
  TreeStatistics
} from './tree-state.ts'
import { verifyStoredRecords } from './verify-store.ts'

export async function openStoredTree(options: TreeStateOptions): Promise<StoredTree> {
  const parts = createTreeParts(options)
  await loadAuthority(parts)
  const tree = new StoredTree(parts, options)
  await tree.resume()
  return tree
}

/** What is kept in memory: authority records, births of zones, checkpoints that are complete. */
async function loadAuthority(parts: TreeParts): Promise<void> {
  const { store, authority, held } = parts
  for (const rows of [store.index, store.local]) {
    for await (const [, bytes] of rowsBelow(rows, rowKey(rowPrefix.zone))) addZoneBirth(parts, bytes)
  }
  for await (const [key] of rowsBelow(store.index, rowKey(rowPrefix.authority))) {
    const record = held.readRecord(key.subarray(1))
    if (record === undefined) throw missingRecord('an authority record that the index lists')
    authority.add(record)
  }
  for await (const [key] of rowsBelow(store.index, rowKey(rowPrefix.complete))) {
    held.complete.add(key.subarray(1))
  }
}

class StoredTree implements TreeState {
  readonly authority: Authority
  readonly #parts: TreeParts
  readonly #changes: TreeChanges
  readonly #headers: HeaderTaking
  readonly #records: RecordTaking
  readonly #offers: OfferIntake
  readonly #queries: TreeQueries
  readonly #followUps: FollowUps
  #holdsWrites: boolean

  constructor(parts: TreeParts, expected: ExpectedTree) {
    this.#parts = parts
    this.#holdsWrites = parts.store.local.get(heldWritesKey) !== undefined
    this.authority = parts.authority
    this.#headers = new HeaderTaking(parts)
    this.#followUps = new FollowUps(parts, {
      change: (work: (open: OpenChange) => void) => this.#changes.run(work),
      evaluate: (open, block) => void this.#headers.evaluate(open, block)
    })
    this.#changes = new TreeChanges(parts, this.#followUps)
    this.#records = new RecordTaking(parts, this.#headers)
    this.#offers = new OfferIntake(parts, this.#changes, this.#records, expected)
    this.#queries = new TreeQueries(parts)
  }

  /** Takes up what a crash left. */
  resume(): Promise<void> {
    return this.#followUps.resume()
  }

  get tree(): Id | undefined {
    return this.authority.tree?.id
  }

  get rootBlock(): Id | undefined {
    for (const birth of this.authority.zoneBirths()) if (birth.birth.zone === undefined) return birth.zone
    return undefined
  }

  // --- taking records

  get holdsWrites(): boolean {
    return this.#holdsWrites
  }

  setHoldsWrites(holds: boolean): Promise<void> {
    if (this.#holdsWrites === holds) return Promise.resolve()
    this.#holdsWrites = holds
    const value = holds ? Uint8Array.of(1) : undefined
    return this.#parts.store.commit({ local: [{ key: heldWritesKey, value }] })
  }

  commitLocal(batch: LocalBatch, options?: { readonly durability?: Durability }): Promise<void> {
    if (this.#holdsWrites && batch.records.some(({ record }) => isNewState(record)))
      return Promise.reject(wentBack())
    const parts = { headers: this.#headers, changes: this.#changes }
    const single = commitNewFile(this.#parts, parts, batch, options)
    if (single !== undefined) return single
    const open = this.#changes.begin()
    try {
      for (const { record, inline, nameKey, isNew = false } of batch.records) {
        const { verdict } = this.#records.take(open, record, { inline, nameKey, isLocal: true, isNew })
        if (verdict.verdict !== 'accepted')
          throw new TreeError(verdict.code, `not committed: ${verdict.message}`)
      }
    } catch (error) {
      this.#changes.abandon(open)
      return Promise.reject(error instanceof Error ? error : new Error('not committed', { cause: error }))
    }
    return this.#changes.finish(open, batch, options)
  }

  commitNewFiles(
    { sample, blocks, records }: NewFiles,
    append: (rows: readonly IndexRow[]) => Promise<void>
  ): Promise<void> | undefined {
    if (this.#holdsWrites) return undefined
    const { birth, block, parent } = sample.body
    const { verdict } = checkRecord(this.#parts.context, sample)
    if (verdict !== 'accepted' || this.#headers.headsWithoutEvaluation(undefined, sample) === undefined)
      return undefined
    const zone = homeZone(birth, block)
    if (parent === undefined || birth.zoneRoot || birth.kind === blockKind.directory) return undefined
    const open = this.#changes.begin()
    const count = blocks.length / 32
    if (!addNewChildren(open.rows, zone, parent, count)) {
      this.#changes.abandon(open)
      return undefined
    }
    for (const name of ['records', 'headers', 'blocks', 'live'] as const) open.counters[name] += count
    const shared = { zone, kind: birth.kind, shownParent: parent, shownParentBefore: undefined }
    return this.#changes.finishAppended(open, createdFiles(shared, blocks, records), append)
  }

  async offer(offer: Offer, admission: Admission): Promise<readonly OfferResult[]> {
    const results = await this.#offers.offer(offer, admission)
    await this.#followUps.checkpoints()
    return results
  }

  registerName(block: Id, nameKey: Uint8Array): void {
    const row = this.#parts.held.blockRow(block)
    if (row === undefined || isSameId(row.nameKey, nameKey)) return
    const named = this.#changes.run((open) => {
      const after = settleBlock(open.rows, block, { ...row, nameKey })
      open.changes.push({
        ...describeBlock(block, after),
        change: 'named',
        shownParentBefore: shownUnder(row)
      })
    })
    // Rows only: when the store refuses them, the failure shows at the next commit or flush.
    named.catch(() => undefined)
  }

  /** For the rebuild of derived rows: takes a stored record without judging it again. */
  async rebuildFrom(
    records: readonly { readonly record: AnyRecord }[],
    pass: 'authority' | 'headers'
  ): Promise<readonly FollowUp[]> {
    this.#headers.isRebuilt = true
    const open = this.#changes.begin()
    for (const { record } of records) this.#records.takeStored(open, record, pass)
    const followUps = open.followUps.splice(0)
    open.records.length = 0
    await this.#changes.finish(open, {})
    return followUps
  }

  /** Runs what `rebuildFrom` left. */
  async finishRebuild(followUps: readonly FollowUp[]): Promise<void> {
    await this.#followUps.add(followUps)
    await this.#followUps.checkpoints()
  }

  /** For a replay: takes rows that the log has behind the records taken so far. */
  async replayRows(rows: readonly IndexRow[]): Promise<void> {
    this.#headers.isRebuilt = true
    const open = this.#changes.begin()
    const completed = takeLoggedRows(this.#parts, this.#headers, open, rows)
    await this.#changes.finish(open, {})
    await this.#followUps.add(completed.map((record) => ({ work: 'authority', record })))
  }

  // --- reading

  blockSummary(block: Id): BlockSummary | undefined {
    return this.#queries.blockSummary(block)
  }

  blockState(block: Id): BlockState | undefined {
    return this.#queries.blockState(block)
  }

  header(id: Id, keep?: boolean): HeaderRecord | undefined {
    return this.#parts.held.header(id, keep)
  }

  inlineOf(id: Id): Uint8Array | undefined {
    return this.#parts.held.inlineOf(id)
  }

  record(id: Id): AnyRecord | undefined {
    return this.authority.record(id) ?? this.#parts.held.readRecord(id)
  }

  zoneOf(block: Id): Id | undefined {
    return this.#parts.held.blockRow(block)?.zone
  }

  zoneBirth(zone: Id): Uint8Array | undefined {
    return this.authority.zoneBirth(zone)?.bytes
  }

  history(block: Id): AsyncIterable<HistoryEntry> {
    return this.#queries.history(block)
  }

  children(directory: Id, page?: Page): AsyncIterable<ChildEntry> {
    return this.#queries.children(directory, page)
  }

  removedChildren(directory: Id, page?: Page): AsyncIterable<Id> {
    return this.#queries.removedChildren(directory, page)
  }

  childCount(directory: Id): number {
    return readCount(this.#parts.store.index, directory)
  }

  findByName(directory: Id, nameKey: Uint8Array): readonly Id[] {
    return this.#queries.findByName(directory, nameKey)
  }

  unnamedBlocks(): AsyncIterable<Id> {
    return this.#queries.unnamedBlocks()
  }

  blocksOfZone(zone: Id): AsyncIterable<{ readonly parent: Id | undefined; readonly block: Id }> {
    return listZone(this.#parts.store.index, zone)
  }

  blocksWrittenUnder(cap: Id): AsyncIterable<Id> {
    return this.#queries.blocksWrittenUnder(cap)
  }

  conflicts(page?: Page): AsyncIterable<BlockState> {
    return this.#queries.conflicts(page)
  }

  anchors(zone: Id): readonly CheckpointRecord[] {
    return this.#parts.held.anchors(zone)
  }

  bases(zone: Id): readonly CheckpointRecord[] {
    return this.#parts.held.bases(zone)
  }

  baseIds(): readonly Id[] {
    const bases = this.#followUps.baseZones().flatMap((zone) => this.bases(zone))
    return bases.map(({ id }) => id).toSorted(compareBytes)
  }

  get basesInForce(): string {
    return this.#followUps.basesInForce
  }

  onBlockRows(listener: (blocks: readonly Id[]) => void): () => void {
    return this.#changes.onBlockRows(listener)
  }

  isBuried(block: Id): boolean {
    const zone = this.zoneOf(block)
    return zone !== undefined && isBuriedInBase(this.#parts.held, zone, block)
  }

  graves(checkpoint: Id): AsyncIterable<Id> {
    return this.#queries.graves(checkpoint)
  }

  listedHeads(checkpoint: Id, block: Id): readonly VersionedHead[] | undefined {
    return this.#parts.held.manifestRow(checkpoint, block)
  }

  missingOf(block: Id): readonly Id[] {
    return this.#queries.missingOf(block)
  }

  mayEndAt(header: HeaderRecord): boolean {
    const { birth, block } = header.body
    return isBaseEntry(this.#parts.held, homeZone(birth, block), header)
  }

  async prune(zone: Id, options: PruneOptions = {}): Promise<PruneReport> {
    await this.settled()
    return await pruneZone(this.#parts, (work) => this.#changes.run(work), zone, options)
  }

  get parked(): ParkedCount {
    return this.#offers.parked
  }

  isRollback(claim: StateClaim): boolean {
    const row = 'block' in claim ? this.#parts.held.blockRow(claim.block) : undefined
    return isRollback(this.#parts.held, claim, row?.heads[0]?.id)
  }

  isCompleteCheckpoint(checkpoint: Id): boolean {
    return this.#parts.held.isComplete(checkpoint)
  }

  authorityRecords(): Iterable<AnyRecord> {
    return this.authority.records()
  }

  explain(principal: Id, block: Id, rights: number): Explanation {
    return this.#queries.explain(principal, block, rights)
  }

  explainInside(principal: Id, zone: Id, rights: number): Explanation {
    return this.#queries.explainInside(principal, zone, rights)
  }

  capFor(principal: Id, act: Act): { readonly cap: Id | undefined; readonly rank: number } | undefined {
    return this.#queries.capFor(principal, act)
  }

  currentEpochs(zone: Id): readonly EpochRecord[] {
    return this.#queries.currentEpochs(zone)
  }

  liveGrants(target: Id): readonly GrantRecord[] {
    return this.#queries.liveGrants(target)
  }

  statistics(): TreeStatistics {
    return this.#changes.counters
  }

  onChange(listener: (change: BlockChange) => void): () => void {
    return this.#changes.onChange(listener)
  }

  onTaken(listener: (taken: readonly TakenRecord[], durable: Promise<void>) => void): () => void {
    return this.#changes.onTaken(listener)
  }

  blockTips(range: IdRange): AsyncIterable<BlockTips> {
    return this.#queries.blockTips(range)
  }

  headersOf(block: Id): readonly HeaderRecord[] {
    return this.#queries.headersOf(block)
  }

  receiptIds(range: IdRange): AsyncIterable<Id> {
    return this.#queries.receiptIds(range)
  }

  receiptsOver(record: Id): readonly ReceiptRecord[] {
    return this.#queries.receiptsOver(record)
  }

  verifyAll(
    options: { readonly signal?: AbortSignal } = {}
  ): AsyncIterable<{ readonly id: Id; readonly message: string }> {
    return verifyStoredRecords(this.#parts.store, this.#parts.context, options.signal)
  }

  async settled(): Promise<void> {
    await this.#followUps.settled()
  }

  close(): void {
    this.#changes.close()
    this.#followUps.stop()
  }
}

/** Of the local rows. */
const heldWritesKey = new TextEncoder().encode('tree/went-back')

function isNewState({ type }: AnyRecord): boolean {
  return type === recordType.header || type === recordType.checkpoint
}

function wentBack(): TreeError {
  return new TreeError(
    'ERR_TREE_WENT_BACK',
    'this node holds an older state than it gave away before (a restored backup or snapshot?): nothing is written until it has caught up with a peer; see "blocktree sync status", or "blocktree sync resume"'
  )
}

function* createdFiles(
  shared: Omit<BlockChange, 'change' | 'block' | 'winner'>,
  blocks: Uint8Array,
  records: Uint8Array
): Generator<BlockChange> {
  for (let offset = 0; offset < blocks.length; offset += 32) {
    const winner = records.slice(offset, offset + 32)
    yield { ...shared, change: 'created', block: blocks.slice(offset, offset + 32), winner }
  }
}
