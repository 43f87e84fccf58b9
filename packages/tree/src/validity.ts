/**
 * Validity of headers and checkpoints (B.8.9): authorised by a chain, inside the governing cuts when the chain was
 * revoked or succeeded, and inside the cap's interval by a receipt when it has one. A pure function of what is held.
 */
import type { CapChain, CapChains } from './cap-chain.ts'
import { coversHeader, coversZone } from './covers.ts'
import { homeZone } from './birth.ts'
import type { HeldRecords } from './held-records.ts'
import { hasInterval, hasReceiptWithin } from './receipt-time.ts'
import type { CheckpointRecord, EpochRecord, GrantRecord, HeaderRecord, Id } from './records.ts'
import { grantTarget, recordType, right } from './records.ts'
import { type CutMembers, governingCuts, isCheckpointInCuts, isHeaderInCuts } from './revocation-cut.ts'

/** @param members shared by the headers of one block while nothing that is held changes */
export function isHeaderValid(
  held: HeldRecords,
  chains: CapChains,
  header: HeaderRecord,
  members?: CutMembers
): boolean {
  const verdict = chains.ofSigner(header.signer, header.body.cap)
  if (verdict.verdict !== 'valid') return false
  if (coversHeader(held.authority, verdict.chain, header.body).verdict !== 'covered') return false
  const zone = homeZone(header.body.birth, header.body.block)
  return isRecordValid(held, chains, header, { chain: verdict.chain, zone, members })
}

export function isCheckpointValid(
  held: HeldRecords,
  chains: CapChains,
  checkpoint: CheckpointRecord
): boolean {
  const verdict = chains.ofSigner(checkpoint.signer, checkpoint.body.cap)
  if (verdict.verdict !== 'valid') return false
  const { zone } = checkpoint.body
  if (coversZone(held.authority, verdict.chain, zone, right.admin).verdict !== 'covered') return false
  return isRecordValid(held, chains, checkpoint, { chain: verdict.chain, zone, members: undefined })
}

function isRecordValid(
  held: HeldRecords,
  chains: CapChains,
  record: HeaderRecord | CheckpointRecord,
  { chain, zone, members }: { chain: CapChain; zone: Id; members: CutMembers | undefined }
): boolean {
  const leaf = chain.links[0]
  if (leaf !== undefined && hasInterval(leaf.body)) {
    if (!hasReceiptWithin(held, chains, record, zone, leaf.body)) return false
  }
  const cuts = governingCuts(held.authority, chain)
  if (cuts === undefined) return true
  return record.type === recordType.header
    ? isHeaderInCuts(held, cuts, record, members)
    : isCheckpointInCuts(held, cuts, record)
}

/** True when nothing but the static check decides: no revocation or succession hits the chain, and it has no interval. */
export function isUnconditional(held: Pick<HeldRecords, 'authority'>, chain: CapChain): boolean {
  const leaf = chain.links[0]
  if (leaf !== undefined && hasInterval(leaf.body)) return false
  return governingCuts(held.authority, chain) === undefined
}

/**
 * True when an epoch or a grant may serve for what is written now. A revoked one goes on opening what was sealed with
 * it; one under a cap with an interval needs a receipt, else it opens but is never current.
 */
export function isCurrentAuthority(
  held: HeldRecords,
  chains: CapChains,
  record: EpochRecord | GrantRecord
): boolean {
  const verdict = chains.ofSigner(record.signer, record.body.cap)
  if (verdict.verdict !== 'valid') return false
  if (
    isAboutZone(record) &&
    coversZone(held.authority, verdict.chain, zoneOfAuthority(held, record), right.grant).verdict !==
      'covered'
  ) {
    return false
  }
  if (governingCuts(held.authority, verdict.chain) !== undefined) return false
  const leaf = verdict.chain.links[0]
  if (leaf === undefined || !hasInterval(leaf.body)) return true
  return hasReceiptWithin(held, chains, record, zoneOfAuthority(held, record), leaf.body)
}

function isAboutZone(record: EpochRecord | GrantRecord): boolean {
  return record.type === recordType.epoch || record.body.targetType === grantTarget.zone
}

/** The zone whose hosts give receipts over it: of a grant for one block, the home of the block. */
function zoneOfAuthority(held: HeldRecords, record: EpochRecord | GrantRecord): Id {
  if (record.type === recordType.epoch) return record.body.zone
  const { target } = record.body
  const header = record.body.targetType === grantTarget.block ? held.headersOf(target)[0] : undefined
  return header === undefined ? target : homeZone(header.body.birth, target)
}
