/**
 * Re-evaluation after what concerns many blocks: revocations, successions, checkpoints, receipts, directories that come
 * or go (B.8.10). One after another, in small batches between which the tree answers; a journal row is written with the
 * record and removed at the end, so that a crash in between is made good at the next start.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { CheckpointCompletion } from './checkpoint-completion.ts'
import type { HeldIndex } from './held-index.ts'
import { namedBase } from './base.ts'
import { IdMap, IdSet, idKey } from './id-key.ts'
import { decodeHeads, emptyManifestValueBytes, rowKey, rowPrefix } from './index-rows.ts'
import { rowsBelow } from './listing.ts'
import { type FollowUp, type OpenChange, journalKey } from './open-change.ts'
import { settleBlock } from './placement.ts'
import type { BlockStore } from './ports.ts'
import type { AnyRecord, CheckpointRecord, Id, ReceiptRecord, RevocationRecord } from './records.ts'
import { recordType, right } from './records.ts'

const blocksPerChange = 128

export interface BlockWork {
  /** One change of rows; resolves when durable. */
  change(work: (open: OpenChange) => void): Promise<void>
  /** Evaluates one block inside a change. */
  evaluate(open: OpenChange, block: Id): void
}

export interface FollowUpDeps {
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly held: HeldIndex
}

export class FollowUps {
  readonly #deps: FollowUpDeps
  readonly #blocks: BlockWork
  readonly #checkpoints: CheckpointCompletion
  #queue: Promise<void> = Promise.resolve()
  #isStopped = false
  readonly #later: FollowUp[] = []
  /** Zones with a checkpoint that names a base, and the bases that blocks were last evaluated under. */
  readonly #bases: IdMap<{ readonly zone: Id; readonly counted: readonly Id[] }> = new IdMap()

  #basesInForce: { readonly zones: number; readonly change: string; readonly text: string } | undefined

  constructor(deps: FollowUpDeps, blocks: BlockWork) {
    this.#deps = deps
    this.#blocks = blocks
    this.#checkpoints = new CheckpointCompletion(deps, (work) => blocks.change(work))
  }

