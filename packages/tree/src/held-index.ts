/**
 * The read interface of the evaluation over a store: headers through a bounded cache, everything else by look-ups in the
 * derived rows. While a change is open its headers and rows are seen too.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { anchorsOf } from './anchor.ts'
import { basesOf } from './base.ts'
import type { Authority } from './authority.ts'
import type { CapChains } from './cap-chain.ts'
import type { HeldRecords, VersionedHead } from './held-records.ts'
import { BoundedMap, IdMap, IdSet } from './id-key.ts'
import {
  type BlockRow,
  decodeBlockRow,
  decodeHeads,
  emptyManifestValueBytes,
  readIds,
  rowKey,
  rowPrefix
} from './index-rows.ts'
import type { OpenChange } from './open-change.ts'
import type { BlockStore } from './ports.ts'
import { decodeRecord } from './record.ts'
import type { AnyRecord, CheckpointRecord, HeaderRecord, Id, ReceiptRecord } from './records.ts'
import { recordType } from './records.ts'
import { TreeError } from './tree-error.ts'

export class HeldIndex implements HeldRecords {
  readonly authority: Authority
  readonly headerCache: BoundedMap<HeaderRecord>
  /** Checkpoints whose manifest, entries and prev chain are held and match. */
  readonly complete: IdSet = new IdSet()
  /** Checkpoints that are not complete, but whose manifest was read to its end and is well formed: a cut may name them. */
  readonly readable: IdSet = new IdSet()
  /** The change that is being worked out. */
  open: OpenChange | undefined
  readonly #store: BlockStore
  readonly #crypto: CryptoProvider
  readonly #chains: CapChains
  readonly #anchors: IdMap<readonly CheckpointRecord[]> = new IdMap()
  readonly #bases: IdMap<readonly CheckpointRecord[]> = new IdMap()
  #anchorsChange = -1
  #forgotten = 0
  /** The sector beside the header that was read last: who asks for a header asks for it next. Handed out once. */
  #inline: { readonly id: Id; readonly bytes: Uint8Array } | undefined

  constructor(
    deps: { readonly store: BlockStore; readonly crypto: CryptoProvider; readonly headerCacheCount: number },
    authority: Authority,
    chains: CapChains
  ) {
    this.#store = deps.store
    this.#crypto = deps.crypto
    this.#chains = chains
    this.authority = authority
    this.headerCache = new BoundedMap(deps.headerCacheCount)
  }

  row(key: Uint8Array): Uint8Array | undefined {
    return this.open === undefined ? this.#store.index.get(key) : this.open.rows.get(key)
  }

  blockRow(block: Id): BlockRow | undefined {
    const bytes = this.row(rowKey(rowPrefix.block, block))
    return bytes === undefined ? undefined : decodeBlockRow(bytes)
  }

  header(id: Id, keep = true): HeaderRecord | undefined {
    const known = this.open?.headers.get(id) ?? this.headerCache.get(id)
    if (known !== undefined) return known
    const record = this.readRecord(id)
    if (record?.type !== recordType.header) return undefined
    if (keep) this.headerCache.set(id, record)
    return record
  }

  /** The inline sector stored beside a header, owned by the caller. */
  inlineOf(id: Id): Uint8Array | undefined {
    const last = this.#inline
    if (last === undefined || !equalBytes(last.id, id)) return this.#store.readRecord(id)?.inline
    this.#inline = undefined
    return last.bytes
  }

  /** Any record that the store holds, decoded; ERR_RECORD_DAMAGED when it is not what its id says. */
  readRecord(id: Id): AnyRecord | undefined {
    const stored = this.#store.readRecord(id)
    if (stored === undefined) return undefined
    const record = decodeRecord(this.#crypto, stored.bytes)
    this.#inline = stored.inline === undefined ? undefined : { id: record.id, bytes: stored.inline }
    if (equalBytes(record.id, id)) return record
    throw new TreeError('ERR_RECORD_DAMAGED', 'a stored record does not hash to its id: run check')
  }

  headersOf(block: Id): readonly HeaderRecord[] {
    const row = this.blockRow(block)
    const open: Id[] = [...(this.open?.newTips.get(block) ?? []), ...(row?.tips ?? [])]
    const headers: HeaderRecord[] = []
    const seen = new IdSet()
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (!seen.add(id)) continue
      const header = this.header(id)
      if (header === undefined || !equalBytes(header.body.block, block)) continue
      headers.push(header)
      open.push(...header.body.prev)
    }
    return headers
  }

  receiptsOver(id: Id): readonly ReceiptRecord[] {
    const stored = this.row(rowKey(rowPrefix.receipt, id))
    const receipts = [...(this.open?.receipts.get(id) ?? [])]
    for (const receiptId of stored === undefined ? [] : readIds(stored)) {
      const record = this.readRecord(receiptId)
      if (record?.type === recordType.receipt) receipts.push(record)
    }
    return receipts
  }

  manifestRow(checkpoint: Id, block: Id): readonly VersionedHead[] | undefined {
    const value = this.#manifestValue(checkpoint, block)
    return value === undefined || value.length === emptyManifestValueBytes
      ? undefined
      : decodeHeads(value.subarray(emptyManifestValueBytes))
  }

  isComplete(checkpoint: Id): boolean {
    return this.complete.has(checkpoint)
  }

  anchors(zone: Id): readonly CheckpointRecord[] {
    const change = this.authority.changeCount
    if (change !== this.#anchorsChange) {
      this.forgetAnchors()
      this.#anchorsChange = change
    }
    const known = this.#anchors.get(zone)
    if (known !== undefined) return known
    const anchors = anchorsOf(this, this.#chains, zone)
    this.#anchors.set(zone, anchors)
    return anchors
  }

  /** After a receipt or a completed checkpoint, which the count of authority records does not show. */
  forgetAnchors(): void {
    this.#forgotten++
    this.#anchors.clear()
    this.#bases.clear()
  }

  /** Another text when bases may be others, or what they list became known. */
  get basesChange(): string {
    return `${this.#forgotten} ${this.authority.changeCount} ${this.readable.size}`
  }

  bases(zone: Id): readonly CheckpointRecord[] {
    const anchors = this.anchors(zone) // forgets both when they may have changed
    const known = this.#bases.get(zone)
    if (known !== undefined) return known
    const bases = anchors.length === 0 ? [] : basesOf(this, zone)
    this.#bases.set(zone, bases)
    return bases
  }

  /** What its manifest lists counts: it was read to its end. */
  isListed(checkpoint: Id): boolean {
    // The rows that were read before the fault of a malformed manifest depend on how it was read: none of them counts.
    return this.complete.has(checkpoint) || this.readable.has(checkpoint)
  }

  isGrave(checkpoint: Id, block: Id): boolean {
    return this.#manifestValue(checkpoint, block)?.length === emptyManifestValueBytes
  }

  #manifestValue(checkpoint: Id, block: Id): Uint8Array | undefined {
    if (!this.isListed(checkpoint)) return undefined
    return this.row(rowKey(rowPrefix.manifest, checkpoint, block))
  }
}
