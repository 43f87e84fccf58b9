/**
 * Acceptance of records, steps 2 to 4 of B.8: what rests on the record's own bytes and on records that it names by id.
 * Never on revocations, checkpoints, the current root or absence, so that a refusal is right for ever and everywhere.
 * Decoding (step 1) is ./record.ts, the signature (step 5) is verified after these cheap comparisons, storing and
 * evaluation (6 to 9) are ./offer-intake.ts and ./header-taking.ts.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Authority } from './authority.ts'
import { homeZone } from './birth.ts'
import type { CapChain, CapChains } from './cap-chain.ts'
import { isRoot } from './cap-chain.ts'
import { type CoverVerdict, coversBlock, coversHeader, coversZone } from './covers.ts'
import type {
  AnyRecord,
  CheckpointRecord,
  DeliveryRecord,
  EpochRecord,
  GrantRecord,
  GrantRevocationRecord,
  HeaderRecord,
  Id,
  ReceiptRecord,
  RevocationRecord,
  SuccessionRecord
} from './records.ts'
import { grantTarget, recordType, right } from './records.ts'
import { zoneChain } from './scope.ts'
import type { TreeErrorCode } from './tree-error.ts'
import { recoveryCommitment } from './tree-record.ts'

/** `parked`: something it names is not held, or this version cannot judge it (then `missing` is undefined). */
export type AcceptanceVerdict =
  | { readonly verdict: 'accepted' }
  | {
      readonly verdict: 'parked'
      readonly missing: Id | undefined
      readonly code: TreeErrorCode
      readonly message: string
    }
  | { readonly verdict: 'refused'; readonly code: TreeErrorCode; readonly message: string }

export interface AcceptanceContext {
  readonly authority: Authority
  readonly chains: CapChains
  readonly crypto: CryptoProvider
  /** The zone of a block of which a header is held. */
  homeOf(block: Id): Id | undefined
}

const accepted: AcceptanceVerdict = { verdict: 'accepted' }

function parked(missing: Id, what: string): AcceptanceVerdict {
  return { verdict: 'parked', missing, code: 'ERR_RECORD_MISSING', message: `${what} is not held` }
}

function refused(code: TreeErrorCode, message: string): AcceptanceVerdict {
  return { verdict: 'refused', code, message }
}

function fromCover(verdict: CoverVerdict): AcceptanceVerdict {
  if (verdict.verdict === 'covered') return accepted
  return verdict.verdict === 'missing' ? parked(verdict.missing, 'a zone birth') : verdict
}

/** Judges a decoded record whose signature is still to be verified. */
export function checkRecord(context: AcceptanceContext, record: AnyRecord): AcceptanceVerdict {
  if (record.type === recordType.principal) return accepted
  const { authority } = context
  if (authority.principal(record.signer) === undefined)
    return parked(record.signer, 'the principal of the signer')
  if (record.type === recordType.tree) {
    return authority.tree === undefined || equalBytes(authority.tree.id, record.id)
      ? accepted
      : refused('ERR_TREE_FOREIGN', 'another tree is kept here')
  }
  const foreign = checkTree(authority, record)
  if (foreign !== undefined) return foreign
  switch (record.type) {
    case recordType.succession:
      return checkSuccession(context, record)
    case recordType.cap: {
      const verdict = context.chains.check(record)
      if (verdict.verdict === 'missing') return parked(verdict.missing, 'a link of the cap chain')
      return verdict.verdict === 'valid' ? accepted : refused(verdict.code, verdict.message)
    }
    case recordType.revocation:
      return checkRevocation(context, record)
    case recordType.epoch:
      return checkEpoch(context, record)
    case recordType.grant:
      return checkGrant(context, record)
    case recordType.delivery:
      return checkDelivery(context, record)
    case recordType.grantRevocation:
      return checkGrantRevocation(context, record)
    case recordType.header:
      return checkHeader(context, record)
    case recordType.checkpoint:
      return checkCheckpoint(context, record)
    case recordType.receipt:
      return checkReceipt(context, record)
    case recordType.endpoint:
      return accepted
  }
}

function checkTree(authority: Authority, record: AnyRecord): AcceptanceVerdict | undefined {
  const named = treeOf(record)
  if (named === undefined) return undefined
  if (authority.tree === undefined) return parked(named, 'the tree record')
  if (equalBytes(authority.tree.id, named)) return undefined
  return refused('ERR_TREE_FOREIGN', 'the record belongs to another tree than the one kept here')
}

