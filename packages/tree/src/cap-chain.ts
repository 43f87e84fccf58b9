/**
 * The static check of a cap chain, leaf to root (B.7.2). It reads the bytes of the chain, the tree record, succession
 * records and zone births: nothing that can change its mind later. Revocation, expiry, kept caps and rival successions
 * act further up (./revocation-cut.ts, ./validity.ts), so a verdict may be kept for ever (E16).
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Authority } from './authority.ts'
import { decodeBirth, homeZone } from './birth.ts'
import { capScope, checkAttenuation } from './cap.ts'
import { IdMap } from './id-key.ts'
import { capChainMax } from './limits.ts'
import type { CapRecord, Id } from './records.ts'
import { scopeType } from './records.ts'
import { isZoneInside } from './scope.ts'
import { TreeError, type TreeErrorCode } from './tree-error.ts'

/** A cap with everything above it; a root principal that acts without a cap has no links. */
export interface CapChain {
  /** Leaf first; empty for the root itself. */
  readonly links: readonly CapRecord[]
  /** The root principal at the top. */
  readonly root: Id
  /** Root generation that the caps name; undefined for the root itself, which acts in all of its generations. */
  readonly generation: number | undefined
  /** Scope of the leaf: a zone or one block; undefined for the root itself. */
  readonly scope: Id | undefined
}

/** `missing`: a record, zone birth or root generation that is not held yet; such a verdict is never kept. */
export type ChainVerdict =
  | { readonly verdict: 'valid'; readonly chain: CapChain }
  | { readonly verdict: 'missing'; readonly missing: Id }
  | { readonly verdict: 'invalid'; readonly code: TreeErrorCode; readonly message: string }

export class CapChains {
  readonly #authority: Authority
  readonly #crypto: CryptoProvider
  readonly #verdicts: IdMap<ChainVerdict> = new IdMap()

  constructor(authority: Authority, crypto: CryptoProvider) {
    this.#authority = authority
    this.#crypto = crypto
  }

  /** Forgets every verdict; needed only when a record that had become visible was taken back by the store. */
  clear(): void {
    this.#verdicts.clear()
  }

  /** The chain under which `signer` acts: with its leaf cap, or as root when `cap` is undefined. */
  ofSigner(signer: Id, cap: Id | undefined): ChainVerdict {
    if (cap === undefined) return this.#ofRoot(signer)
    const verdict = this.ofCap(cap)
    if (verdict.verdict !== 'valid') return verdict
    const leaf = verdict.chain.links[0]
    if (leaf !== undefined && equalBytes(leaf.body.subject, signer)) return verdict
    return invalid('ERR_CAP_ISSUER', 'the record is not signed by the subject of the cap that it names')
  }

  ofCap(cap: Id): ChainVerdict {
    const known = this.#verdicts.get(cap)
    if (known !== undefined) return known
    const leaf = this.#authority.cap(cap)
    if (leaf === undefined) return { verdict: 'missing', missing: cap }
    const verdict = this.check(leaf)
    if (verdict.verdict !== 'missing') this.#verdicts.set(cap, verdict)
    return verdict
  }

  #ofRoot(signer: Id): ChainVerdict {
    if (!isRoot(this.#authority, signer)) return { verdict: 'missing', missing: signer }
    return { verdict: 'valid', chain: { links: [], root: signer, generation: undefined, scope: undefined } }
  }

  /** The check of a cap that need not be held itself; everything above it must be. */
  check(leaf: CapRecord): ChainVerdict {
    const scope = capScope(this.#crypto, leaf.body)
    if (leaf.body.parentCap === undefined) return this.#checkTop(leaf, scope)
    const above = this.ofCap(leaf.body.parentCap)
    if (above.verdict !== 'valid') return above
    if (above.chain.links.length >= capChainMax) {
      return invalid('ERR_CAP_CHAIN', `a cap chain has more than ${capChainMax} links`)
    }
    return this.#checkLink(leaf, scope, above.chain)
  }

  #checkTop(cap: CapRecord, scope: Id): ChainVerdict {
    if (!isRootOfGeneration(this.#authority, cap.signer, cap.body.rootGeneration)) {
      if (cap.body.rootGeneration === 0 && this.#authority.tree !== undefined) {
        return invalid('ERR_CAP_ISSUER', 'a cap without a parent cap is not issued by the first root')
      }
      return { verdict: 'missing', missing: cap.signer }
    }
    return {
      verdict: 'valid',
      chain: { links: [cap], root: cap.signer, generation: cap.body.rootGeneration, scope }
    }
  }

  #checkLink(cap: CapRecord, scope: Id, above: CapChain): ChainVerdict {
    const parent = above.links[0]
    if (parent === undefined) return invalid('ERR_CAP_CHAIN', 'a chain has no link')
    try {
      checkAttenuation(parent, cap)
    } catch (error) {
      if (error instanceof TreeError) return invalid(error.code, error.message)
      throw error
    }
    const inside = this.#isScopeInside(cap, scope, parent)
    if (typeof inside === 'object') return { verdict: 'missing', missing: inside.missing }
    if (!inside)
      return invalid('ERR_CAP_SCOPE', 'the scope of a cap is not inside the scope of the cap above it')
    return { verdict: 'valid', chain: { ...above, links: [cap, ...above.links], scope } }
  }

  #isScopeInside(cap: CapRecord, scope: Id, parent: CapRecord): boolean | { readonly missing: Id } {
    const limit = capScope(this.#crypto, parent.body)
    if (parent.body.scopeType === scopeType.block) {
      return cap.body.scopeType === scopeType.block && equalBytes(scope, limit)
    }
    if (cap.body.scopeType === scopeType.zone && equalBytes(scope, limit)) return true
    const birth = decodeBirth(cap.body.scopeBirth)
    const outer = cap.body.scopeType === scopeType.zone ? birth.zone : homeZone(birth, scope)
    return outer !== undefined && isZoneInside(this.#authority, outer, limit)
  }
}

function invalid(code: TreeErrorCode, message: string): ChainVerdict {
  return { verdict: 'invalid', code, message }
}

/** Root of any generation, on the valid line of successions or beside it. */
export function isRoot(authority: Authority, principal: Id): boolean {
  const tree = authority.tree
  if (tree !== undefined && equalBytes(tree.body.root, principal)) return true
  return authority.successions.some((succession) => equalBytes(succession.body.newRoot, principal))
}

function isRootOfGeneration(authority: Authority, principal: Id, generation: number): boolean {
  if (generation === 0) {
    const tree = authority.tree
    return tree !== undefined && equalBytes(tree.body.root, principal)
  }
  return authority.successions.some(
    ({ body }) => body.generation === generation && equalBytes(body.newRoot, principal)
  )
}
