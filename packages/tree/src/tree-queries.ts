/** What is asked of a tree and needs more than one look-up: states of blocks, listings, names, who may do what. */
import { compareBytes, equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import { type BlockEvaluation, evaluateBlock } from './block-state.ts'
import { isBuriedInBase } from './base.ts'
import type { CapChains } from './cap-chain.ts'
import { compareClaims } from './directory-view.ts'
import { type Act, type Explanation, capForAct, explainInside, explainRight } from './explain.ts'
import { decodeBlockRow, readIds, rowKey, rowPrefix } from './index-rows.ts'
import { listChildren, listIds, listRemoved, listTips, rowsBelow } from './listing.ts'
import { isSameId } from './placement.ts'
import type { EpochRecord, GrantRecord, HeaderRecord, Id, ReceiptRecord } from './records.ts'
import { blockState } from './records.ts'
import { type TreeParts, includesId, missingRecord } from './tree-parts.ts'
import type {
  BlockLabels,
  BlockState,
  BlockSummary,
  BlockTips,
  ChildEntry,
  HistoryEntry,
  IdRange,
  Page
} from './tree-state.ts'
import { isCurrentAuthority } from './validity.ts'

const noLabels: BlockLabels = {
  selfFork: false,
  lostToRevocation: false,
  quarantine: [],
  adopted: [],
  late: [],
  pending: [],
  uncounted: []
}

export class TreeQueries {
  readonly #parts: TreeParts

  constructor(parts: TreeParts) {
    this.#parts = parts
  }

  blockSummary(block: Id): BlockSummary | undefined {
    const row = this.#parts.held.blockRow(block)
    return row === undefined ? undefined : { block, ...row }
  }

  blockState(block: Id): BlockState | undefined {
    const row = this.#parts.held.blockRow(block)
    if (row === undefined) return undefined
    const best = row.heads[0]
    const winner = best === undefined ? undefined : this.#parts.held.header(best.id)
    if (best !== undefined && winner === undefined) throw missingRecord('the winner of a block')
    const labels = row.conflict ? this.#labels(block) : noLabels
    return { block, ...row, winner, version: best?.version ?? 0, labels }
  }

  #labels(block: Id): BlockLabels {
    return evaluateBlock(this.#parts.held, this.#parts.chains, block) ?? noLabels
  }

  async *history(block: Id): AsyncGenerator<HistoryEntry> {
    const evaluation = evaluateBlock(this.#parts.held, this.#parts.chains, block)
    if (evaluation === undefined) return
    const seen = new Map(evaluation.sorted.map((header) => [header, labelOf(evaluation, header.id)] as const))
    for (const [header, label] of [...seen].toReversed()) {
      yield { header, label, version: evaluation.versions.get(header.id) }
    }
  }

  children(directory: Id, page: Page = {}): AsyncIterable<ChildEntry> {
    const row = this.#parts.held.blockRow(directory)
    const isZone = row === undefined || row.zoneRoot
    return listChildren(this.#parts.store.index, directory, isZone ? directory : row.zone, page)
  }

  removedChildren(directory: Id, page: Page = {}): AsyncIterable<Id> {
    const row = this.#parts.held.blockRow(directory)
    const isZone = row === undefined || row.zoneRoot
    return listRemoved(this.#parts.store.index, directory, isZone ? directory : row.zone, page)
  }

  findByName(directory: Id, nameKey: Uint8Array): readonly Id[] {
    const value = this.#parts.store.index.get(rowKey(rowPrefix.name, directory, nameKey))
    if (value === undefined) return []
    const ids = readIds(value)
    if (ids.length === 1) return ids
    return ids
      .map((block) => ({
        block,
        rank: this.#parts.held.blockRow(block)?.rank ?? 0,
        anchored: this.#isAnchoredUnder(block, directory)
      }))
      .toSorted(compareClaims)
      .map((claim) => claim.block)
  }

  #isAnchoredUnder(block: Id, directory: Id): boolean {
    const zone = this.#parts.held.blockRow(block)?.zone
    if (zone === undefined) return false
    const listed = this.#parts.held
      .anchors(zone)
      .flatMap((anchor) => this.#parts.held.manifestRow(anchor.id, block) ?? [])
    return listed.some((entry) => {
      const body = this.#parts.held.header(entry.id)?.body
      return body !== undefined && body.state === blockState.live && isSameId(body.parent, directory)
    })
  }

  /** Without what is buried for good: nothing of that need be held, so it is nothing to compare. */
  async *blockTips(range: IdRange): AsyncGenerator<BlockTips> {
    for await (const row of listTips(this.#parts.store.index, range)) {
      const mayBeBuried = !row.isShown && !row.conflict
      if (mayBeBuried && isBuriedInBase(this.#parts.held, row.zone, row.block)) continue
      yield row
    }
  }

  async *graves(checkpoint: Id): AsyncGenerator<Id> {
    const rows = rowsBelow(this.#parts.store.index, rowKey(rowPrefix.manifest, checkpoint))
    for await (const [key] of rows) {
      const block = key.slice(-32)
      if (this.#parts.held.isGrave(checkpoint, block)) yield block
    }
  }

  missingOf(block: Id): readonly Id[] {
    return evaluateBlock(this.#parts.held, this.#parts.chains, block)?.missing ?? []
  }

  headersOf(block: Id): readonly HeaderRecord[] {
    return this.#parts.held.headersOf(block)
  }

  receiptIds(range: IdRange): AsyncIterable<Id> {
    return listIds(this.#parts.store.index, rowPrefix.heldReceipt, range)
  }

  receiptsOver(record: Id): readonly ReceiptRecord[] {
    return this.#parts.held.receiptsOver(record)
  }

  async *unnamedBlocks(): AsyncGenerator<Id> {
    for await (const [key, value] of rowsBelow(this.#parts.store.index, rowKey(rowPrefix.block))) {
      const row = decodeBlockRow(value)
      if (row.heads.length > 0 && row.nameKey === undefined) yield key.slice(1)
    }
  }

  async *blocksWrittenUnder(cap: Id): AsyncGenerator<Id> {
    for await (const [key] of rowsBelow(this.#parts.store.index, rowKey(rowPrefix.writtenUnder, cap)))
      yield key.slice(33)
  }

  async *conflicts(page: Page = {}): AsyncGenerator<BlockState> {
    const rows = rowsBelow(
      this.#parts.store.index,
      rowKey(rowPrefix.conflict),
      page.after,
      page.limit ?? 1000
    )
    for await (const [key] of rows) {
      const state = this.blockState(key.slice(1))
      if (state !== undefined) yield state
    }
  }

  explain(principal: Id, block: Id, rights: number): Explanation {
    return explainRight(this.#explainContext(), principal, {
      block,
      home: this.#parts.held.blockRow(block)?.zone,
      rights
    })
  }

  explainInside(principal: Id, zone: Id, rights: number): Explanation {
    return explainInside(this.#explainContext(), principal, { zone, rights })
  }

  capFor(principal: Id, act: Act): { readonly cap: Id | undefined; readonly rank: number } | undefined {
    return capForAct(this.#explainContext(), principal, act)
  }

  #explainContext(): { authority: Authority; chains: CapChains; now: number } {
    return { authority: this.#parts.authority, chains: this.#parts.chains, now: this.#parts.clock.now() }
  }

  currentEpochs(zone: Id): readonly EpochRecord[] {
    return this.#parts.authority
      .epochsOf(zone)
      .filter((epoch) => isCurrentAuthority(this.#parts.held, this.#parts.chains, epoch))
      .toSorted((left, right) => right.body.number - left.body.number || compareBytes(left.id, right.id))
  }

  liveGrants(target: Id): readonly GrantRecord[] {
    const now = this.#parts.clock.now()
    return this.#parts.authority.grantsOver(target).filter((grant) => {
      if (this.#parts.authority.grantRevocationsOf(grant.id).length > 0) return false
      if (grant.body.notAfter !== undefined && now > grant.body.notAfter) return false
      return isCurrentAuthority(this.#parts.held, this.#parts.chains, grant)
    })
  }
}

function labelOf(evaluation: BlockEvaluation, id: Id): HistoryEntry['label'] {
  if (isSameId(evaluation.heads[0]?.id, id)) return 'winner'
  if (evaluation.heads.some((head) => equalBytes(head.id, id))) return 'head'
  const labels = ['adopted', 'quarantine', 'late', 'pending', 'uncounted'] as const
  return labels.find((label) => includesId(evaluation[label], id)) ?? 'ancestor'
}