  /** Takes up what a crash left; the work itself goes on behind the caller. */
  async resume(): Promise<void> {
    for (const record of this.#deps.held.authority.records()) {
      if (record.type !== recordType.checkpoint) continue
      this.#checkpoints.watch(record)
      this.#noteBase(record)
    }
    for (const zone of this.baseZones()) this.#bases.set(zone, { zone, counted: this.#listedBases(zone) })
    const left: FollowUp[] = []
    for await (const [key, value] of rowsBelow(this.#deps.store.index, rowKey(rowPrefix.journal))) {
      const id = key.slice(1)
      left.push(value[0] === 1 ? { work: 'authority', record: id } : { work: 'children', directory: id })
    }
    this.add(left).catch(() => undefined) // stays in the journal and is taken up again at the next start
    // Manifests of cuts are read again: until then nothing lies in them.
    if (this.#checkpoints.isWatching) this.checkpoints().catch(() => undefined)
  }

  /** @returns a promise for exactly this work */
  add(followUps: readonly FollowUp[]): Promise<void> {
    return followUps.length === 0 ? Promise.resolve() : this.#enqueue(() => this.#runAll(followUps))
  }

  /** Looks whether checkpoints that waited are complete now. */
  checkpoints(): Promise<void> {
    return this.#enqueue(() => this.#advanceCheckpoints())
  }

  settled(): Promise<void> {
    return this.#queue
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Work that comes up while other work is done: it is finished before that counts as done. */
  later(followUps: readonly FollowUp[]): void {
    this.#later.push(...followUps)
  }

  /**
   * Headers wait for their caps before they are taken; where some are held already, damage had taken the cap away, and
   * they count again from now on.
   */
  capsCame(ids: readonly Id[]): Promise<void> {
    return this.#enqueue(async () => {
      const caps = [...ids]
      const seen = new IdSet()
      for (const cap of caps) {
        if (!seen.add(cap)) continue
        caps.push(...this.#deps.held.authority.capsUnder(cap).map((below) => below.id))
        const blocks = await Array.fromAsync(this.#blocksUnder(cap))
        if (blocks.length === 0) continue
        await this.#evaluate(blocks)
        await this.#evaluateCheckpointsUnder(new IdSet([cap]))
      }
    })
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(work).then(async () => {
      while (this.#later.length > 0) await this.#runAll(this.#later.splice(0))
    })
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #runAll(followUps: readonly FollowUp[]): Promise<void> {
    for (const followUp of followUps) {
      if (this.#isStopped) return
      if (followUp.work === 'children') await this.#settleChildren(followUp.directory)
      else await this.#runAuthority(followUp.record)
      await this.#afterBases()
      await this.#blocks.change((open) => open.rows.put(journalKey(followUp), undefined))
    }
  }

  async #runAuthority(id: Id): Promise<void> {
    const { held } = this.#deps
    const record: AnyRecord | undefined = held.authority.record(id) ?? held.readRecord(id)
    if (record?.type === recordType.revocation) return this.#afterRevocation(record)
    if (record?.type === recordType.receipt) return this.#afterReceipt(record)
    if (record?.type === recordType.succession) return this.#evaluate(this.#allBlocks())
    if (record?.type !== recordType.checkpoint) return
    this.#noteBase(record)
    // Complete before a crash: what follows from it may not have been done.
    if (this.#deps.held.isComplete(record.id)) return this.#afterRestart(record)
    this.#checkpoints.watch(record)
    await this.#advanceCheckpoints()
  }

  async #afterRestart(checkpoint: CheckpointRecord): Promise<void> {
    for (const prev of checkpoint.body.prev) await this.#evaluate(this.#unlistedBlocks(prev, checkpoint.id))
    await this.#evaluate(this.#changedBlocks(checkpoint.id))
    for (const base of this.#listedBases(checkpoint.body.zone))
      await this.#evaluate(this.#blocksWithGaps(base))
  }

  #noteBase(checkpoint: CheckpointRecord): void {
    const { zone } = checkpoint.body
    if (namedBase(checkpoint) !== undefined && !this.#bases.has(zone))
      this.#bases.set(zone, { zone, counted: [] })
  }

  /** Zones in which a checkpoint names a base. */
  baseZones(): readonly Id[] {
    return [...this.#bases.values()].map(({ zone }) => zone)
  }

  /** Of all zones: which bases count, and of which it is known what they list. */
  get basesInForce(): string {
    const { held } = this.#deps
    const known = this.#basesInForce
    if (known?.zones === this.#bases.size && known.change === held.basesChange) return known.text
    const text = this.baseZones()
      .flatMap((zone) => this.#listedBases(zone))
      .map((id) => idKey(id))
      .join('')
    // Asking for them may have found out that they had changed.
    this.#basesInForce = { zones: this.#bases.size, change: held.basesChange, text }
    return text
  }

  /** Bases of a zone whose manifest is held: the others list nothing yet, so that nothing rests on them. */
  #listedBases(zone: Id): readonly Id[] {
    const { held } = this.#deps
    return held.bases(zone).flatMap(({ id }) => (held.isListed(id) ? [id] : []))
  }

  /** Where other bases count than before, what lies below them is missing, or no longer missing. */
  async #afterBases(): Promise<void> {
    for (const zone of this.baseZones()) {
      const before = this.#bases.get(zone)?.counted ?? []
      const counted = this.#listedBases(zone)
      this.#bases.set(zone, { zone, counted })
      for (const base of without(counted, before)) await this.#evaluate(this.#blocksWithGaps(base))
      for (const base of without(before, counted)) await this.#evaluate(this.#blocksUpon(base))
    }
  }

  /** Blocks that a base lists and that lack something, if only what this base says need not be held. */
  async *#blocksWithGaps(base: Id): AsyncGenerator<Id> {
    for await (const block of this.#blocksOfManifest(base))
      if (this.#deps.held.blockRow(block)?.incomplete === true) yield block
  }

  /** Blocks that lack something without this base, whatever their rows say. */
  async *#blocksUpon(base: Id): AsyncGenerator<Id> {
    const { held, store } = this.#deps
    for await (const block of this.#blocksOfManifest(base)) {
      const entries = held.manifestRow(base, block) ?? []
      const prev = entries.flatMap(({ id }) => held.header(id, false)?.body.prev ?? [])
      if (prev.some((id) => !store.hasRecord(id))) yield block
    }
  }

  async #advanceCheckpoints(): Promise<void> {
    const { held } = this.#deps
    const { read, complete } = await this.#checkpoints.advance()
    for (const id of read)
      if (isCut(held.authority.records(), id)) await this.#evaluate(this.#blocksOfManifest(id))
    for (const checkpoint of complete) {
      await this.#afterCompletion(checkpoint)
      await this.#afterBases()
      const done = journalKey({ work: 'authority', record: checkpoint.id })
      await this.#blocks.change((open) => open.rows.put(done, undefined))
    }
    if (read.length > 0) await this.#afterBases()
  }

  /** Blocks whose rows differ from the anchors that this one replaces. */
  async #afterCompletion(checkpoint: CheckpointRecord): Promise<void> {
    const { held } = this.#deps
    const { zone } = checkpoint.body
    const before = held.anchors(zone)
    held.complete.add(checkpoint.id)
    held.forgetAnchors()
    const after = held.anchors(zone)
    for (const anchor of before) {
      if (!after.some((other) => equalBytes(other.id, anchor.id))) {
        await this.#evaluate(this.#unlistedBlocks(anchor.id, checkpoint.id))
      }
    }
    await this.#evaluate(this.#changedBlocks(checkpoint.id))
  }

  async #afterRevocation(record: RevocationRecord): Promise<void> {
    const { authority } = this.#deps.held
    const caps = [record.body.target]
    let hosts = false
    for (const cap of caps) {
      caps.push(...authority.capsUnder(cap).map((below) => below.id))
      hosts ||= ((authority.cap(cap)?.body.rights ?? 0) & right.host) !== 0
    }
    // Receipts of a host that is no longer trusted may have carried any block written under a cap with an interval.
    if (hosts) return this.#evaluate(this.#allBlocks())
    for (const cap of caps) await this.#evaluate(this.#blocksUnder(cap))
    await this.#evaluateCheckpointsUnder(new IdSet(caps))
  }

  async #evaluateCheckpointsUnder(caps: IdSet): Promise<void> {
    const { held } = this.#deps
    for (const { type, body } of held.authority.records()) {
      if (type !== recordType.checkpoint || body.cap === undefined || !caps.has(body.cap)) continue
      held.forgetAnchors()
      await this.#evaluateZoneManifests(body.zone)
    }
  }

  async #afterReceipt(receipt: ReceiptRecord): Promise<void> {
    const { held } = this.#deps
    held.forgetAnchors()
    const blocks: Id[] = []
    for (const id of receipt.body.records) {
      const checkpoint = held.authority.checkpoint(id)
      if (checkpoint !== undefined) await this.#evaluateZoneManifests(checkpoint.body.zone)
      else if (!held.authority.has(id)) {
        const header = held.header(id)
        if (header !== undefined) blocks.push(header.body.block)
      }
    }
    await this.#evaluate(blocks)
  }

  async #evaluateZoneManifests(zone: Id): Promise<void> {
    for (const checkpoint of this.#deps.held.authority.checkpointsOf(zone)) {
      await this.#evaluate(this.#blocksOfManifest(checkpoint.id))
    }
  }

