/**
 * Checkpoints made here: a signed list of every counted head of one zone (MODEL B.11). They are the cut of a later
 * revocation and the "until" of an exposure report. The tree package makes the record; here is when, and after which.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import {
  type CheckpointRecord,
  type Id,
  type TreeState,
  authorityRoot,
  limits,
  makeCheckpoint as makeRecord,
  right,
  zoneRoots
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { CommitBatch } from '../commit-batch.ts'
import type { FilesContext } from '../files-context.ts'
import { idKey } from '../id-key.ts'
import { capFor } from '../write-version.ts'

export interface ZoneCheckpoint {
  readonly record: CheckpointRecord
  /** False when the last checkpoint says the same already. */
  readonly isNew: boolean
}

/** What a checkpoint gives up besides: see ./prune-zone.ts. */
interface Pruning {
  readonly base?: Id
  /** Blocks that are buried with it. */
  readonly graves?: readonly Id[]
}

/** @throws ERR_ACCESS_DENIED without the right `admin` for the zone */
export async function makeCheckpoint(context: FilesContext, actor: Actor, zone: Id): Promise<ZoneCheckpoint> {
  const [made] = await makeCheckpoints(context, actor, [zone])
  if (made === undefined) throw new Error('one zone gives one checkpoint')
  return made
}

/**
 * One for each zone, in their order; all of them name the authority records as they were before the first.
 * @throws ERR_ACCESS_DENIED without the right `admin` for one of the zones
 */
export async function makeCheckpoints(
  context: FilesContext,
  actor: Actor,
  zones: readonly Id[],
  pruning: Pruning = {}
): Promise<readonly ZoneCheckpoint[]> {
  await context.tree.settled()
  const authority = authorityRoot(context.tree, context.crypto)
  const batch = new CommitBatch(context)
  const made: ZoneCheckpoint[] = []
  for (const zone of zones) {
    const checkpoint = await checkpointZone(context, actor, zone, authority, pruning)
    made.push(checkpoint)
    if (checkpoint.isNew) batch.add({ record: checkpoint.record })
    if (batch.isFull) await batch.commit()
  }
  await batch.commit()
  await context.tree.settled()
  return made
}

async function checkpointZone(
  context: FilesContext,
  actor: Actor,
  zone: Id,
  authority: Uint8Array,
  pruning: Pruning
): Promise<ZoneCheckpoint> {
  const { crypto, tree } = context
  const cap = capFor(actor, { home: zone, block: undefined }, right.admin, 'checkpoint')
  // Graves of one whose manifest is not here yet could not be carried on: it stays beside the new one.
  const previous = checkpointHeads(tree, zone).filter(
    ({ id, body }) => body.graves === 0 || tree.isCompleteCheckpoint(id)
  )
  const only = previous[0]
  const isPruning = pruning.base !== undefined || (pruning.graves ?? []).length > 0
  if (previous.length === 1 && only !== undefined && !isPruning) {
    const roots = await zoneRoots(tree, crypto, zone)
    if (equalBytes(roots.headsRoot, only.body.headsRoot)) return { record: only, isNew: false }
  }
  const graves = new Map((pruning.graves ?? []).map((block) => [idKey(block), block]))
  for (const anchor of tree.anchors(zone)) {
    if (anchor.body.graves === 0) continue
    for await (const block of tree.graves(anchor.id)) graves.set(idKey(block), block)
  }
  const options = {
    zone,
    cap: cap.cap,
    previous,
    authorityRoot: authority,
    graves: [...graves.values()].toSorted(compareBytes),
    ...(pruning.base === undefined ? {} : { base: pruning.base })
  }
  return { record: await makeRecord(context, actor.signer, options), isNew: true }
}

/** Checkpoints of a zone that no other held one names as previous. */
export function checkpointHeads(tree: TreeState, zone: Id): readonly CheckpointRecord[] {
  const held = tree.authority.checkpointsOf(zone)
  const named = new Set(held.flatMap(({ body }) => body.prev.map(idKey)))
  return held.filter(({ id }) => !named.has(idKey(id))).slice(0, limits.checkpointPreviousMax)
}

/** The last checkpoint of a zone made at or before `timeMs`; undefined when there is none. */
export function checkpointBefore(tree: TreeState, zone: Id, timeMs: number): CheckpointRecord | undefined {
  return tree.authority
    .checkpointsOf(zone)
    .filter(({ body }) => body.timeMs <= timeMs)
    .toSorted(
      (left, right) => right.body.timeMs - left.body.timeMs || right.body.sequence - left.body.sequence
    )[0]
}
