/**
 * Bases of a zone (MODEL B.10, ADR 0034): older checkpoints that an anchor, or a checkpoint that it follows, names as such.
 * What lies strictly below the entries of a base need not be held any more; a node that never had it misses nothing. Whose
 * word it is: whoever may sign checkpoints. It rests on the records held alone, on no clock.
 */
import { equalBytes } from '@blocktree/codec'
import { checkpointExtension } from './extension.ts'
import type { HeldRecords } from './held-records.ts'
import { IdSet } from './id-key.ts'
import type { CheckpointRecord, Extension, HeaderRecord, Id } from './records.ts'

const idBytes = 32

/** The checkpoint that this one names as base; undefined for none. */
export function namedBase(checkpoint: CheckpointRecord): Id | undefined {
  const found = checkpoint.body.ext.find(({ code }) => code === checkpointExtension.base)
  return found?.bytes.length === idBytes ? found.bytes : undefined
}

/** Not critical: who does not know it keeps more. */
export function baseExtension(base: Id): Extension {
  return { code: checkpointExtension.base, critical: false, bytes: base }
}

/**
 * Bases that the anchors stand for, the newest by number first. A base is an ancestor of the checkpoint that names it, and
 * of every anchor: what does not descend from it could not be judged without what lies below it.
 */
export function basesOf(held: HeldRecords, zone: Id): readonly CheckpointRecord[] {
  const anchors = held.anchors(zone)
  let common: readonly CheckpointRecord[] | undefined
  const named = new IdSet()
  for (const anchor of anchors) {
    const below = ancestorsOf(held, anchor)
    for (const checkpoint of [anchor, ...below]) {
      const base = namedBase(checkpoint)
      if (base !== undefined) named.add(base)
    }
    const kept = common
    common =
      kept === undefined ? below : below.filter(({ id }) => kept.some((other) => equalBytes(other.id, id)))
  }
  return (common ?? [])
    .filter(({ id }) => named.has(id))
    .toSorted((left, right) => right.body.sequence - left.body.sequence)
}

/** Held ancestors of a checkpoint, without itself. */
function ancestorsOf(held: HeldRecords, checkpoint: CheckpointRecord): readonly CheckpointRecord[] {
  const seen = new IdSet()
  const found: CheckpointRecord[] = []
  const open = [...checkpoint.body.prev]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const before = seen.add(id) ? held.authority.checkpoint(id) : undefined
    if (before === undefined) continue
    found.push(before)
    open.push(...before.body.prev)
  }
  return found
}

/** True when a base lists this header: what lies below it may be missing. */
export function isBaseEntry(held: HeldRecords, zone: Id, { id, body }: HeaderRecord): boolean {
  return held
    .bases(zone)
    .some((base) => held.manifestRow(base.id, body.block)?.some((entry) => equalBytes(entry.id, id)) === true)
}

/** True when a base has the block in its graveyard: nothing of it need be held. */
export function isBuriedInBase(held: HeldRecords, zone: Id, block: Id): boolean {
  return held.bases(zone).some((base) => held.isGrave(base.id, block))
}
