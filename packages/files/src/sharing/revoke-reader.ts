/**
 * Taking a grant back (MODEL B.5): the revocation is signed and written down with the journal row, then every zone that
 * the former reader can open gets a new key. A crash at any commit leaves a journal row from which `resumeRekeys` goes
 * on. What was readable stays known: the report says to whom, and up to which checkpoint.
 */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  type CheckpointRecord,
  type GrantRecord,
  type Id,
  createGrantRevocation,
  grantTarget,
  recipientType,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, isPublicZone } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { treeId } from '../write-version.ts'
import { waysInto } from './epoch-reach.ts'
import { type RekeyJob, openRekeys, rekeyDoneRow, rekeyRow } from './rekey-journal.ts'
import { type RekeyOutcome, rekeyZones } from './rekey-zones.ts'
import { liveRenewals } from './renewed-grants.ts'
import { checkpointHeads, makeCheckpoints } from './zone-checkpoint.ts'
import { allZones } from './zone-tree.ts'

export interface RevokeReaderOptions {
  /** Writes every header anew that the former reader could open, instead of leaving it to the next write. */
  readonly eager?: boolean
}

/** What a former reader could read. */
export interface ExposedPart {
  /** Zone, or the one block of a block grant. */
  readonly target: Id
  /** undefined where the actor cannot name it. */
  readonly path: string | undefined
  readonly recipient: Id
  readonly isLink: boolean
  /** Everything up to this checkpoint was readable; undefined where none could be made. */
  readonly checkpoint: Id | undefined
  readonly untilMs: number
}

export interface ExposureReport extends RekeyOutcome {
  readonly grant: Id
  readonly exposed: readonly ExposedPart[]
}

/**
 * Takes back with it what a new root signed in place of the grant (page 07, section 4): whoever still knows it by its former
 * id would let its reader go on otherwise. The report is of the newest of them.
 * @throws ERR_GRANT_UNKNOWN, ERR_ACCESS_DENIED when one of them is not the actor's to take back: then none is
 */
export async function revokeReader(
  context: FilesContext,
  actor: Actor,
  id: Id,
  options: RevokeReaderOptions = {}
): Promise<ExposureReport> {
  const { authority } = context.tree
  const grant = authority.grant(id)
  if (grant === undefined) throw new FilesError('ERR_GRANT_UNKNOWN', `no grant ${formatId(id)} is held here`)
  const renewals = liveRenewals(context, grant)
  const ended = [grant, ...renewals].filter((one) => authority.grantRevocationsOf(one.id).length === 0)
  const revocations = ended.map((one) =>
    createGrantRevocation(context.crypto, actor.signer, {
      tree: treeId(context),
      grant: one.id,
      cap: revocationCap(context, actor, one)
    })
  )
  const counting = renewals.at(-1) ?? grant
  const job = { grant: counting.id, eager: options.eager ?? false, startedMs: context.clock.now() }
  if (revocations.length > 0) {
    for (const one of ended) await checkpointOpened(context, actor, one)
    await context.tree.commitLocal(
      { records: revocations.map((record) => ({ record })), local: [rekeyRow(job)] },
      { durability: context.durability }
    )
  }
  return finishRekey(context, actor, job)
}

export async function resumeRekeys(context: FilesContext, actor: Actor): Promise<readonly ExposureReport[]> {
  const reports: ExposureReport[] = []
  for (const job of await openRekeys(context.store)) {
    if (context.tree.authority.grant(job.grant) === undefined) continue
    reports.push(await finishRekey(context, actor, job))
  }
  return reports
}

async function finishRekey(context: FilesContext, actor: Actor, job: RekeyJob): Promise<ExposureReport> {
  const grant = context.tree.authority.grant(job.grant)
  if (grant === undefined)
    throw new FilesError('ERR_GRANT_UNKNOWN', `no grant ${formatId(job.grant)} is held here`)
  const exposed = exposedParts(context, actor, grant, job.startedMs)
  const outcome = await rekeyZones(context, actor, job.eager ? { eagerFor: grant } : {})
  await context.store.commit({ local: [rekeyDoneRow(job)] }, { durability: context.durability })
  return { ...outcome, grant: grant.id, exposed }
}

/** The issuer needs no right of its own to take back what it gave. */
function revocationCap(context: FilesContext, actor: Actor, grant: GrantRecord): Id | undefined {
  const { target, targetType } = grant.body
  const isBlock = targetType === grantTarget.block
  const home = isBlock ? (context.tree.zoneOf(target) ?? target) : target
  const cap = actor.capFor({ home, block: isBlock ? target : undefined }, right.grant)
  if (cap !== undefined) return cap.cap
  if (equalBytes(grant.signer, actor.id)) return undefined
  throw new FilesError(
    'ERR_ACCESS_DENIED',
    `grant ${formatId(grant.id)}: you neither issued it nor hold a cap with the right "grant" over what it opens`
  )
}

/** Zones of which a key delivered under the grant opens an epoch. */
function openedZones(context: FilesContext, grant: GrantRecord): readonly Id[] {
  const { authority } = context.tree
  const { target, targetType } = grant.body
  if (targetType === grantTarget.block) return [context.tree.zoneOf(target) ?? target]
  const delivered = new Set(authority.deliveriesOf(grant.id).map(({ body }) => idKey(body.epoch)))
  return allZones(authority).filter(
    (zone) =>
      equalBytes(zone, target) ||
      authority
        .epochsOf(zone)
        .some((epoch) => waysInto(authority, epoch.id).some((way) => delivered.has(idKey(way.epoch.id))))
  )
}

/** So that the report can say up to where; where the right is missing, the report says when. */
async function checkpointOpened(context: FilesContext, actor: Actor, grant: GrantRecord): Promise<void> {
  const zones = openedZones(context, grant).filter(
    (zone) => actor.capFor({ home: zone, block: undefined }, right.admin) !== undefined
  )
  await makeCheckpoints(context, actor, zones)
}

function exposedParts(
  context: FilesContext,
  actor: Actor,
  grant: GrantRecord,
  untilMs: number
): readonly ExposedPart[] {
  const isBlock = grant.body.targetType === grantTarget.block
  const targets = isBlock ? [grant.body.target] : openedZones(context, grant)
  return targets
    .filter((target) => isBlock || !isPublicZone(context, target))
    .map((target) => {
      const zone = isBlock ? (context.tree.zoneOf(target) ?? target) : target
      return {
        target,
        path: pathOfBlock(context, actor, target),
        recipient: grant.body.recipient,
        isLink: grant.body.recipientType === recipientType.link,
        checkpoint: newest(checkpointHeads(context.tree, zone))?.id,
        untilMs
      }
    })
}

function newest(checkpoints: readonly CheckpointRecord[]): CheckpointRecord | undefined {
  return checkpoints.toSorted((left, right) => right.body.sequence - left.body.sequence)[0]
}