  async #evaluate(blocks: AsyncIterable<Id> | Iterable<Id>): Promise<void> {
    await this.#inChanges(blocks, (open, block) => this.#blocks.evaluate(open, block))
  }

  async #settleChildren(directory: Id): Promise<void> {
    const zone = this.#zoneOf(directory)
    if (zone === undefined) return
    for (const prefix of [rowPrefix.child, rowPrefix.tombstone]) {
      await this.#inChanges(
        lastIds(rowsBelow(this.#deps.store.index, rowKey(prefix, zone, directory))),
        settleAgain
      )
    }
  }

  #zoneOf(block: Id): Id | undefined {
    return this.#deps.store.index.get(rowKey(rowPrefix.block, block))?.subarray(6, 38)
  }

  async #inChanges(
    blocks: AsyncIterable<Id> | Iterable<Id>,
    work: (open: OpenChange, block: Id) => void
  ): Promise<void> {
    let some: Id[] = []
    const flush = async (): Promise<void> => {
      const group = some
      some = []
      await this.#blocks.change((open) => {
        for (const block of group) work(open, block)
      })
    }
    for await (const block of blocks) {
      if (this.#isStopped) return
      some.push(block)
      if (some.length >= blocksPerChange) await flush()
    }
    if (some.length > 0) await flush()
  }

  #allBlocks(): AsyncIterable<Id> {
    return lastIds(rowsBelow(this.#deps.store.index, rowKey(rowPrefix.block)))
  }

  #blocksUnder(cap: Id): AsyncIterable<Id> {
    return lastIds(rowsBelow(this.#deps.store.index, rowKey(rowPrefix.writtenUnder, cap)))
  }

  #blocksOfManifest(checkpoint: Id): AsyncIterable<Id> {
    return lastIds(rowsBelow(this.#deps.store.index, rowKey(rowPrefix.manifest, checkpoint)))
  }

  /** Blocks that the replaced anchor lists and the new one does not. */
  async *#unlistedBlocks(replaced: Id, checkpoint: Id): AsyncGenerator<Id> {
    const { index } = this.#deps.store
    for await (const block of this.#blocksOfManifest(replaced)) {
      if (index.get(rowKey(rowPrefix.manifest, checkpoint, block)) === undefined) yield block
    }
  }

  /** Blocks whose row is not exactly their present heads: for the others the anchor changes nothing. */
  async *#changedBlocks(checkpoint: Id): AsyncGenerator<Id> {
    const rows = rowsBelow(this.#deps.store.index, rowKey(rowPrefix.manifest, checkpoint))
    for await (const [key, value] of rows) {
      const block = key.slice(-32)
      const summary = this.#deps.held.blockRow(block)
      const listed = decodeHeads(value.subarray(32))
      if (value.length === emptyManifestValueBytes) {
        // a grave: nothing of the block may be shown any more
        if (summary === undefined) continue
        if (summary.heads.length > 0 || summary.conflict || summary.incomplete) yield block
        continue
      }
      const isSame =
        summary?.incomplete === false &&
        summary.tips.length === listed.length &&
        summary.heads.length === listed.length &&
        listed.every((entry) =>
          summary.heads.some((head) => equalBytes(head.id, entry.id) && head.version === entry.version)
        )
      if (!isSame) yield block
    }
  }
}

function without(ids: readonly Id[], others: readonly Id[]): readonly Id[] {
  return ids.filter((id) => !others.some((other) => equalBytes(id, other)))
}

/** A block whose parent came or went is placed anew. */
function settleAgain(open: OpenChange, block: Id): void {
  const row = open.rows.block(block)
  if (row !== undefined) settleBlock(open.rows, block, row)
}

async function* lastIds(rows: AsyncIterable<readonly [Uint8Array, Uint8Array]>): AsyncGenerator<Id> {
  for await (const [key] of rows) yield key.slice(-32)
}

function isCut(records: Iterable<AnyRecord>, checkpoint: Id): boolean {
  for (const record of records) {
    if (record.type !== recordType.revocation && record.type !== recordType.succession) continue
    if (record.body.cuts.some((cut) => equalBytes(cut.checkpoint, checkpoint))) return true
  }
  return false
}
