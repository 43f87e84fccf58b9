/**
 * Taking the answer to a request: every record is judged in a scratch tree first, in the order given, and the keys must
 * open. Only then is it handed out, ready to be offered to the tree kept here; nothing is stored by this.
 */
import { CodecError, equalBytes, formatId } from '@blocktree/codec'
import {
  type GrantRecord,
  type Id,
  type Offer,
  type TreeState,
  TreeError,
  createTreeState,
  decodeBirth,
  decodeRecord,
  grantTarget,
  openDelivery,
  recordType
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Actor, createActor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { type AccessAnswer, parseAnswer } from './access-answer.ts'

export interface AcceptedAccess {
  readonly tree: Id
  readonly request: Id
  readonly target: Id
  readonly path: string
  readonly read: boolean
  readonly rights: number
  readonly approver: Id
  /** For `TreeState.offer`, with `from: 'host'`. */
  readonly offer: Offer
}

/** @throws ERR_ACCESS_LINE when a record is refused, superfluous, not for this actor, or a key does not open */
export async function acceptAccess(
  context: FilesContext,
  actor: Actor,
  line: string
): Promise<AcceptedAccess> {
  const answer = parseAnswer(context.crypto, line)
  const offer = { records: answer.records.map((bytes) => ({ bytes })), births: answer.births }
  const scratch = await createTreeState({
    store: createMemoryStore(),
    crypto: context.crypto,
    clock: context.clock,
    tree: answer.tree
  })
  try {
    await takeAll(scratch, { tree: answer.tree, offer })
    checkAccess(context, scratch, actor, answer)
  } finally {
    scratch.close()
  }
  const { tree, request, target, path, read, rights, approver } = answer
  return { tree, request, target, path, read, rights, approver: approver.signer, offer }
}

async function takeAll(scratch: TreeState, { tree, offer }: { tree: Id; offer: Offer }): Promise<void> {
  for (const birth of offer.births ?? []) checkBirth(tree, birth)
  const results = await scratch.offer(offer, { peer: 'access line', from: 'host' })
  for (const [index, { outcome, message }] of results.entries()) {
    if (outcome !== 'accepted')
      throw refused(`record ${index} is ${outcome}${message === undefined ? '' : `: ${message}`}`)
  }
}

function checkBirth(tree: Id, bytes: Uint8Array): void {
  try {
    const birth = decodeBirth(bytes)
    if (birth.zoneRoot && equalBytes(birth.tree, tree)) return
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw refused(`a zone birth is malformed: ${cause.message}`, cause)
  }
  throw refused('a birth in it is of no zone of the tree')
}

function checkAccess(context: FilesContext, scratch: TreeState, actor: Actor, answer: AccessAnswer): void {
  for (const bytes of answer.records) {
    const { type } = decodeRecord(context.crypto, bytes)
    if (type > recordType.header) throw refused(`a record of type ${type} has no place in an answer`)
  }
  if (answer.read && !canRead(context, scratch, actor, answer)) {
    throw refused(`no key in it opens ${formatId(answer.target)} for you`)
  }
  if (answer.rights !== 0 && !canWrite(context, scratch, actor, answer)) {
    throw refused('no cap in it gives you the rights that it names')
  }
  if (!answer.read && answer.rights === 0) throw refused('it gives neither reading nor any right')
}

/** By a grant that the signer of the answer issued itself. */
function canRead(
  context: FilesContext,
  scratch: TreeState,
  actor: Actor,
  { target, approver }: AccessAnswer
): boolean {
  const zone = scratch.authority.zoneBirth(target) === undefined ? scratch.zoneOf(target) : target
  const isPublic = zone !== undefined && scratch.authority.zoneBirth(zone)?.birth.public === true
  return scratch
    .liveGrants(target)
    .filter(({ body, signer }) => equalBytes(body.recipient, actor.id) && equalBytes(signer, approver.signer))
    .some((grant) => isPublic || opensFor(context, scratch, actor, grant))
}

/** True when a delivery of the grant gives a key that fits its commitment. */
function opensFor(context: FilesContext, scratch: TreeState, actor: Actor, grant: GrantRecord): boolean {
  const isBlock = grant.body.targetType === grantTarget.block
  return scratch.authority.deliveriesOf(grant.id).some((delivery) => {
    const epoch = scratch.authority.epoch(delivery.body.epoch)
    const header = isBlock ? scratch.blockState(grant.body.target)?.winner?.body : undefined
    const commitment = isBlock ? header && { header } : epoch && { epoch }
    if (commitment === undefined) return false
    try {
      openDelivery(context.crypto, delivery, grant, actor.principal, commitment).fill(0)
      return true
    } catch (error) {
      if (error instanceof TreeError) return false
      throw error
    }
  })
}

function canWrite(context: FilesContext, scratch: TreeState, actor: Actor, answer: AccessAnswer): boolean {
  const writer = createActor({
    tree: scratch,
    crypto: context.crypto,
    clock: context.clock,
    principal: actor.principal
  })
  const cap = writer.capFor(placeOfTarget(scratch, answer.target), answer.rights)?.cap
  const leaf = cap && scratch.authority.cap(cap)
  return leaf !== undefined && equalBytes(leaf.signer, answer.approver.signer)
}

/** The header of a block comes along, so its zone is known. */
function placeOfTarget(
  scratch: TreeState,
  target: Id
): { readonly home: Id; readonly block: Id | undefined } {
  if (scratch.authority.zoneBirth(target) !== undefined) return { home: target, block: undefined }
  return { home: scratch.zoneOf(target) ?? target, block: target }
}

function refused(reason: string, cause?: unknown): FilesError {
  return new FilesError('ERR_ACCESS_LINE', `the answer is refused: ${reason}`, { cause })
}
