/**
 * Write caps: signed permission for one principal within a zone (and the zones below it) or one block (B.7).
 * Caps form chains from the root; each link allows at most what the link above it allows. This file holds the
 * format and the comparison of two neighbouring links; the walk of a whole chain is in ./authority.ts.
 */
import { CanonicalReader, CanonicalWriter, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { blockId, decodeBirth, homeZone } from './birth.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import { birthBytesMax, zoneChainMax } from './limits.ts'
import type { Birth, CapBody, CapRecord, Id, Quota } from './records.ts'
import { recordType, right, scopeType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

const blockScopeRights = right.write | right.delegate
const u32Max = 0xffffffff

export function encodeCapBody(body: Draft<CapBody>): Uint8Array {
  const writer = new CanonicalWriter(384).array(13).bin(body.tree).uint(body.rootGeneration)
  writeOptionalId(writer, body.parentCap)
  writer.bin(body.subject).uint(body.scopeType).bin(body.scopeBirth).uint(body.rights).uint(body.depth)
  writer.optional(body.notBefore, (time) => writer.uint(time))
  writer.optional(body.notAfter, (time) => writer.uint(time))
  writer.optional(body.quota, (quota) =>
    writer.array(3).uint(quota.bytes).uint(quota.blocks).uint(quota.recordsPerDay)
  )
  writer.bin(body.nonce)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeCapBody(bytes: Uint8Array): CapBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(13)
  const body: CapBody = {
    tree: readId(reader),
    rootGeneration: reader.uint(u32Max),
    parentCap: readOptionalId(reader),
    subject: readId(reader),
    scopeType: reader.uint(1) === 0 ? scopeType.zone : scopeType.block,
    scopeBirth: reader.bin(birthBytesMax),
    rights: reader.uint(u32Max),
    depth: reader.uint(255),
    notBefore: reader.optional(() => reader.uint()),
    notAfter: reader.optional(() => reader.uint()),
    quota: reader.optional(() => readQuota(reader)),
    nonce: reader.binExact(16),
    ext: readExtensions(reader)
  }
  reader.end()
  const problem = capProblem(body)
  if (problem !== undefined) throw new TreeError('ERR_RECORD_FIELD', `a cap is refused: ${problem}`)
  return body
}

function readQuota(reader: CanonicalReader): Quota {
  reader.arrayOf(3)
  return { bytes: reader.uint(), blocks: reader.uint(), recordsPerDay: reader.uint() }
}

function capProblem(body: CapBody): string | undefined {
  const birth = decodeBirth(body.scopeBirth)
  if (!equalBytes(birth.tree, body.tree)) return 'its scope lies in another tree'
  if (body.scopeType === scopeType.zone && !birth.zoneRoot) return 'its zone scope is not a zone root'
  if (body.scopeType === scopeType.block && (body.rights & ~blockScopeRights) !== 0) {
    return 'a cap for one block gives at most write and delegate'
  }
  if ((body.notBefore ?? 0) > (body.notAfter ?? Number.MAX_SAFE_INTEGER)) return 'it ends before it begins'
  return undefined
}

/** The zone, or the one block, that the cap is about. */
export function capScope(crypto: CryptoProvider, body: Pick<CapBody, 'scopeBirth'>): Id {
  return blockId(crypto, body.scopeBirth)
}

/**
 * Signs a cap. With `parent` it must stay within that cap: ERR_CAP_ISSUER, ERR_CAP_WIDER, ERR_CAP_SCOPE.
 * @param zoneBirth births of zone roots, asked when the scope is not that of the parent
 */
export function issueCap(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Omit<Draft<CapBody>, 'parentCap'>,
  from?: { readonly parent: CapRecord; readonly zoneBirth?: (zone: Id) => Birth | undefined }
): CapRecord {
  const bodyBytes = encodeCapBody({ ...draft, parentCap: from?.parent.id })
  const cap = createRecord(crypto, recordType.cap, signer, bodyBytes, decodeCapBody)
  if (from !== undefined) {
    checkAttenuation(from.parent, cap)
    if (!isScopeInside(crypto, cap.body, from.parent.body, from.zoneBirth ?? (() => undefined))) {
      throw new TreeError(
        'ERR_CAP_SCOPE',
        'the scope of the new cap is not inside the scope of the cap above it'
      )
    }
  }
  return cap
}

/** Everything about two neighbouring links but their scopes (B.7.2 a to c): ERR_CAP_ISSUER, ERR_CAP_WIDER. */
export function checkAttenuation(parent: CapRecord, child: CapRecord): void {
  const issuer = issuerProblem(parent, child)
  if (issuer !== undefined) throw new TreeError('ERR_CAP_ISSUER', `a cap cannot be issued: ${issuer}`)
  const wider = widerProblem(parent.body, child.body)
  if (wider !== undefined) throw new TreeError('ERR_CAP_WIDER', `a cap cannot be issued: ${wider}`)
}

function issuerProblem(parent: CapRecord, child: CapRecord): string | undefined {
  if (child.body.parentCap === undefined || !equalBytes(child.body.parentCap, parent.id)) {
    return 'it does not name the cap above it'
  }
  if (!equalBytes(parent.body.subject, child.signer)) return 'the cap above it was given to another principal'
  if ((parent.body.rights & right.delegate) === 0) return 'the cap above it lacks the right "delegate"'
  if (!equalBytes(parent.body.tree, child.body.tree)) return 'the cap above it is for another tree'
  if (parent.body.rootGeneration !== child.body.rootGeneration) {
    return `the cap above it is of root generation ${parent.body.rootGeneration}`
  }
  return undefined
}

function widerProblem(parent: CapBody, child: CapBody): string | undefined {
  const extra = (child.rights & ~parent.rights) >>> 0
  if (extra !== 0) return `rights 0x${extra.toString(16)} are not among those of the cap above it`
  if (child.depth >= parent.depth) return `depth ${child.depth} is not below ${parent.depth}`
  if (parent.notBefore !== undefined && (child.notBefore ?? -1) < parent.notBefore) {
    return `it must not begin before ${parent.notBefore}`
  }
  if (parent.notAfter !== undefined && (child.notAfter ?? Infinity) > parent.notAfter) {
    return `it must end by ${parent.notAfter}`
  }
  return parent.quota === undefined || isWithinQuota(child.quota, parent.quota)
    ? undefined
    : 'its quota must be within the quota of the cap above it'
}

function isWithinQuota(quota: Quota | undefined, limit: Quota): boolean {
  return (
    quota !== undefined &&
    quota.bytes <= limit.bytes &&
    quota.blocks <= limit.blocks &&
    quota.recordsPerDay <= limit.recordsPerDay
  )
}

/** B.7.2 d. False also when a birth on the way is not known. */
export function isScopeInside(
  crypto: CryptoProvider,
  child: Pick<CapBody, 'scopeType' | 'scopeBirth'>,
  parent: Pick<CapBody, 'scopeType' | 'scopeBirth'>,
  zoneBirth: (zone: Id) => Birth | undefined
): boolean {
  if (equalBytes(child.scopeBirth, parent.scopeBirth) && child.scopeType === parent.scopeType) return true
  if (parent.scopeType === scopeType.block) return false
  const limit = capScope(crypto, parent)
  const scope = capScope(crypto, child)
  const birth = decodeBirth(child.scopeBirth)
  let zone: Id | undefined = child.scopeType === scopeType.zone ? birth.zone : homeZone(birth, scope)
  for (let links = 0; zone !== undefined && links < zoneChainMax; links++) {
    if (equalBytes(zone, limit)) return true
    zone = zoneBirth(zone)?.zone
  }
  return false
}
