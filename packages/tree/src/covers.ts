/**
 * What a chain allows (B.7.3): a header is authorised when its block lies in the scope of the leaf and the leaf has the
 * right for what the header does. Only immutable facts are read: births, caps, the header itself.
 */
import { equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import { homeZone } from './birth.ts'
import type { CapChain } from './cap-chain.ts'
import type { HeaderBody, Id } from './records.ts'
import { blockState, right, scopeType } from './records.ts'
import { isZoneInside } from './scope.ts'
import type { TreeErrorCode } from './tree-error.ts'

export type CoverVerdict =
  | { readonly verdict: 'covered' }
  | { readonly verdict: 'missing'; readonly missing: Id }
  | { readonly verdict: 'refused'; readonly code: TreeErrorCode; readonly message: string }

const covered: CoverVerdict = { verdict: 'covered' }

/** Rights that the act of this header needs, all of them. */
export function rightsNeeded(header: Pick<HeaderBody, 'birth' | 'version' | 'state'>): number {
  if (header.birth.zoneRoot) return right.admin
  const deletes = header.state === blockState.deleted ? right.delete : 0
  if (header.version === 1) return right.create | deletes
  return deletes === 0 ? right.write : deletes
}

export function coversHeader(authority: Authority, chain: CapChain, header: HeaderBody): CoverVerdict {
  const home = homeZone(header.birth, header.block)
  return coversBlock(authority, chain, { block: header.block, home, rights: rightsNeeded(header) })
}

/** @param code of a refusal: ERR_HEADER_RIGHT for headers, ERR_CAP_RIGHTS for other records about a block */
export function coversBlock(
  authority: Authority,
  chain: CapChain,
  act: { readonly block: Id | undefined; readonly home: Id; readonly rights: number },
  code: TreeErrorCode = 'ERR_HEADER_RIGHT'
): CoverVerdict {
  const leaf = chain.links[0]
  if (leaf === undefined || chain.scope === undefined) return covered
  const lacking = (act.rights & ~leaf.body.rights) >>> 0
  if (lacking !== 0) {
    return refused(code, `the cap lacks the rights 0x${lacking.toString(16)} that this act needs`)
  }
  if (leaf.body.scopeType === scopeType.block) {
    return act.block !== undefined && equalBytes(act.block, chain.scope)
      ? covered
      : refused(code, 'the cap is for another block')
  }
  return zoneVerdict(isZoneInside(authority, act.home, chain.scope), code)
}

/** For records about a zone as a whole: epochs and grants (`grant`), checkpoints (`admin`), receipts (`host`). */
export function coversZone(
  authority: Authority,
  chain: CapChain,
  zone: Id,
  rightNeeded: number
): CoverVerdict {
  const leaf = chain.links[0]
  if (leaf === undefined || chain.scope === undefined) return covered
  if ((leaf.body.rights & rightNeeded) === 0) {
    return refused(
      'ERR_CAP_RIGHTS',
      `the cap lacks the right 0x${rightNeeded.toString(16)} that this record needs`
    )
  }
  if (leaf.body.scopeType === scopeType.block)
    return refused('ERR_CAP_RIGHTS', 'the cap is for one block only')
  return zoneVerdict(isZoneInside(authority, zone, chain.scope), 'ERR_CAP_RIGHTS')
}

function zoneVerdict(inside: boolean | { readonly missing: Id }, code: TreeErrorCode): CoverVerdict {
  if (typeof inside === 'object') return { verdict: 'missing', missing: inside.missing }
  return inside ? covered : refused(code, 'the cap is for another zone')
}

function refused(code: TreeErrorCode, message: string): CoverVerdict {
  return { verdict: 'refused', code, message }
}
