/**
 * Anchors of a zone: its valid, complete checkpoints that are no ancestor of another valid, complete one (B.8.9). Not the
 * newest by number: two that do not know each other are both anchors (E6, E7).
 */
import type { CapChains } from './cap-chain.ts'
import type { HeldRecords, VersionedHead } from './held-records.ts'
import { IdMap, IdSet } from './id-key.ts'
import type { CheckpointRecord, Id } from './records.ts'
import { isCheckpointValid } from './validity.ts'

export function anchorsOf(held: HeldRecords, chains: CapChains, zone: Id): readonly CheckpointRecord[] {
  const candidates = held.authority
    .checkpointsOf(zone)
    .filter((checkpoint) => held.isComplete(checkpoint.id) && isCheckpointValid(held, chains, checkpoint))
  if (candidates.length < 2) return candidates
  const superseded = new IdSet()
  const open = candidates.flatMap((checkpoint) => checkpoint.body.prev)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!superseded.add(id)) continue
    open.push(...(held.authority.checkpoint(id)?.body.prev ?? []))
  }
  return candidates.filter((checkpoint) => !superseded.has(checkpoint.id))
}

/** What the anchors of a zone say about one block. */
export interface AnchoredEntries {
  /** Effective version by record id, the greatest where several anchors list it; undefined when none lists the block. */
  readonly versions: IdMap<number> | undefined
  readonly buried: boolean
}

export function anchoredEntries(
  held: HeldRecords,
  anchors: readonly CheckpointRecord[],
  block: Id
): AnchoredEntries {
  let versions: IdMap<number> | undefined
  for (const anchor of anchors) {
    if (held.isGrave(anchor.id, block)) return { versions: undefined, buried: true }
    const row: readonly VersionedHead[] | undefined = held.manifestRow(anchor.id, block)
    if (row === undefined) continue
    versions ??= new IdMap()
    for (const entry of row) versions.set(entry.id, Math.max(entry.version, versions.get(entry.id) ?? 0))
  }
  return { versions, buried: false }
}
