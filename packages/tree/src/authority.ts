/**
 * The authority records of a tree, in memory, with the look-ups that the rules need: principals, the tree record,
 * successions, caps, revocations, epochs, grants, deliveries, checkpoints and zone births (B.2 to B.7). It only holds;
 * what the records mean is said by ./cap-chain.ts and the layers above it. There are few of these records: one per
 * person, share or key change, not one per block.
 */
import { equalBytes } from '@blocktree/codec'
import { IdLists, IdMap } from './id-key.ts'
import type {
  AnyRecord,
  Birth,
  CapRecord,
  CheckpointRecord,
  DeliveryRecord,
  EndpointRecord,
  EpochRecord,
  GrantRecord,
  GrantRevocationRecord,
  Id,
  PrincipalRecord,
  RevocationRecord,
  SuccessionRecord,
  TreeRecord
} from './records.ts'
import { recordType } from './records.ts'

export interface ZoneBirth {
  readonly zone: Id
  readonly birth: Birth
  readonly bytes: Uint8Array
}

export class Authority {
  readonly #records: IdMap<AnyRecord> = new IdMap()
  readonly #principals: IdMap<PrincipalRecord> = new IdMap()
  readonly #births: IdMap<ZoneBirth> = new IdMap()
  readonly #capsByParent: IdLists<CapRecord> = new IdLists()
  readonly #capsBySubject: IdLists<CapRecord> = new IdLists()
  readonly #revocationsByTarget: IdLists<RevocationRecord> = new IdLists()
  readonly #epochsByZone: IdLists<EpochRecord> = new IdLists()
  readonly #epochsByPrev: IdLists<EpochRecord> = new IdLists()
  readonly #grantsByTarget: IdLists<GrantRecord> = new IdLists()
  readonly #grantsByRecipient: IdLists<GrantRecord> = new IdLists()
  readonly #deliveriesByGrant: IdLists<DeliveryRecord> = new IdLists()
  readonly #deliveriesByEpoch: IdLists<DeliveryRecord> = new IdLists()
  readonly #grantRevocationsByGrant: IdLists<GrantRevocationRecord> = new IdLists()
  readonly #checkpointsByZone: IdLists<CheckpointRecord> = new IdLists()
  readonly #checkpointsByPrev: IdLists<CheckpointRecord> = new IdLists()
  readonly #endpointsBySigner: IdLists<EndpointRecord> = new IdLists()
  #successions: readonly SuccessionRecord[] = []
  #tree: TreeRecord | undefined
  #change = 0

  /** Grows with every record or birth that comes or goes: what was worked out under another value is out of date. */
  get changeCount(): number {
    return this.#change
  }
  get tree(): TreeRecord | undefined {
    return this.#tree
  }
  get size(): number {
    return this.#records.size
  }
  /** All held successions, rivals too, in no particular order. */
  get successions(): readonly SuccessionRecord[] {
    return this.#successions
  }

