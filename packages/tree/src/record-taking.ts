/** Taking a record of any type: what it adds to the authority in memory, the rows, and the work that follows from it. */
import { type AcceptanceVerdict, checkRecord } from './acceptance.ts'
import { type HeaderExtras, type HeaderTaking, takeZoneBirth } from './header-taking.ts'
import { emptyValue, rowKey, rowPrefix } from './index-rows.ts'
import type { OpenChange } from './open-change.ts'
import type { AnyRecord, HeaderRecord, ReceiptRecord } from './records.ts'
import { recordType, scopeType } from './records.ts'
import type { TreeParts } from './tree-parts.ts'

export interface Taken {
  readonly verdict: AcceptanceVerdict
  /** Kept without counting. */
  readonly quarantined: boolean
}

export class RecordTaking {
  readonly #parts: TreeParts
  readonly #headers: HeaderTaking

  constructor(parts: TreeParts, headers: HeaderTaking) {
    this.#parts = parts
    this.#headers = headers
  }

  /** @param how `isLocal` for a record made here, which is judged now; another was judged when it came */
  take(open: OpenChange, record: AnyRecord, how: HeaderExtras & { readonly isLocal: boolean }): Taken {
    const verdict: AcceptanceVerdict = how.isLocal
      ? checkRecord(this.#parts.context, record)
      : { verdict: 'accepted' }
    if (verdict.verdict !== 'accepted') return { verdict, quarantined: false }
    if (record.type === recordType.header)
      return { verdict, quarantined: this.#headers.take(open, record, how) }
    if (!this.#parts.authority.has(record.id)) this.#takeOther(open, record)
    return { verdict, quarantined: false }
  }

  #takeAuthority(open: OpenChange, record: AnyRecord): void {
    this.#parts.authority.add(record)
    open.rows.put(rowKey(rowPrefix.authority, record.id), Uint8Array.of(record.type))
    if (record.type === recordType.cap && record.body.scopeType === scopeType.zone) {
      takeZoneBirth(this.#parts, open, record.body.scopeBirth)
    }
    const concerns =
      record.type === recordType.revocation ||
      record.type === recordType.succession ||
      record.type === recordType.checkpoint
    if (concerns) open.addFollowUp({ work: 'authority', record: record.id })
  }

  /** A record that is stored already, for making its rows again; in the pass for authority or the one for headers. */
  takeStored(open: OpenChange, record: AnyRecord, pass: 'authority' | 'headers'): void {
    if (record.type === recordType.header) {
      if (pass === 'headers') this.#headers.take(open, record, { inline: undefined, nameKey: undefined })
      else if (record.body.birth.zoneRoot) takeZoneBirth(this.#parts, open, record.body.birthBytes)
    } else if (pass === 'authority' && !this.#parts.authority.has(record.id)) {
      this.#takeOther(open, record)
    }
  }

  #takeOther(open: OpenChange, record: Exclude<AnyRecord, HeaderRecord>): void {
    open.addRecord(record, undefined)
    if (record.type === recordType.receipt) this.#takeReceipt(open, record)
    else this.#takeAuthority(open, record)
  }

  #takeReceipt(open: OpenChange, receipt: ReceiptRecord): void {
    this.#parts.authority.add(receipt)
    open.rows.put(rowKey(rowPrefix.heldReceipt, receipt.id), emptyValue)
    for (const id of receipt.body.records) {
      open.receipts.add(id, receipt) // a header of the same batch finds it before it is stored
      const key = rowKey(rowPrefix.receipt, id)
      const before = open.rows.get(key) ?? emptyValue
      const value = new Uint8Array(before.length + 32)
      value.set(before)
      value.set(receipt.id, before.length)
      open.rows.put(key, value)
    }
    open.addFollowUp({ work: 'authority', record: receipt.id })
  }
}
