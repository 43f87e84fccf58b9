/**
 * Forgetting old history of a zone (MODEL B.10, ADR 0034). Who may sign checkpoints names the newest one that is old enough as
 * base, and buries what was removed longer ago than that; then this node gives up what lies below. Another node only gives
 * up what a checkpoint that came to it allows.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import { type CheckpointRecord, type Id, type PruneReport, right } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { makeCheckpoints } from './zone-checkpoint.ts'

/** A base, and a removal before its burial, are at least so old unless the caller insists. */
const pruneAgeMsMin = 30 * 24 * 60 * 60 * 1000

export interface ZonePruneOptions {
  /** Age of a checkpoint that may become base; default 30 days. */
  readonly olderThanMs?: number
  /** Allows a younger base: a node that was away for longer than that finds its work listed as late. */
  readonly force?: boolean
  /** Older versions of each file that are kept all the same; default 0. */
  readonly versions?: number
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (done: { readonly blocks: number; readonly ofBlocks: number }) => void
}

export interface ZonePruneReport extends PruneReport {
  /** Removed blocks that were buried now; they are given up once the checkpoint that buries them is old enough. */
  readonly graves: number
  /** A checkpoint was signed, or would be. */
  readonly isNewCheckpoint: boolean
}

/** @throws ERR_PRUNE_YOUNG for less than 30 days without `force` */
export async function pruneZone(
  context: FilesContext,
  actor: Actor,
  zone: Id,
  options: ZonePruneOptions
): Promise<ZonePruneReport> {
  const { olderThanMs = pruneAgeMsMin, force = false, dryRun = false } = options
  if (olderThanMs < pruneAgeMsMin && !force) {
    const message =
      'history of less than 30 days is only given up with "force": nodes that are away write upon it'
    throw new FilesError('ERR_PRUNE_YOUNG', message)
  }
  await context.tree.settled()
  const maySign = actor.capFor({ home: zone, block: undefined }, right.admin) !== undefined
  const plan = maySign ? await planCheckpoint(context, zone, context.clock.now() - olderThanMs) : noPlan
  const base = plan.base === undefined ? {} : { base: plan.base.id }
  const { versions, signal, onProgress } = options
  const shared = {
    ...(versions === undefined ? {} : { versions }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress })
  }
  const summary = { graves: plan.graves.length, isNewCheckpoint: plan.isDue }
  if (dryRun) return { ...(await context.tree.prune(zone, { ...shared, ...base, dryRun })), ...summary }
  if (plan.isDue) await makeCheckpoints(context, actor, [zone], { ...base, graves: plan.graves })
  return { ...(await context.tree.prune(zone, shared)), ...summary }
}

interface Plan {
  readonly base: CheckpointRecord | undefined
  readonly graves: readonly Id[]
  readonly isDue: boolean
}

const noPlan: Plan = { base: undefined, graves: [], isDue: false }

/**
 * What a checkpoint signed now would name and bury. Without any yet, a first one is due: it can be a base in time. Beside
 * several that do not know each other, one that follows them all is due: no base lies above the fork without it.
 */
async function planCheckpoint({ tree }: FilesContext, zone: Id, untilMs: number): Promise<Plan> {
  const anchors = tree.anchors(zone)
  if (anchors.length !== 1) return { ...noPlan, isDue: true }
  const old = anchors
    .flatMap((anchor) => trunkOf(tree, anchor))
    .find(({ id, body }) => body.timeMs <= untilMs && tree.isCompleteCheckpoint(id))
  if (old === undefined) return noPlan
  const known = tree.bases(zone)[0]
  const base = known !== undefined && known.body.sequence >= old.body.sequence ? undefined : old
  const graves: Id[] = []
  for await (const { block } of tree.blocksOfZone(zone))
    if (isLongGone(tree, block, [...anchors, old])) graves.push(block)
  return { base, graves: graves.toSorted(compareBytes), isDue: base !== undefined || graves.length > 0 }
}

/**
 * This checkpoint and those behind it that every other one behind it precedes or follows, the newest first: none of two
 * that were signed beside each other, because what the other one lists rests on older versions.
 */
function trunkOf(tree: FilesContext['tree'], anchor: CheckpointRecord): readonly CheckpointRecord[] {
  const trunk: CheckpointRecord[] = []
  const seen = new Set<string>()
  let open: readonly CheckpointRecord[] = [anchor]
  for (let newest = open[0]; newest !== undefined; newest = open[0]) {
    if (open.length === 1) trunk.push(newest)
    const before = newest.body.prev.flatMap((id) => {
      const checkpoint = seen.has(idKey(id)) ? undefined : tree.authority.checkpoint(id)
      seen.add(idKey(id))
      return checkpoint ?? []
    })
    open = [...open.slice(1), ...before].toSorted((left, right_) => right_.body.sequence - left.body.sequence)
  }
  return trunk
}

/** Removed, contested by nothing, and the same in all these checkpoints. A zone of its own stays: others rest on its birth. */
function isLongGone(
  tree: FilesContext['tree'],
  block: Id,
  checkpoints: readonly CheckpointRecord[]
): boolean {
  const summary = tree.blockSummary(block)
  const head = summary?.heads[0]
  if (summary === undefined || head === undefined || summary.heads.length > 1) return false
  if (!summary.deleted || summary.revived || summary.conflict || summary.zoneRoot) return false
  return checkpoints.every(({ id }) => {
    const listed = tree.listedHeads(id, block)
    return listed?.length === 1 && listed.every((entry) => equalBytes(entry.id, head.id))
  })
}
