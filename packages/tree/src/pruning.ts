/**
 * Giving up what lies below a base of a zone (MODEL B.10, ADR 0034): older versions behind its entries, and all of a block
 * that it has in its graveyard. What is shown and what can still be judged is the same before and after. Work goes in
 * small batches, each of which is stored whole or not at all: a crash in between leaves a part for the next time.
 */
import { homeZone } from './birth.ts'
import { isBuriedInBase } from './base.ts'
import { type BlockEvaluation, evaluateBlock } from './block-state.ts'
import { IdMap, IdSet } from './id-key.ts'
import { emptyManifestValueBytes, rowKey, rowPrefix } from './index-rows.ts'
import { rowsBelow } from './listing.ts'
import type { OpenChange } from './open-change.ts'
import type { CheckpointRecord, HeaderRecord, Id } from './records.ts'
import { type TreeParts, includesId } from './tree-parts.ts'

export interface PruneOptions {
  /** Only counts. */
  readonly dryRun?: boolean
  /** For a dry run: a checkpoint that is not named as base yet. */
  readonly base?: Id
  /** Versions that are kept behind each entry of the base; default 0. */
  readonly versions?: number
  readonly signal?: AbortSignal
  /** Blocks of the base that were looked at. */
  readonly onProgress?: (done: { readonly blocks: number; readonly ofBlocks: number }) => void
}

export interface PruneReport {
  /** undefined when no anchor names one: nothing was done. */
  readonly base: Id | undefined
  /** Older versions given up, those of buried blocks among them. */
  readonly versions: number
  /** Bytes of their records; what their content takes goes with the next collection. */
  readonly recordBytes: number
  /** Blocks of which nothing is held any more. */
  readonly buried: number
  /** Blocks left as they are because something in them waits for a decision (`conflicts`). */
  readonly kept: number
}

const blocksPerChange = 128

export async function pruneZone(
  parts: TreeParts,
  change: (work: (open: OpenChange) => void) => Promise<void>,
  zone: Id,
  options: PruneOptions
): Promise<PruneReport> {
  const base = baseOf(parts, zone, options)
  const report = { base: base?.id, versions: 0, recordBytes: 0, buried: 0, kept: 0 }
  if (base === undefined) return report
  let blocks = 0
  const ofBlocks = base.body.blocks + base.body.graves
  for await (const some of listedBlocks(parts, base.id)) {
    options.signal?.throwIfAborted()
    const plan = some.flatMap(({ block, isGrave }) => {
      const found = isGrave ? buriedHeaders(parts, zone, block) : olderHeaders(parts, base.id, block, options)
      if (found === 'kept') report.kept++
      return found === 'kept' || found.length === 0 ? [] : [{ block, isGrave, headers: found }]
    })
    for (const { isGrave, headers } of plan) {
      report.versions += headers.length
      report.buried += Number(isGrave)
      for (const { bytes } of headers) report.recordBytes += bytes.length
    }
    if (options.dryRun !== true && plan.length > 0)
      await change((open) => plan.forEach((step) => dropHeaders(parts, open, step)))
    blocks += some.length
    options.onProgress?.({ blocks, ofBlocks: Math.max(blocks, ofBlocks) })
  }
  return report
}

function baseOf({ held }: TreeParts, zone: Id, { base, dryRun }: PruneOptions): CheckpointRecord | undefined {
  const named = held.bases(zone)
  if (base === undefined) return named.find(({ id }) => held.isListed(id))
  const wanted = dryRun === true ? held.authority.checkpoint(base) : undefined
  return wanted ?? named.find(({ id }) => includesId([base], id))
}

