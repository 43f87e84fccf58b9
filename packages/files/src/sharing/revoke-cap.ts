/**
 * Taking a write cap back (MODEL B.7.4). What was written under it counts up to a cut, one checkpoint for each zone in
 * its scope: fresh ones, or after a theft the last ones before it. Blocks that would show nothing then are restored to
 * their last version inside the cut in the same operation; everything else written after the cut goes to quarantine.
 */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  type CapRecord,
  CapChains,
  type Cut,
  type HeaderRecord,
  type Id,
  capScope,
  createRevocation,
  currentRoot,
  limits,
  scopeType
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { CommitBatch } from '../commit-batch.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { makeVersion, openOrDeny, treeId } from '../write-version.ts'
import { type RekeyOutcome, rekeyZones } from './rekey-zones.ts'
import { openRevocations, revocationDoneRow, revocationRow } from './revocation-journal.ts'
import { checkpointBefore, makeCheckpoints } from './zone-checkpoint.ts'
import { zonesInside } from './zone-tree.ts'

export interface RevokeCapOptions {
  /**
   * After a theft: cut at the last checkpoint of each zone made at or before this time (milliseconds since 1970). A
   * zone without such a checkpoint keeps nothing that was written under the cap.
   */
  readonly sinceMs?: number
  /** 0 to 255, for people to read. */
  readonly reason?: number
}

export interface CapRevocationReport {
  readonly revocation: Id
  /** Zones with a cut. */
  readonly cuts: number
  /** Blocks with versions in quarantine. */
  readonly quarantined: number
  /** Blocks put back to their last version inside the cut. */
  readonly restored: number
  /** Blocks of which no version counts any more; their quarantined versions can be taken over. */
  readonly lost: number
  /** What follows for keys: epochs and grants of the former writer count no longer. */
  readonly keys: RekeyOutcome
}

/** @throws ERR_CAP_UNKNOWN, ERR_ROOT_NEEDED unless the actor is the root or holds a link above the target */
export async function revokeCap(
  context: FilesContext,
  actor: Actor,
  id: Id,
  options: RevokeCapOptions = {}
): Promise<CapRevocationReport> {
  const { tree } = context
  const cap = tree.authority.cap(id)
  if (cap === undefined) throw new FilesError('ERR_CAP_UNKNOWN', `no cap ${formatId(id)} is held here`)
  const by = capAbove(context, actor, cap)
  const cuts = await makeCuts(context, actor, cap, options.sinceMs)
  const record = createRevocation(context.crypto, actor.signer, {
    tree: treeId(context),
    target: id,
    by,
    cuts,
    reason: options.reason ?? 0
  })
  await tree.commitLocal(
    { records: [{ record }], local: [revocationRow(id)] },
    { durability: context.durability }
  )
  return { revocation: record.id, cuts: cuts.length, ...(await finishRevocation(context, actor, cap)) }
}

/** Goes on with revocations that a crash cut short. @returns how many there were */
export async function resumeRevocations(context: FilesContext, actor: Actor): Promise<number> {
  const open = await openRevocations(context.store)
  for (const id of open) {
    const cap = context.tree.authority.cap(id)
    if (cap !== undefined) await finishRevocation(context, actor, cap)
  }
  return open.length
}

async function finishRevocation(
  context: FilesContext,
  actor: Actor,
  cap: CapRecord
): Promise<Omit<CapRevocationReport, 'revocation' | 'cuts'>> {
  await context.tree.settled()
  const blocks = await sortOut(context, actor, cap)
  const keys = await rekeyZones(context, actor)
  await context.store.commit({ local: [revocationDoneRow(cap.id)] }, { durability: context.durability })
  return { ...blocks, keys }
}

/** The cap under which the actor revokes; undefined for the root. The subject itself just stops using its key. */
function capAbove(context: FilesContext, actor: Actor, cap: CapRecord): Id | undefined {
  const { authority } = context.tree
  const root = currentRoot(authority)
  if (root !== undefined && equalBytes(root, actor.id)) return undefined
  const verdict = new CapChains(authority, context.crypto).ofCap(cap.id)
  const above = verdict.verdict === 'valid' ? verdict.chain.links.slice(1) : []
  const own = above.findLast(({ body }) => equalBytes(body.subject, actor.id))
  if (own !== undefined) return own.id
  throw new FilesError(
    'ERR_ROOT_NEEDED',
    `cap ${formatId(cap.id)} can be revoked by the root or by who passed it on: unlock the root key`
  )
}

