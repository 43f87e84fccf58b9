/**
 * Receipts: a host's signed promise that it stores records, and its word on the time (B.12). It proves a promise,
 * not possession; possession is challenged with fresh nonces.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readIdSet, readOptionalId, writeIdSet, writeOptionalId } from './id-set.ts'
import { receiptRecordsMax } from './limits.ts'
import type { ReceiptBody, ReceiptRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

/** What a receipt covers: the header alone, or the payload too. */
export const coverage = { header: 1, payload: 2 } as const
/** When the host answered: when queued, after the sync of its group, after a sync of its own. */
export const durabilityClass = { none: 0, group: 1, each: 2 } as const

export function encodeReceiptBody(body: Draft<ReceiptBody>): Uint8Array {
  const writer = new CanonicalWriter(256).array(12).bin(body.tree).bin(body.zone)
  writeIdSet(writer, body.records)
  writer.uint(body.coverage).uint(body.durability).uint(body.timeMs)
  writer.optional(body.keepUntilMs, (time) => writer.uint(time))
  writer.optional(body.term, (term) => writer.uint(term))
  writer.optional(body.fence, (fence) => writer.uint(fence))
  writer.optional(body.challenge, ({ nonce, proof }) => writer.array(2).bin(nonce).bin(proof))
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeReceiptBody(bytes: Uint8Array): ReceiptBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(12)
  const body: ReceiptBody = {
    tree: readId(reader),
    zone: readId(reader),
    records: readIdSet(reader, receiptRecordsMax, 1),
    coverage: reader.uint(2, 1) === 1 ? coverage.header : coverage.payload,
    durability: readDurability(reader),
    timeMs: reader.uint(),
    keepUntilMs: reader.optional(() => reader.uint()),
    term: reader.optional(() => reader.uint()),
    fence: reader.optional(() => reader.uint()),
    challenge: reader.optional(() => {
      reader.arrayOf(2)
      return { nonce: reader.binExact(16), proof: readId(reader) }
    }),
    cap: readOptionalId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

function readDurability(reader: CanonicalReader): ReceiptBody['durability'] {
  const code = reader.uint(2)
  if (code === 0) return durabilityClass.none
  return code === 1 ? durabilityClass.group : durabilityClass.each
}

export function createReceipt(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<ReceiptBody>
): ReceiptRecord {
  return createRecord(crypto, recordType.receipt, signer, encodeReceiptBody(draft), decodeReceiptBody)
}