async function* listedBlocks(
  { store }: TreeParts,
  base: Id
): AsyncGenerator<readonly { readonly block: Id; readonly isGrave: boolean }[]> {
  let some: { readonly block: Id; readonly isGrave: boolean }[] = []
  for await (const [key, value] of rowsBelow(store.index, rowKey(rowPrefix.manifest, base))) {
    some.push({ block: key.slice(-32), isGrave: value.length === emptyManifestValueBytes })
    if (some.length < blocksPerChange) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}

/** All of a block that is in the graveyard, when nothing in it waits for somebody. */
function buriedHeaders(parts: TreeParts, zone: Id, block: Id): readonly HeaderRecord[] | 'kept' {
  const row = parts.held.blockRow(block)
  if (row === undefined) return []
  if (row.heads.length > 0 || row.conflict || row.incomplete) return 'kept'
  const headers = parts.held.headersOf(block)
  const isOfZone = headers.every(({ body }) => includesId([zone], homeZone(body.birth, block)))
  return isOfZone && isBuriedInBase(parts.held, zone, block) ? headers : []
}

/** Headers that are reached from the tips over entries of the base alone, strictly below them. */
function olderHeaders(
  parts: TreeParts,
  base: Id,
  block: Id,
  { versions = 0 }: PruneOptions
): readonly HeaderRecord[] | 'kept' {
  const { held, store } = parts
  const entries = (held.manifestRow(base, block) ?? []).map(({ id }) => id)
  const hasOlder = entries.some((id) => held.header(id)?.body.prev.some((prev) => store.hasRecord(prev)))
  if (!hasOlder) return []
  const evaluation = evaluateBlock(held, parts.chains, block)
  if (evaluation === undefined) return []
  if (!isSettled(evaluation, entries)) return 'kept'
  const kept = keptHeaders(evaluation, entries, versions)
  return evaluation.sorted.filter(({ id }) => !kept.has(id))
}

/** Every entry counts, and none is older than another: else somebody may want to go back to what lies below. */
function isSettled(
  { quarantine, adopted, lostToRevocation, sorted }: BlockEvaluation,
  entries: readonly Id[]
): boolean {
  if (lostToRevocation) return false
  const byId = byIdOf(sorted)
  const below = new IdSet()
  const open: Id[] = []
  for (const id of entries) {
    if (includesId(quarantine, id) || includesId(adopted, id)) return false
    open.push(...(byId.get(id)?.body.prev ?? []))
  }
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (includesId(entries, id)) return false
    if (below.add(id)) open.push(...(byId.get(id)?.body.prev ?? []))
  }
  return true
}

function byIdOf(headers: readonly HeaderRecord[]): IdMap<HeaderRecord> {
  const byId = new IdMap<HeaderRecord>()
  for (const header of headers) byId.set(header.id, header)
  return byId
}

function keptHeaders({ sorted, tips }: BlockEvaluation, entries: readonly Id[], versions: number): IdSet {
  const byId = byIdOf(sorted)
  const kept = new IdSet()
  const open: Id[] = [...tips]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (kept.add(id) && !includesId(entries, id)) open.push(...(byId.get(id)?.body.prev ?? []))
  }
  let last = entries
  for (let level = 0; level < versions && last.length > 0; level++) {
    last = last.flatMap((id) => byId.get(id)?.body.prev ?? [])
    for (const id of last) kept.add(id)
  }
  return kept
}

interface Step {
  readonly block: Id
  readonly isGrave: boolean
  readonly headers: readonly HeaderRecord[]
}

function dropHeaders({ held }: TreeParts, open: OpenChange, { block, isGrave, headers }: Step): void {
  const gone = new IdSet(headers.map(({ id }) => id))
  const writers = new IdSet(
    isGrave ? [] : held.headersOf(block).flatMap((kept) => (gone.has(kept.id) ? [] : [writerOf(kept)]))
  )
  open.counters.headers -= headers.length
  open.counters.records -= headers.length
  for (const header of headers) {
    open.drops.push(header.id)
    const writer = writerOf(header)
    if (!writers.has(writer)) open.rows.put(rowKey(rowPrefix.writtenUnder, writer, block), undefined)
  }
  if (isGrave) open.rows.put(rowKey(rowPrefix.block, block), undefined)
}

/** As rows of `writtenUnder` have it: the leaf cap, or the root principal. */
function writerOf({ signer, body }: HeaderRecord): Id {
  return body.cap ?? signer
}
