/**
 * A new root in place of a lost or stolen one (MODEL B.2). The succession ends everything under former roots but for the
 * caps it keeps and what lies within its cuts; grants and epochs that the former root signed itself would end too, so
 * they are made anew, and signed by the new root, in the same atomic batch. Afterwards every zone that the former root
 * could open gets a new key.
 */
import { equalBytes } from '@blocktree/codec'
import {
  type Authority,
  type CapRecord,
  CapChains,
  type DeliveryDraft,
  type EpochRecord,
  type GrantBody,
  type GrantRecord,
  type Id,
  type LocalRecord,
  type OpenEpoch,
  type Principal,
  type SuccessionRecord,
  createDelivery,
  createEpoch,
  createGrant,
  createSuccession,
  currentRoot,
  governingCuts,
  grantTarget,
  limits,
  recipientType,
  recordType,
  recoveryCommitment,
  renewsGrant
} from '@blocktree/tree'
import { type Actor, createActor } from '../actor.ts'
import { type FilesContext, isPublicZone, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { treeId } from '../write-version.ts'
import { openHeads } from './epoch-reach.ts'
import { type RekeyOutcome, rekeyZones } from './rekey-zones.ts'
import { openLinkSecret } from './link-secret.ts'
import { isInheriting } from './rotate-zone.ts'
import { cutsOf } from './revoke-cap.ts'
import { allZones, includesId, outerZone } from './zone-tree.ts'

export interface SuccessionRequest {
  /** The recovery principal to which the tree committed. */
  readonly recovery: Principal
  readonly newRoot: Principal
  /** Id of the next recovery principal; without one this is the last succession there can be. */
  readonly newRecovery?: Id
  /** Caps that go on; every live cap that the former root issued, when absent. After a theft name those you trust. */
  readonly keepCaps?: readonly Id[]
  /** After a theft: cut at the last checkpoint of each zone at or before this time, instead of now. */
  readonly sinceMs?: number
}

export interface SuccessionReport {
  readonly succession: SuccessionRecord
  readonly generation: number
  readonly keptCaps: number
  /** Grants that the new root issued again. */
  readonly regranted: number
  /** Link grants that ended: their secret is sealed to a key that is gone. */
  readonly linksEnded: number
  readonly keys: RekeyOutcome
}

interface Zone {
  readonly zone: Id
  readonly grants: readonly GrantRecord[]
}

/** @throws ERR_SUCCESSION_NONE when the tree commits to no recovery principal or to another one */
export async function succeedRoot(
  context: FilesContext,
  actor: Actor,
  request: SuccessionRequest
): Promise<SuccessionReport> {
  const { tree } = context
  const before = lastRoot(tree.authority)
  checkRecovery(context, before.recovery, request.recovery)
  const keepCaps = request.keepCaps ?? capsOfRoot(context).map(({ id }) => id)
  const cuts = await cutsOf(
    context,
    actor,
    allZones(tree.authority).slice(0, limits.cutsMax),
    request.sinceMs
  )
  const succession = createSuccession(context.crypto, request.recovery, {
    tree: treeId(context),
    generation: before.generation + 1,
    newRoot: request.newRoot.id,
    newRecovery: request.newRecovery && recoveryCommitment(context.crypto, request.newRecovery),
    keepCaps,
    cuts,
    prev: before.id
  })
  const renewal = new Renewal(context, actor, request.newRoot, keepCaps)
  const renewed = renewal.records()
  const records = [request.recovery.record, request.newRoot.record, succession].map((record) => ({ record }))
  await tree.commitLocal({ records: [...records, ...renewed] }, { durability: 'each' })
  await tree.settled()
  const keys = await rekeyZones(context, actor)
  return {
    succession,
    generation: before.generation + 1,
    keptCaps: keepCaps.length,
    regranted: renewal.regranted,
    linksEnded: renewal.linksEnded,
    keys
  }
}

/** The record that names the root of today, and what it commits to. */
function lastRoot(authority: Authority): {
  readonly id: Id
  readonly generation: number
  readonly recovery: Id | undefined
} {
  const root = currentRoot(authority)
  const last = authority.successions
    .filter(({ body }) => root !== undefined && equalBytes(body.newRoot, root))
    .toSorted((left, right) => right.body.generation - left.body.generation)[0]
  if (last !== undefined)
    return { id: last.id, generation: last.body.generation, recovery: last.body.newRecovery }
  const { tree } = authority
  if (tree === undefined) throw new FilesError('ERR_SUCCESSION_NONE', 'there is no tree here yet')
  return { id: tree.id, generation: 0, recovery: tree.body.recovery }
}

function checkRecovery(context: FilesContext, commitment: Id | undefined, recovery: Principal): void {
  if (commitment === undefined) {
    throw new FilesError(
      'ERR_SUCCESSION_NONE',
      'this tree was made without a recovery key: its root cannot be replaced'
    )
  }
  if (!equalBytes(commitment, recoveryCommitment(context.crypto, recovery.id))) {
    throw new FilesError('ERR_SUCCESSION_NONE', 'this is not the recovery key that the tree committed to')
  }
}

/** Live caps without a cap above them: keeping these keeps everything that rests on them. */
function capsOfRoot(context: FilesContext): readonly CapRecord[] {
  const { authority } = context.tree
  const chains = new CapChains(authority, context.crypto)
  const caps: CapRecord[] = []
  for (const record of authority.records()) {
    if (record.type !== recordType.cap || record.body.parentCap !== undefined) continue
    const verdict = chains.ofCap(record.id)
    if (verdict.verdict === 'valid' && governingCuts(authority, verdict.chain) === undefined)
      caps.push(record)
  }
  return caps.slice(0, limits.keepCapsMax)
}

/** What the new root signs again: grants of the former one, and epochs for their zones. */
class Renewal {
  regranted = 0
  linksEnded = 0
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #root: Actor
  readonly #former: Id | undefined
  readonly #kept: ReadonlySet<string>
  readonly #chains: CapChains
  readonly #newKeys = new Map<string, { readonly id: Id; readonly key: Uint8Array }>()

  constructor(context: FilesContext, actor: Actor, newRoot: Principal, keepCaps: readonly Id[]) {
    this.#context = context
    this.#actor = actor
    this.#root = createActor({
      tree: context.tree,
      crypto: context.crypto,
      clock: context.clock,
      principal: newRoot
    })
    this.#former = currentRoot(context.tree.authority)
    this.#kept = new Set(keepCaps.map(idKey))
    this.#chains = new CapChains(context.tree.authority, context.crypto)
  }

  records(): readonly LocalRecord[] {
    const records: LocalRecord[] = []
    for (const zone of this.#zones()) records.push(...this.#renewZone(zone))
    records.push(...this.#renewBlocks())
    for (const { key } of this.#newKeys.values()) key.fill(0)
    return records
  }

  /** Zones with a grant or current epoch that ends, outermost first. */
  #zones(): readonly Zone[] {
    const { tree } = this.#context
    return allZones(tree.authority)
      .filter((zone) => !isPublicZone(this.#context, zone))
      .map((zone) => ({
        zone,
        grants: tree.liveGrants(zone).filter(({ body }) => body.targetType === grantTarget.zone)
      }))
      .filter(({ zone, grants }) => {
        const current = tree.currentEpochs(zone)[0]
        const isRootZone = outerZone(tree.authority, zone) === undefined
        return (
          isRootZone ||
          grants.some((grant) => this.#ends(grant)) ||
          (current !== undefined && this.#ends(current))
        )
      })
  }

  #renewZone({ zone, grants }: Zone): readonly LocalRecord[] {
    const { tree } = this.#context
    const heads = openHeads(tree.authority, this.#actor, zone)
    const previous = heads.flatMap((head): readonly OpenEpoch[] => {
      const key = this.#actor.zoneKey(head.id)
      return key === undefined ? [] : [{ id: head.id, number: head.body.number, key }]
    })
    if (previous.length === 0) return []
    const inherits = isInheriting(this.#context, zone, heads)
    const made = createEpoch(this.#context, this.#root.signer, {
      tree: treeId(this.#context),
      zone,
      previous,
      inherit: inherits ? this.#outerKey(zone) : undefined,
      cap: undefined
    })
    this.#newKeys.set(idKey(zone), { id: made.record.id, key: made.key })
    const renewed = grants.filter((grant) => this.#ends(grant)).flatMap((grant) => this.#renewGrant(grant))
    const isRootZone = outerZone(tree.authority, zone) === undefined
    if (isRootZone) renewed.push(this.#grantToRoot(zone))
    const readers = [...grants.filter((grant) => !this.#ends(grant)), ...renewed]
    const deliveries = readers.flatMap((grant) => this.#deliver(grant, made.record.id, undefined, made.key))
    return [{ record: made.record }, ...renewed.map((record) => ({ record })), ...deliveries]
  }

  #deliver(grant: GrantRecord, epoch: Id, keyVersion: number | undefined, key: Uint8Array): LocalRecord[] {
    const to = this.#recipient(grant)
    if (to === undefined) return []
    const draft = { grant, epoch, keyVersion, key, to, cap: undefined }
    return [{ record: createDelivery(this.#context, this.#root.signer, draft) }]
  }

  #recipient(grant: GrantRecord): DeliveryDraft['to'] | undefined {
    const { recipient } = grant.body
    if (grant.body.recipientType === recipientType.link) {
      const linkSecret = openLinkSecret(this.#context.crypto, this.#actor.principal, grant)
      return linkSecret && { linkSecret }
    }
    const isNewRoot = equalBytes(recipient, this.#root.id)
    const principal = isNewRoot
      ? this.#root.principal.record
      : this.#context.tree.authority.principal(recipient)
    return principal && { principal }
  }

  #outerKey(zone: Id): { readonly id: Id; readonly key: Uint8Array } | undefined {
    const outer = outerZone(this.#context.tree.authority, zone)
    if (outer === undefined || isPublicZone(this.#context, outer)) return undefined
    const renewed = this.#newKeys.get(idKey(outer))
    if (renewed !== undefined) return renewed
    const current = this.#actor.writeKey(outer)
    return current && { id: current.epoch, key: current.key }
  }

  /** Grants of single blocks; the keys of the blocks stay. */
  #renewBlocks(): readonly LocalRecord[] {
    const { tree } = this.#context
    const records: LocalRecord[] = []
    for (const record of tree.authority.records()) {
      if (record.type !== recordType.grant || record.body.targetType !== grantTarget.block) continue
      const { target } = record.body
      if (
        !this.#ends(record) ||
        !includesId(
          tree.liveGrants(target).map(({ id }) => id),
          record.id
        )
      )
        continue
      const header = locate(this.#context, target)?.header.body
      const key = header && this.#actor.blockKey(header)
      for (const grant of this.#renewGrant(record)) {
        records.push({ record: grant })
        if (header?.epoch === undefined || key === undefined) continue
        records.push(...this.#deliver(grant, header.epoch, header.keyVersion, key.bytes))
      }
    }
    return records
  }

  #renewGrant(grant: GrantRecord): GrantRecord[] {
    const { body } = grant
    if (body.recipientType === recipientType.link) {
      this.linksEnded++
      return []
    }
    if (this.#former !== undefined && equalBytes(body.recipient, this.#former)) return []
    if (equalBytes(body.recipient, this.#root.id)) return []
    this.regranted++
    return [this.#renewed(grant)]
  }

  #grantToRoot(zone: Id): GrantRecord {
    return this.#sign({ targetType: grantTarget.zone, target: zone, recipient: this.#root.id })
  }

  /** Says of which grant it is the renewal: one that was taken back meanwhile can be told (undone-revocations.ts). */
  #renewed({ id, body }: GrantRecord): GrantRecord {
    const { targetType, target, recipient, notAfter } = body
    return this.#sign({ targetType, target, recipient, notAfter, ext: [renewsGrant(id)] })
  }

  #sign(
    draft: Pick<GrantBody, 'targetType' | 'target' | 'recipient'> &
      Partial<Pick<GrantBody, 'notAfter' | 'ext'>>
  ): GrantRecord {
    return createGrant(this.#context.crypto, this.#root.signer, {
      notAfter: undefined,
      ...draft,
      tree: treeId(this.#context),
      recipientType: recipientType.principal,
      cap: undefined,
      nonce: this.#context.random.bytes(16)
    })
  }

  /** True when the succession ends what this record does. */
  #ends(record: GrantRecord | EpochRecord): boolean {
    const verdict = this.#chains.ofSigner(record.signer, record.body.cap)
    return verdict.verdict !== 'valid' || !verdict.chain.links.some(({ id }) => this.#kept.has(idKey(id)))
  }
}