  has(id: Id): boolean {
    return this.#records.has(id)
  }
  record(id: Id): AnyRecord | undefined {
    return this.#records.get(id)
  }
  records(): Iterable<AnyRecord> {
    return this.#records.values()
  }
  /** By principal id. */
  principal(id: Id): PrincipalRecord | undefined {
    return this.#principals.get(id)
  }
  principals(): Iterable<PrincipalRecord> {
    return this.#principals.values()
  }
  cap(id: Id): CapRecord | undefined {
    const record = this.#records.get(id)
    return record?.type === recordType.cap ? record : undefined
  }
  capsUnder(parent: Id): readonly CapRecord[] {
    return this.#capsByParent.get(parent)
  }
  capsOf(subject: Id): readonly CapRecord[] {
    return this.#capsBySubject.get(subject)
  }
  revocationsOf(cap: Id): readonly RevocationRecord[] {
    return this.#revocationsByTarget.get(cap)
  }
  epoch(id: Id): EpochRecord | undefined {
    const record = this.#records.get(id)
    return record?.type === recordType.epoch ? record : undefined
  }
  epochsOf(zone: Id): readonly EpochRecord[] {
    return this.#epochsByZone.get(zone)
  }
  grant(id: Id): GrantRecord | undefined {
    const record = this.#records.get(id)
    return record?.type === recordType.grant ? record : undefined
  }
  /** Epochs that name this one among their previous ones. */
  epochsAfter(prev: Id): readonly EpochRecord[] {
    return this.#epochsByPrev.get(prev)
  }
  /** Grants over a zone or a block, revoked ones too. */
  grantsOver(target: Id): readonly GrantRecord[] {
    return this.#grantsByTarget.get(target)
  }
  /** Grants to a principal or link, revoked ones too. */
  grantsTo(recipient: Id): readonly GrantRecord[] {
    return this.#grantsByRecipient.get(recipient)
  }
  deliveriesOf(grant: Id): readonly DeliveryRecord[] {
    return this.#deliveriesByGrant.get(grant)
  }
  deliveriesUnder(epoch: Id): readonly DeliveryRecord[] {
    return this.#deliveriesByEpoch.get(epoch)
  }
  grantRevocationsOf(grant: Id): readonly GrantRevocationRecord[] {
    return this.#grantRevocationsByGrant.get(grant)
  }
  checkpoint(id: Id): CheckpointRecord | undefined {
    const record = this.#records.get(id)
    return record?.type === recordType.checkpoint ? record : undefined
  }
  checkpointsOf(zone: Id): readonly CheckpointRecord[] {
    return this.#checkpointsByZone.get(zone)
  }
  checkpointsAfter(prev: Id): readonly CheckpointRecord[] {
    return this.#checkpointsByPrev.get(prev)
  }
  endpointsOf(principal: Id): readonly EndpointRecord[] {
    return this.#endpointsBySigner.get(principal)
  }
  zoneBirth(zone: Id): ZoneBirth | undefined {
    return this.#births.get(zone)
  }
  zoneBirths(): Iterable<ZoneBirth> {
    return this.#births.values()
  }

  addZoneBirth(birth: ZoneBirth): void {
    if (this.#births.has(birth.zone)) return
    this.#births.set(birth.zone, birth)
    this.#change++
  }
  removeZoneBirth(zone: Id): void {
    if (this.#births.delete(zone)) this.#change++
  }

  /**
   * Headers and receipts are not kept here, and adding a record twice has no effect. A receipt over a record that is kept
   * counts as a change: it may make an epoch or a grant current.
   */
  add(record: AnyRecord): void {
    if (record.type === recordType.header) return
    if (record.type === recordType.receipt) {
      if (record.body.records.some((id) => this.#records.has(id))) this.#change++
      return
    }
    if (this.#records.has(record.id)) return
    this.#records.set(record.id, record)
    this.#change++
    switch (record.type) {
      case recordType.principal:
        return this.#principals.set(record.signer, record)
      case recordType.tree:
        this.#tree ??= record
        return
      case recordType.succession:
        this.#successions = [...this.#successions, record]
        return
      default:
        this.#list('add', record)
    }
  }

  /** For a batch that the store refused after it had become visible. */
  remove(record: AnyRecord): void {
    if (!this.#records.delete(record.id)) return
    this.#change++
    if (record.type === recordType.principal) this.#principals.delete(record.signer)
    else if (record.type === recordType.tree) this.#tree = undefined
    else if (record.type === recordType.succession) {
      this.#successions = this.#successions.filter((other) => !equalBytes(other.id, record.id))
    } else this.#list('remove', record)
  }

  #list(change: 'add' | 'remove', record: AnyRecord): void {
    switch (record.type) {
      case recordType.cap:
        if (record.body.parentCap !== undefined) this.#capsByParent[change](record.body.parentCap, record)
        return this.#capsBySubject[change](record.body.subject, record)
      case recordType.revocation:
        return this.#revocationsByTarget[change](record.body.target, record)
      case recordType.epoch:
        for (const prev of record.body.prev) this.#epochsByPrev[change](prev, record)
        return this.#epochsByZone[change](record.body.zone, record)
      case recordType.grant:
        this.#grantsByRecipient[change](record.body.recipient, record)
        return this.#grantsByTarget[change](record.body.target, record)
      case recordType.delivery:
        this.#deliveriesByGrant[change](record.body.grant, record)
        return this.#deliveriesByEpoch[change](record.body.epoch, record)
      case recordType.grantRevocation:
        return this.#grantRevocationsByGrant[change](record.body.grant, record)
      case recordType.checkpoint:
        for (const prev of record.body.prev) this.#checkpointsByPrev[change](prev, record)
        return this.#checkpointsByZone[change](record.body.zone, record)
      case recordType.endpoint:
        return this.#endpointsBySigner[change](record.signer, record)
      default:
    }
  }
}
