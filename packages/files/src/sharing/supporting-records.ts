/**
 * Records with everything that they rest on, each after what it names: who signed, the caps above, the grant of a
 * delivery, the epochs before (MODEL B.8). What is sent in this order is taken without waiting.
 */
import {
  type AnyRecord,
  type Authority,
  type Id,
  type PrincipalRecord,
  recordType,
  zoneChain
} from '@blocktree/tree'
import { idKey } from '../id-key.ts'

export class SupportingRecords {
  readonly #authority: Authority
  readonly #seen = new Set<string>()
  readonly #records: AnyRecord[] = []
  readonly #births = new Map<string, Uint8Array>()

  constructor(authority: Authority) {
    this.#authority = authority
    const { tree } = authority
    if (tree === undefined) return
    this.add(tree)
    for (const succession of authority.successions) this.add(succession)
  }

  /** In an order in which each record follows what it rests on. */
  get records(): readonly AnyRecord[] {
    return this.#records
  }

  /** Births of the zones concerned and of those around them, outermost first. */
  get births(): readonly Uint8Array[] {
    return [...this.#births.values()]
  }

  addZone(zone: Id): void {
    for (const link of zoneChain(this.#authority, zone).zones.toReversed()) {
      const birth = this.#authority.zoneBirth(link)
      if (birth !== undefined) this.#births.set(idKey(link), birth.bytes)
    }
  }

  addPrincipal(id: Id): void {
    const record = this.#authority.principal(id)
    if (record !== undefined) this.add(record)
  }

  add(record: AnyRecord): void {
    const open = [{ record, isEntered: false }]
    for (let top = open.pop(); top !== undefined; top = open.pop()) {
      if (top.isEntered) {
        this.#records.push(top.record)
        continue
      }
      if (this.#seen.has(idKey(top.record.id))) continue
      this.#seen.add(idKey(top.record.id))
      open.push({ record: top.record, isEntered: true })
      for (const needed of this.#needs(top.record)) open.push({ record: needed, isEntered: false })
    }
  }

  #needs(record: AnyRecord): readonly AnyRecord[] {
    const authority = this.#authority
    const signer = record.type === recordType.principal ? undefined : authority.principal(record.signer)
    const ids: Id[] = []
    let subject: PrincipalRecord | undefined
    switch (record.type) {
      case recordType.succession:
        ids.push(record.body.prev)
        break
      case recordType.cap:
        if (record.body.parentCap !== undefined) ids.push(record.body.parentCap)
        subject = authority.principal(record.body.subject) // signs what is written under it
        break
      case recordType.revocation:
        ids.push(record.body.target)
        if (record.body.by !== undefined) ids.push(record.body.by)
        break
      case recordType.epoch:
        ids.push(...record.body.prev)
        this.addZone(record.body.zone)
        break
      case recordType.grant:
        if (authority.zoneBirth(record.body.target) !== undefined) this.addZone(record.body.target)
        break
      case recordType.delivery:
        ids.push(record.body.grant, record.body.epoch)
        break
      case recordType.grantRevocation:
        ids.push(record.body.grant)
        break
      case recordType.header:
        if (record.body.epoch !== undefined) ids.push(record.body.epoch)
        break
      case recordType.checkpoint:
        ids.push(...record.body.prev)
        this.addZone(record.body.zone)
        break
      default:
    }
    const cap = capOf(record)
    if (cap !== undefined) ids.push(cap)
    const needed = ids.flatMap((id) => authority.record(id) ?? [])
    for (const principal of [subject, signer]) if (principal !== undefined) needed.push(principal)
    return needed
  }
}

function capOf(record: AnyRecord): Id | undefined {
  return 'cap' in record.body ? record.body.cap : undefined
}