async function makeCuts(
  context: FilesContext,
  actor: Actor,
  cap: CapRecord,
  sinceMs: number | undefined
): Promise<readonly Cut[]> {
  const scope = capScope(context.crypto, cap.body)
  const isZone = cap.body.scopeType === scopeType.zone
  const inScope = isZone ? zonesInside(context.tree.authority, scope) : [context.tree.zoneOf(scope) ?? scope]
  const zones = inScope.length <= limits.cutsMax ? inScope : await zonesWritten(context, cap)
  return cutsOf(context, actor, zones.slice(0, limits.cutsMax), sinceMs)
}

/** Fresh checkpoints, or the last ones at or before `sinceMs`; a zone without one has no cut. */
export async function cutsOf(
  context: FilesContext,
  actor: Actor,
  zones: readonly Id[],
  sinceMs: number | undefined
): Promise<readonly Cut[]> {
  if (sinceMs === undefined) {
    const made = await makeCheckpoints(context, actor, zones)
    return made.map(({ record }) => ({ zone: record.body.zone, checkpoint: record.id }))
  }
  return zones.flatMap((zone) => {
    const checkpoint = checkpointBefore(context.tree, zone, sinceMs)
    return checkpoint === undefined ? [] : [{ zone, checkpoint: checkpoint.id }]
  })
}

/** The cap and every cap that rests on it. */
export function capsBelow(context: FilesContext, cap: CapRecord): readonly CapRecord[] {
  const caps = [cap]
  for (let index = 0; index < caps.length; index++) {
    const at = caps[index]
    if (at !== undefined) caps.push(...context.tree.authority.capsUnder(at.id))
  }
  return caps
}

async function zonesWritten(context: FilesContext, cap: CapRecord): Promise<readonly Id[]> {
  const zones = new Map<string, Id>()
  for await (const block of blocksWritten(context, cap)) {
    const zone = context.tree.zoneOf(block)
    if (zone !== undefined) zones.set(idKey(zone), zone)
  }
  return [...zones.values()]
}

async function* blocksWritten(context: FilesContext, cap: CapRecord): AsyncGenerator<Id> {
  for (const { id } of capsBelow(context, cap)) yield* context.tree.blocksWrittenUnder(id)
}

async function sortOut(
  context: FilesContext,
  actor: Actor,
  cap: CapRecord
): Promise<Pick<CapRevocationReport, 'quarantined' | 'restored' | 'lost'>> {
  const batch = new CommitBatch(context)
  let quarantined = 0
  let lost = 0
  let restored = 0
  for await (const block of blocksWritten(context, cap)) {
    const state = context.tree.blockState(block)
    if (state === undefined) continue
    if (state.labels.quarantine.length > 0) quarantined++
    if (state.winner !== undefined) continue
    const header = await lastValid(context, block)
    if (header === undefined) {
      lost++
      continue
    }
    const located = { summary: state, header, version: 0 }
    const path = pathOfBlock(context, actor, block) ?? 'a block'
    // named again: a block of which nothing was shown stands in no index of names
    const { name } = openOrDeny(context, actor, header, path)
    const change = { name, settles: state.labels.quarantine, state: header.body.state }
    for (const record of makeVersion(context, actor, located, change, path).records) batch.add(record)
    restored++
    if (batch.isFull) await batch.commit()
  }
  await batch.commit()
  return { quarantined, restored, lost }
}

/** The newest held version that still counts, although it is not in line. */
async function lastValid(context: FilesContext, block: Id): Promise<HeaderRecord | undefined> {
  for await (const { header, label } of context.tree.history(block)) {
    if (label !== 'quarantine' && label !== 'adopted' && label !== 'pending') return header
  }
  return undefined
}
