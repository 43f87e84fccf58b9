/**
 * Promises of others (spec 28, section 9): receipts over records held here, each verified when it came, kept in local
 * rows. They are no records of the tree: what others promised this node changes nothing about what is valid (B.7.5).
 */
import { CanonicalReader, CanonicalWriter, recordBytesMax } from '@blocktree/codec'
import {
  type Id,
  type IndexRow,
  type ReceiptRecord,
  coverage,
  decodeRecord,
  durabilityClass,
  recordType,
  right,
  verifyRecordSignature
} from '@blocktree/tree'
import type { HolderTrust } from './holder-trust.ts'
import { localKey, localPrefix, localRows } from './local-rows.ts'
import type { SyncPorts } from './ports.ts'
import { SyncError } from './sync-error.ts'

/** What one node promised about one record. */
export interface Promised {
  readonly holder: Id
  readonly receipt: Id
  readonly coverage: 'header' | 'payload'
  readonly durability: 'none' | 'group' | 'each'
  /** When the holder signed, by its clock. */
  readonly timeMs: number
  /** When it was last found true by a challenge, by our clock; undefined: never asked. */
  readonly checkedMs: number | undefined
  /** `ended`: its right ended; `stale`: it was not seen for long. */
  readonly state: 'good' | 'failed' | 'ended' | 'stale'
}

const format = 1

/** Of one promise, as it stands in its row. */
interface Entry {
  readonly receipt: Id
  readonly coverage: number
  readonly durability: number
  readonly timeMs: number
  readonly checkedMs: number | undefined
  readonly isGood: boolean
}

export class PromiseBook {
  readonly #ports: SyncPorts
  readonly #trust: Pick<HolderTrust, 'isTrusted'>

  /** @param trust holders that were found to lie: nothing of theirs is good */
  constructor(ports: SyncPorts, trust: Pick<HolderTrust, 'isTrusted'>) {
    this.#ports = ports
    this.#trust = trust
  }

  /**
   * Checks and keeps a receipt that a peer gave.
   * @returns the records that it promises, of those asked for
   * @throws ERR_SYNC_PEER_WRONG when it is no receipt of this peer for this zone
   */
  async add(
    holder: Id,
    bytes: Uint8Array,
    asked: { readonly zone: Id; readonly records: readonly Id[]; readonly coverage: 1 | 2 }
  ): Promise<readonly Id[]> {
    const receipt = this.#verify(holder, bytes, asked)
    const wanted = new Set(asked.records.map((id) => id.toHex()))
    const records = receipt.body.records.filter((id) => wanted.has(id.toHex()))
    const entry: Entry = {
      receipt: receipt.id,
      coverage: receipt.body.coverage,
      durability: receipt.body.durability,
      timeMs: receipt.body.timeMs,
      checkedMs: undefined,
      isGood: true
    }
    const rows: IndexRow[] = [{ key: localKey(localPrefix.receipt, receipt.id), value: bytes }]
    for (const record of records) {
      // what was found broken is good again by a proof, not by one more promise
      const isGood = this.#entry(record, holder)?.isGood ?? true
      rows.push(rowOf(record, holder, { ...entry, isGood }))
    }
    await this.#ports.store.commit({ local: rows }, { durability: 'none' })
    return records
  }

