/** Answering a request: a grant to read, a cap to write, and the line that carries both with all they rest on. */
import { formatId } from '@blocktree/codec'
import { type AnyRecord, type Id, type LocalRecord, recordType } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { treeId } from '../write-version.ts'
import { type AccessAnswer, formatAnswer } from './access-answer.ts'
import type { AccessRequest } from './access-request.ts'
import { makeGrant } from './issue-grant.ts'
import { makeWriteCap } from './issue-write-cap.ts'
import { type ShareTarget, shareTarget } from './share-target.ts'
import { SupportingRecords } from './supporting-records.ts'
import { zonesInside } from './zone-tree.ts'

export interface Approval {
  /** Another place than the one that was asked for. */
  readonly path?: string
  readonly read?: boolean
  /** Fewer rights than were asked for; more are refused. */
  readonly rights?: number
  readonly notAfterMs?: number
  /** Further delegations that the cap allows; 0 when absent. */
  readonly depth?: number
}

export interface ApprovedAccess {
  readonly line: string
  readonly grant: Id | undefined
  readonly cap: Id | undefined
}

/** @throws ERR_SHARE_PLAIN, ERR_ACCESS_DENIED, and ERR_RIGHT_UNKNOWN for rights that were not asked for */
export async function approveAccess(
  context: FilesContext,
  actor: Actor,
  request: AccessRequest,
  approval: Approval = {}
): Promise<ApprovedAccess> {
  const path = approval.path ?? request.path
  const rights = approval.rights ?? request.rights
  const read = approval.read ?? request.read
  if ((rights & ~request.rights) !== 0) {
    throw new FilesError(
      'ERR_RIGHT_UNKNOWN',
      'more rights would be given than the request asked for: let it ask again'
    )
  }
  if (!read && rights === 0)
    throw new FilesError('ERR_RIGHT_UNKNOWN', 'neither reading nor any right would be given')
  const target = shareTarget(context, actor, path)
  const ends = approval.notAfterMs === undefined ? {} : { notAfterMs: approval.notAfterMs }
  const records: LocalRecord[] = [{ record: request.principal }]
  const given = read
    ? makeGrant(context, actor, target, { path, to: { principal: request.principal }, ...ends })
    : undefined
  const depth = approval.depth ?? 0
  const written =
    rights === 0
      ? undefined
      : makeWriteCap(context, actor, target, { path, to: request.principal, rights, depth, ...ends })
  records.push(...(given?.records ?? []), ...(written?.records ?? []))
  const line = makeLine(context, actor, target, {
    request: request.id,
    path,
    read,
    rights,
    issued: records.map(({ record }) => record)
  })
  await context.tree.commitLocal({ records }, { durability: context.durability })
  return { line, grant: given?.grant.id, cap: written?.cap.id }
}

interface Answered extends Pick<AccessAnswer, 'request' | 'path' | 'read' | 'rights'> {
  readonly issued: readonly AnyRecord[]
}

/** With the epochs of the zones inside, or without them when one line cannot hold them: they come by sync. */
function makeLine(context: FilesContext, actor: Actor, target: ShareTarget, answered: Answered): string {
  const { issued, ...answer } = answered
  const format = (withInner: boolean): string => {
    const support = collectSupport(context, target, issued, withInner)
    return formatAnswer(actor.signer, {
      ...answer,
      tree: treeId(context),
      target: target.type === 'zone' ? target.zone : target.block,
      approver: actor.principal.record,
      births: support.births,
      records: support.records.map(({ bytes }) => bytes)
    })
  }
  try {
    return format(true)
  } catch (error) {
    if (error instanceof FilesError && error.code === 'ERR_ACCESS_LINE') return format(false)
    throw error
  }
}

/** What was issued, the epochs that it opens, and for one block its header: the commitment to the key stands there. */
function collectSupport(
  context: FilesContext,
  target: ShareTarget,
  issued: readonly AnyRecord[],
  withInner: boolean
): Pick<SupportingRecords, 'records' | 'births'> {
  const { authority } = context.tree
  const support = new SupportingRecords(authority)
  const home = target.type === 'zone' ? target.zone : target.home
  support.addZone(home)
  const inner = withInner ? zonesInside(authority, home) : [home]
  for (const zone of target.type === 'zone' ? inner : []) {
    support.addZone(zone)
    for (const epoch of authority.epochsOf(zone)) support.add(epoch)
  }
  if (target.type === 'block') addHeader(context, support, target.block)
  for (const record of issued) if (record.type !== recordType.header) support.add(record)
  return support
}

function addHeader(context: FilesContext, support: SupportingRecords, block: Id): void {
  const header = locate(context, block)?.header
  if (header === undefined)
    throw new FilesError('ERR_FILE_NOT_FOUND', `the block ${formatId(block)} is not held here`)
  const epoch = header.body.epoch && context.tree.authority.epoch(header.body.epoch)
  if (epoch !== undefined) support.add(epoch)
  support.add(header)
}