function treeOf(record: AnyRecord): Id | undefined {
  if (record.type === recordType.header) return record.body.birth.tree
  return 'tree' in record.body ? record.body.tree : undefined
}

/** The chain under which a record was signed, handed to `then`. */
function underChain(
  context: AcceptanceContext,
  record: { readonly signer: Id; readonly body: { readonly cap: Id | undefined } },
  then: (chain: CapChain) => AcceptanceVerdict
): AcceptanceVerdict {
  const verdict = context.chains.ofSigner(record.signer, record.body.cap)
  if (verdict.verdict === 'missing')
    return parked(verdict.missing, 'a link of the cap chain, or the root generation,')
  return verdict.verdict === 'valid' ? then(verdict.chain) : refused(verdict.code, verdict.message)
}

/** Zone births are held up to the root block. */
function checkZone(authority: Authority, zone: Id): AcceptanceVerdict | undefined {
  const chain = zoneChain(authority, zone)
  if (chain.tooLong) return refused('ERR_CAP_SCOPE', 'zones are nested too deep')
  return chain.missing === undefined ? undefined : parked(chain.missing, 'a zone birth')
}

function checkSuccession(
  { authority, crypto }: AcceptanceContext,
  record: SuccessionRecord
): AcceptanceVerdict {
  const before = authority.record(record.body.prev)
  // Held as another type counts as not held, as for every other name in a record.
  if (before?.type !== recordType.tree && before?.type !== recordType.succession)
    return parked(record.body.prev, 'the record before this succession')
  let generation: number
  let commitment: Id | undefined
  if (before.type === recordType.tree) {
    generation = 0
    commitment = before.body.recovery
  } else {
    generation = before.body.generation
    commitment = before.body.newRecovery
  }
  if (record.body.generation !== generation + 1) {
    return refused('ERR_SUCCESSION_SIGNER', `generation ${record.body.generation} follows ${generation}`)
  }
  if (commitment === undefined || !equalBytes(commitment, recoveryCommitment(crypto, record.signer))) {
    return refused('ERR_SUCCESSION_SIGNER', 'the signer is not the committed recovery principal')
  }
  return accepted
}

function checkRevocation(
  { authority, chains }: AcceptanceContext,
  record: RevocationRecord
): AcceptanceVerdict {
  const target = chains.ofCap(record.body.target)
  if (target.verdict !== 'valid') return parked(record.body.target, 'the cap to revoke')
  const by = record.body.by
  if (by === undefined) {
    return isRoot(authority, record.signer)
      ? accepted
      : parked(record.signer, 'the root generation of the signer')
  }
  const above = target.chain.links.slice(1).find((link) => equalBytes(link.id, by))
  if (above !== undefined && equalBytes(above.body.subject, record.signer)) return accepted
  return refused(
    'ERR_REVOCATION_SIGNER',
    'only the root or the subject of a link above the target may revoke it'
  )
}

function checkEpoch(context: AcceptanceContext, record: EpochRecord): AcceptanceVerdict {
  const { authority } = context
  const zone = checkZone(authority, record.body.zone)
  if (zone !== undefined) return zone
  let number = 0
  for (const prev of record.body.prev) {
    const before = authority.epoch(prev)
    if (before === undefined) return parked(prev, 'a previous epoch')
    if (!equalBytes(before.body.zone, record.body.zone)) {
      return refused('ERR_RECORD_FIELD', 'an epoch follows one of another zone')
    }
    number = Math.max(number, before.body.number)
  }
  if (record.body.number !== number + 1) {
    return refused('ERR_RECORD_FIELD', `epoch ${record.body.number} follows epoch ${number}`)
  }
  return underChain(context, record, (chain) =>
    fromCover(coversZone(authority, chain, record.body.zone, right.grant))
  )
}

function checkGrant(context: AcceptanceContext, record: GrantRecord): AcceptanceVerdict {
  return underChain(context, record, (chain) => coversGrant(context, chain, record, right.grant))
}

/** The target of a grant lies in the chain's scope and the leaf has one of the rights. */
function coversGrant(
  context: AcceptanceContext,
  chain: CapChain,
  grant: GrantRecord,
  rightNeeded: number
): AcceptanceVerdict {
  const { target, targetType } = grant.body
  if (targetType === grantTarget.zone) {
    return (
      checkZone(context.authority, target) ??
      fromCover(coversZone(context.authority, chain, target, rightNeeded))
    )
  }
  const home = context.homeOf(target)
  if (home === undefined) return parked(target, 'a header of the granted block')
  const act = { block: target, home, rights: rightNeeded }
  return fromCover(coversBlock(context.authority, chain, act, 'ERR_CAP_RIGHTS'))
}