  /** The holder itself says that it does not keep these: what it promised before counts no more. */
  async retract(holder: Id, records: readonly Id[]): Promise<void> {
    const local = records
      .filter((record) => this.#entry(record, holder)?.isGood === true)
      .map((record) => ({ key: localKey(localPrefix.promise, record, holder), value: undefined }))
    if (local.length > 0) await this.#ports.store.commit({ local }, { durability: 'none' })
  }

  /** Every promise about a record. */
  async of(record: Id): Promise<readonly Promised[]> {
    const promised: Promised[] = []
    const prefix = localKey(localPrefix.promise, record)
    for await (const [holder, value] of localRows(this.#ports.store, prefix)) {
      const entry = decodeEntry(value)
      if (entry !== undefined && holder.length === 32) promised.push(this.#shown(holder, entry))
    }
    return promised
  }

  /** What one holder promised about a record, in one look-up. */
  from(record: Id, holder: Id): Promised | undefined {
    const entry = this.#entry(record, holder)
    return entry === undefined ? undefined : this.#shown(holder, entry)
  }

  /** The signed bytes of a receipt. */
  receipt(id: Id): Uint8Array | undefined {
    return this.#ports.store.local.get(localKey(localPrefix.receipt, id))
  }

  /** Promises in order of their records, from after this one on: for whoever checks them. */
  async *all(after?: Uint8Array): AsyncGenerator<{ readonly record: Id; readonly promised: Promised }> {
    for await (const [rest, value] of localRows(this.#ports.store, localPrefix.promise)) {
      if (after !== undefined && rest.toHex() <= after.toHex()) continue
      const entry = decodeEntry(value)
      if (entry !== undefined && rest.length === 64)
        yield { record: rest.slice(0, 32), promised: this.#shown(rest.slice(32), entry) }
    }
  }

  /** The outcome of a challenge. */
  async check(record: Id, holder: Id, isGood: boolean): Promise<void> {
    const entry = this.#entry(record, holder)
    if (entry === undefined) return
    const checked = { ...entry, isGood, checkedMs: this.#ports.clock.now() }
    await this.#ports.store.commit({ local: [rowOf(record, holder, checked)] }, { durability: 'none' })
  }

  #shown(holder: Id, entry: Entry): Promised {
    const durability = (['none', 'group', 'each'] as const)[entry.durability] ?? 'none'
    const covers = entry.coverage === coverage.payload ? 'payload' : 'header'
    const { receipt, timeMs, checkedMs } = entry
    return {
      holder,
      receipt,
      coverage: covers,
      durability,
      timeMs,
      checkedMs,
      state: entry.isGood && this.#trust.isTrusted(holder) ? 'good' : 'failed'
    }
  }

  #entry(record: Id, holder: Id): Entry | undefined {
    const value = this.#ports.store.local.get(localKey(localPrefix.promise, record, holder))
    return value === undefined ? undefined : decodeEntry(value)
  }

  #verify(
    holder: Id,
    bytes: Uint8Array,
    { zone, coverage: asked }: { readonly zone: Id; readonly coverage: 1 | 2 }
  ): ReceiptRecord {
    const { crypto, tree, clock } = this.#ports
    try {
      const record = decodeRecord(crypto, bytes)
      const key = tree.authority.principal(holder)?.body.signingPublicKey
      const isRight =
        record.type === recordType.receipt &&
        record.signer.toHex() === holder.toHex() &&
        record.body.zone.toHex() === zone.toHex() &&
        record.body.tree.toHex() === tree.tree?.toHex() &&
        record.body.durability >= durabilityClass.group &&
        record.body.coverage >= asked && // of headers alone is no promise of what was asked for
        (record.body.keepUntilMs ?? Infinity) > clock.now() &&
        (tree.explainInside(holder, zone, right.host).allowed ||
          tree.explainInside(holder, zone, right.keep).allowed)
      if (!isRight || key === undefined)
        throw new TypeError('it is for another zone, tree or holder, or promises less')
      verifyRecordSignature(crypto, record, key)
      return record
    } catch (cause) {
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'the answer is no receipt of this peer for this zone', {
        cause
      })
    }
  }
}

function rowOf(record: Id, holder: Id, entry: Entry): IndexRow {
  const writer = new CanonicalWriter(96).array(7).uint(format).bin(entry.receipt).uint(entry.coverage)
  writer.uint(entry.durability).uint(entry.timeMs)
  writer.optional(entry.checkedMs, (time) => writer.uint(time))
  return { key: localKey(localPrefix.promise, record, holder), value: writer.boolean(entry.isGood).finish() }
}

function decodeEntry(value: Uint8Array): Entry | undefined {
  try {
    const reader = new CanonicalReader(value.subarray(0, recordBytesMax))
    reader.arrayOf(7)
    if (reader.uint() !== format) return undefined
    const receipt = reader.binExact(32).slice()
    const entry = { receipt, coverage: reader.uint(2, 1), durability: reader.uint(2), timeMs: reader.uint() }
    const checkedMs = reader.optional(() => reader.uint())
    const isGood = reader.boolean()
    reader.end()
    return { ...entry, checkedMs, isGood }
  } catch {
    return undefined
  }
}
