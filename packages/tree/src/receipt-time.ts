/**
 * Time by receipts (B.7.5): what was written under a cap with an interval is valid when a holder of `host` for the zone
 * says that it had the record within that interval. A receipt is judged by its own time against its own chain.
 */
import { equalBytes } from '@blocktree/codec'
import type { CapChains } from './cap-chain.ts'
import { coversZone } from './covers.ts'
import type { HeldRecords } from './held-records.ts'
import type {
  CapBody,
  CheckpointRecord,
  EpochRecord,
  GrantRecord,
  HeaderRecord,
  Id,
  ReceiptRecord
} from './records.ts'
import { recordType, right } from './records.ts'
import { governingCuts, isCheckpointInCuts, isHeaderInCuts } from './revocation-cut.ts'

/** Clocks of honest hosts differ; a receipt this far outside an interval still counts. */
export const receiptToleranceMs: number = 10 * 60 * 1000

export type Interval = Pick<CapBody, 'notBefore' | 'notAfter'>

export function hasInterval(interval: Interval): boolean {
  return interval.notBefore !== undefined || interval.notAfter !== undefined
}

export function isWithinInterval(timeMs: number, interval: Interval): boolean {
  if (interval.notBefore !== undefined && timeMs < interval.notBefore - receiptToleranceMs) return false
  return interval.notAfter === undefined || timeMs <= interval.notAfter + receiptToleranceMs
}

/** What hosts give receipts over. */
export type Received = HeaderRecord | CheckpointRecord | EpochRecord | GrantRecord

/** True when a host that is trusted for time had the record, whenever that was. */
export function hasCountedReceipt(held: HeldRecords, chains: CapChains, record: Received, zone: Id): boolean {
  return held.receiptsOver(record.id).some((receipt) => isReceiptCounted(held, chains, receipt, record, zone))
}

/** True when a receipt that counts puts the record inside the interval. */
export function hasReceiptWithin(
  held: HeldRecords,
  chains: CapChains,
  record: Received,
  zone: Id,
  interval: Interval
): boolean {
  return held
    .receiptsOver(record.id)
    .some(
      (receipt) =>
        isWithinInterval(receipt.body.timeMs, interval) &&
        isReceiptCounted(held, chains, receipt, record, zone)
    )
}

function isReceiptCounted(
  held: HeldRecords,
  chains: CapChains,
  receipt: ReceiptRecord,
  record: Received,
  zone: Id
): boolean {
  if (!equalBytes(receipt.body.zone, zone)) return false
  const verdict = chains.ofSigner(receipt.signer, receipt.body.cap)
  if (verdict.verdict !== 'valid') return false
  if (coversZone(held.authority, verdict.chain, zone, right.host).verdict !== 'covered') return false
  const leaf = verdict.chain.links[0]
  if (leaf !== undefined && !isWithinInterval(receipt.body.timeMs, leaf.body)) return false
  const cuts = governingCuts(held.authority, verdict.chain)
  if (cuts === undefined) return true
  if (record.type === recordType.header) return isHeaderInCuts(held, cuts, record)
  return record.type === recordType.checkpoint && isCheckpointInCuts(held, cuts, record)
}