function checkDelivery(context: AcceptanceContext, record: DeliveryRecord): AcceptanceVerdict {
  const grant = context.authority.grant(record.body.grant)
  if (grant === undefined) return parked(record.body.grant, 'the grant')
  const epoch = context.authority.epoch(record.body.epoch)
  if (epoch === undefined) return parked(record.body.epoch, 'the epoch')
  const ofBlock = grant.body.targetType === grantTarget.block
  if (ofBlock !== (record.body.keyVersion !== undefined)) {
    return refused('ERR_RECORD_FIELD', 'a delivery has a key version for a block grant, and only for one')
  }
  const zone = ofBlock ? context.homeOf(grant.body.target) : grant.body.target
  if (zone === undefined) return parked(grant.body.target, 'a header of the granted block')
  // Else whoever shares one zone could make it look as if the key of another one had been given away.
  if (!equalBytes(epoch.body.zone, zone)) {
    return refused('ERR_RECORD_FIELD', 'a delivery hands out a key of another zone than its grant is about')
  }
  return underChain(context, record, (chain) => {
    const verdict = coversGrant(context, chain, grant, right.grant)
    // Whoever writes a shared block hands its new key to those who could read it before.
    return ofBlock && verdict.verdict === 'refused'
      ? coversGrant(context, chain, grant, right.write)
      : verdict
  })
}

function checkGrantRevocation(context: AcceptanceContext, record: GrantRevocationRecord): AcceptanceVerdict {
  const grant = context.authority.grant(record.body.grant)
  if (grant === undefined) return parked(record.body.grant, 'the grant to revoke')
  if (equalBytes(grant.signer, record.signer)) return accepted
  return underChain(context, record, (chain) => coversGrant(context, chain, grant, right.grant))
}

function checkHeader(context: AcceptanceContext, record: HeaderRecord): AcceptanceVerdict {
  const { authority } = context
  const { birth, block } = record.body
  const home = homeZone(birth, block)
  if (birth.zone === undefined) {
    const root = authority.tree?.body.root
    if (root === undefined || !equalBytes(birth.creator, root)) {
      return refused('ERR_HEADER_CREATOR', 'the root block is not that of this tree')
    }
  } else {
    const zone = checkZone(authority, home)
    if (zone !== undefined) return zone
  }
  const isPublic = birth.zone === undefined ? birth.public : authority.zoneBirth(home)?.birth.public === true
  if (isPublic !== (record.body.epoch === undefined)) {
    return refused('ERR_HEADER_FIELD', 'a header names an epoch in private zones, and only there')
  }
  // The root block comes before the first epoch of its zone, which needs its birth; only an admin of it all signs it.
  if (birth.zone !== undefined && record.body.epoch !== undefined) {
    const epoch = checkEpochOf(authority, record.body.epoch, home)
    if (epoch !== undefined) return epoch
  }
  if (record.body.version === 1 && !equalBytes(record.signer, birth.creator)) {
    return refused('ERR_HEADER_CREATOR', 'version 1 is not signed by the creator named in the birth')
  }
  return underChain(context, record, (chain) => {
    if (record.body.version === 1 && birth.rank !== chain.links.length) {
      return refused(
        'ERR_HEADER_CREATOR',
        `the birth has rank ${birth.rank}, its chain ${chain.links.length} links`
      )
    }
    return fromCover(coversHeader(authority, chain, record.body))
  })
}

/** A header under the key of another zone would show its content to the readers of that zone, and hide it from its own. */
function checkEpochOf(authority: Authority, id: Id, home: Id): AcceptanceVerdict | undefined {
  const epoch = authority.epoch(id)
  if (epoch === undefined) return parked(id, 'the epoch')
  if (equalBytes(epoch.body.zone, home)) return undefined
  return refused('ERR_HEADER_FIELD', 'a header names an epoch of another zone than its own')
}

function checkCheckpoint(context: AcceptanceContext, record: CheckpointRecord): AcceptanceVerdict {
  return (
    checkZone(context.authority, record.body.zone) ??
    underChain(context, record, (chain) =>
      fromCover(coversZone(context.authority, chain, record.body.zone, right.admin))
    )
  )
}

function checkReceipt(context: AcceptanceContext, record: ReceiptRecord): AcceptanceVerdict {
  return (
    checkZone(context.authority, record.body.zone) ??
    underChain(context, record, (chain) =>
      fromCover(coversZone(context.authority, chain, record.body.zone, right.host | right.keep))
    )
  )
}
