/**
 * Taking a header: the row of its block and the rows of the view that follow (B.8). The two common cases, a fresh block
 * and the successor of all heads under an unconditional cap, need no evaluation; everything else evaluates the block
 * from its headers.
 */
import { equalBytes } from '@blocktree/codec'
import { homeZone } from './birth.ts'
import { changeOf } from './block-change.ts'
import { type BlockEvaluation, evaluateBlock } from './block-state.ts'
import type { CapChain } from './cap-chain.ts'
import type { VersionedHead } from './held-records.ts'
import { IdMap } from './id-key.ts'
import { type BlockRow, emptyValue, rowKey, rowPrefix } from './index-rows.ts'
import { versionMax } from './limits.ts'
import type { OpenChange } from './open-change.ts'
import { type BlockFacts, isSameId, settleBlock, waitingSuffix } from './placement.ts'
import type { HeaderRecord, Id } from './records.ts'
import { blockKind, blockState, scopeType } from './records.ts'
import { type TreeParts, addZoneBirth, includesId } from './tree-parts.ts'
import { isUnconditional } from './validity.ts'

export interface HeaderExtras {
  /** The sector beside it. */
  readonly inline: Uint8Array | undefined
  readonly nameKey: Uint8Array | undefined
  /** Drawn just now, under a free name: nothing about it is looked up. */
  readonly isNew?: boolean
}

export class HeaderTaking {
  /** Rows are made from records alone: nobody says whether a new version has another name. */
  isRebuilt = false
  readonly #parts: TreeParts
  /** By leaf cap or root principal, until an authority record comes or goes. */
  readonly #unconditional: IdMap<boolean> = new IdMap()
  #unconditionalChange = -1

  constructor(parts: TreeParts) {
    this.#parts = parts
  }

  /** @returns true when the header is kept without counting */
  take(open: OpenChange, header: HeaderRecord, how: HeaderExtras): boolean {
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
    if (header.body.birth.zoneRoot) takeZoneBirth(this.#parts, open, header.body.birthBytes)
    const writer = header.body.cap ?? header.signer
    open.rows.put(rowKey(rowPrefix.writtenUnder, writer, block), emptyValue)
    const heads = this.headsWithoutEvaluation(before, header)
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
    const evaluation = this.evaluate(open, block, { header, nameKey: how.nameKey })
    return evaluation !== undefined && includesId(evaluation.quarantine, header.id)
  }

  /** Heads after a fresh first version, or after a successor of all heads, when nothing else can play a part. */
  headsWithoutEvaluation(
    before: BlockRow | undefined,
    header: HeaderRecord
  ): readonly VersionedHead[] | undefined {
    const verdict = this.#parts.chains.ofSigner(header.signer, header.body.cap)
    if (verdict.verdict !== 'valid' || !this.#isUnconditional(verdict.chain)) return undefined
    const { prev } = header.body
    if (before === undefined) {
      if (prev.length > 0 || this.#isBuried(header)) return undefined
      return [{ id: header.id, version: 1 }]
    }
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

  /** Nothing of the block is held: it may have been given up, and this be an old version of it. */
  #isBuried(header: HeaderRecord): boolean {
    const { held } = this.#parts
    const { birth, block } = header.body
    return held
      .anchors(homeZone(birth, block))
      .some((anchor) => anchor.body.graves > 0 && held.isGrave(anchor.id, block))
  }

  #isUnconditional(chain: CapChain): boolean {
    const change = this.#parts.authority.changeCount
    if (change !== this.#unconditionalChange) this.#unconditional.clear()
    this.#unconditionalChange = change
    const leaf = chain.links[0]?.id ?? chain.root
    const known = this.#unconditional.get(leaf)
    if (known !== undefined) return known
    const answer = isUnconditional(this.#parts.held, chain)
    this.#unconditional.set(leaf, answer)
    return answer
  }

  /** Works out a block from all its headers and writes what follows. */
  evaluate(
    open: OpenChange,
    block: Id,
    added?: { readonly header: HeaderRecord; readonly nameKey: Uint8Array | undefined }
  ): BlockEvaluation | undefined {
    const before = open.rows.block(block)
    const evaluation = evaluateBlock(this.#parts.held, this.#parts.chains, block)
    if (evaluation === undefined) return undefined
    const { winner } = evaluation
    const sample = winner ?? added?.header ?? this.#parts.held.header(evaluation.tips[0] ?? block)
    if (sample === undefined) return undefined
    const isAdded = winner !== undefined && added !== undefined && equalBytes(winner.id, added.header.id)
    const nameKey =
      winner === undefined ? undefined : this.#nameKeyOf(winner, before, isAdded ? added.nameKey : undefined)
    this.#settle(
      open,
      block,
      before,
      winnerFacts(
        sample,
        {
          ...evaluation,
          conflict: needsAttention(evaluation),
          incomplete: evaluation.missing.length > 0
        },
        nameKey
      )
    )
    return evaluation
  }

  /** Nothing of the block is held any more. */
  forget(open: OpenChange, block: Id): void {
    const before = open.rows.block(block)
    const nothing = { heads: [], tips: [], parent: undefined, nameKey: undefined }
    const flags = { deleted: false, conflict: false, incomplete: false }
    if (before !== undefined) this.#settle(open, block, before, { ...before, ...nothing, ...flags })
    open.rows.put(rowKey(rowPrefix.block, block), undefined)
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
      const opened = this.#parts.names?.nameKeyOf(winner)
      const isKept = !this.isRebuilt && includesId(winner.body.prev, head.id)
      return opened ?? (isKept ? before.nameKey : undefined)
    }
    return this.#parts.names?.nameKeyOf(winner)
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
}

/** Takes the birth of a zone that comes with a record. */
export function takeZoneBirth(parts: TreeParts, open: OpenChange, bytes: Uint8Array): void {
  const zone = addZoneBirth(parts, bytes)
  if (zone === undefined) return
  open.births.push(zone)
  open.rows.put(rowKey(rowPrefix.zone, zone), bytes)
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
