/**
 * "Why can it?": the records that allow a principal an act on a block, or the first link that fails. The answer is
 * structure, ready to be put into words by whoever shows it; it decides nothing.
 */
import { equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import type { CapChain, CapChains } from './cap-chain.ts'
import { coversBlock } from './covers.ts'
import type { CapRecord, Id, RevocationRecord, SuccessionRecord } from './records.ts'
import { governingRevocations } from './revocation-cut.ts'
import { currentRoot, successionLine, successionsHitting } from './succession-line.ts'

export type ExplanationStep =
  | { readonly step: 'root'; readonly principal: Id; readonly generation: number }
  | { readonly step: 'cap'; readonly cap: CapRecord }

export type ExplanationFailure =
  | { readonly reason: 'block-unknown' }
  | { readonly reason: 'no-cap' } // no cap names this principal
  | { readonly reason: 'cap-missing'; readonly cap: Id; readonly missing: Id } // something above it is not held
  | { readonly reason: 'cap-invalid'; readonly cap: Id; readonly message: string } // the static check fails
  | { readonly reason: 'scope'; readonly cap: Id } // the block lies outside
  | { readonly reason: 'right'; readonly cap: Id; readonly missing: number } // bits that the cap does not have
  | { readonly reason: 'not-yet'; readonly cap: Id; readonly notBefore: number }
  | { readonly reason: 'expired'; readonly cap: Id; readonly notAfter: number }
  | { readonly reason: 'succeeded'; readonly succession: SuccessionRecord } // issued under a former root
  | { readonly reason: 'revoked'; readonly cap: Id; readonly revocation: RevocationRecord }

export interface Explanation {
  readonly allowed: boolean
  readonly principal: Id
  readonly block: Id
  readonly right: number
  /** From the root to the principal; when not allowed, of the chain that came nearest. */
  readonly chain: readonly ExplanationStep[]
  /** undefined when allowed. */
  readonly failure: ExplanationFailure | undefined
}

/** Later in this list = came nearer to being allowed. */
const nearness: readonly ExplanationFailure['reason'][] = [
  'block-unknown',
  'no-cap',
  'cap-invalid',
  'cap-missing',
  'scope',
  'right',
  'not-yet',
  'expired',
  'succeeded',
  'revoked'
]

export interface ExplainContext {
  readonly authority: Authority
  readonly chains: CapChains
  readonly now: number
}

export interface Act {
  /** undefined for whatever is in `home`. */
  readonly block: Id | undefined
  readonly home: Id
  readonly rights: number
}

interface Attempt {
  readonly chain: readonly ExplanationStep[]
  readonly links: number
  readonly cap: Id | undefined
  readonly failure: ExplanationFailure | undefined
}

/** @param home zone of the block; undefined when the block is not known */
export function explainRight(
  context: ExplainContext,
  principal: Id,
  act: { readonly block: Id; readonly home: Id | undefined; readonly rights: number }
): Explanation {
  const { block, home, rights } = act
  if (home === undefined) {
    const failure: ExplanationFailure = { reason: 'block-unknown' }
    return { principal, block, right: rights, allowed: false, chain: [], failure }
  }
  return explanationOf(principal, block, rights, bestAttempt(context, principal, { ...act, home }))
}

/** As `explainRight`, for whatever is in a zone, where its root's own header is not. */
export function explainInside(
  context: ExplainContext,
  principal: Id,
  { zone, rights }: { readonly zone: Id; readonly rights: number }
): Explanation {
  const best = bestAttempt(context, principal, { block: undefined, home: zone, rights })
  return explanationOf(principal, zone, rights, best)
}

function explanationOf(principal: Id, block: Id, rights: number, { chain, failure }: Attempt): Explanation {
  return { principal, block, right: rights, allowed: failure === undefined, chain, failure }
}

/** The leaf cap of the shortest chain that allows the act now; `cap` is undefined for the root itself. */
export function capForAct(
  context: ExplainContext,
  principal: Id,
  act: Act
): { readonly cap: Id | undefined; readonly rank: number } | undefined {
  const best = bestAttempt(context, principal, act)
  return best.failure === undefined ? { cap: best.cap, rank: best.links } : undefined
}

function bestAttempt(context: ExplainContext, principal: Id, act: Act): Attempt {
  const none: Attempt = { chain: [], links: 0, cap: undefined, failure: { reason: 'no-cap' } }
  const attempts = [attemptAsRoot(context, principal), ...attemptsByCap(context, principal, act)]
  return attempts.reduce<Attempt>((best, attempt) => {
    return attempt !== undefined && isBetter(attempt, best) ? attempt : best
  }, none)
}

function isBetter(attempt: Attempt, best: Attempt): boolean {
  const difference = rankOf(attempt) - rankOf(best)
  return difference > 0 || (difference === 0 && attempt.links < best.links)
}

function rankOf({ failure }: Attempt): number {
  return failure === undefined ? nearness.length : nearness.indexOf(failure.reason)
}

function attemptAsRoot({ authority }: ExplainContext, principal: Id): Attempt | undefined {
  const line = successionLine(authority)
  const root = currentRoot(authority)
  const generations = [authority.tree?.body.root, ...line.map((succession) => succession.body.newRoot)]
  const generation = generations.findLastIndex((past) => past !== undefined && equalBytes(past, principal))
  if (root === undefined || generation < 0) return undefined
  const chain: readonly ExplanationStep[] = [{ step: 'root', principal, generation }]
  const succession = line[generation]
  const failure: ExplanationFailure | undefined =
    succession === undefined ? undefined : { reason: 'succeeded', succession }
  return { chain, links: 0, cap: undefined, failure }
}

function attemptsByCap(context: ExplainContext, principal: Id, act: Act): readonly Attempt[] {
  return context.authority.capsOf(principal).map((cap) => {
    const verdict = context.chains.ofCap(cap.id)
    if (verdict.verdict === 'valid') return attemptByChain(context, verdict.chain, cap, act)
    const failure: ExplanationFailure =
      verdict.verdict === 'missing'
        ? { reason: 'cap-missing', cap: cap.id, missing: verdict.missing }
        : { reason: 'cap-invalid', cap: cap.id, message: verdict.message }
    return { chain: [{ step: 'cap', cap }], links: 1, cap: cap.id, failure }
  })
}

function attemptByChain(context: ExplainContext, chain: CapChain, leaf: CapRecord, act: Act): Attempt {
  const caps = chain.links.toReversed().map((cap): ExplanationStep => ({ step: 'cap', cap }))
  const root: ExplanationStep = { step: 'root', principal: chain.root, generation: chain.generation ?? 0 }
  const failure =
    scopeFailure(context, chain, leaf, act) ?? timeFailure(context, leaf) ?? revocationFailure(context, chain)
  return { chain: [root, ...caps], links: chain.links.length, cap: leaf.id, failure }
}

function scopeFailure(
  { authority }: ExplainContext,
  chain: CapChain,
  leaf: CapRecord,
  act: Act
): ExplanationFailure | undefined {
  const inScope = coversBlock(authority, chain, { ...act, rights: 0 })
  if (inScope.verdict === 'missing') return { reason: 'cap-missing', cap: leaf.id, missing: inScope.missing }
  if (inScope.verdict === 'refused') return { reason: 'scope', cap: leaf.id }
  const missing = (act.rights & ~leaf.body.rights) >>> 0
  return missing === 0 ? undefined : { reason: 'right', cap: leaf.id, missing }
}

function timeFailure({ now }: ExplainContext, { id, body }: CapRecord): ExplanationFailure | undefined {
  if (body.notBefore !== undefined && now < body.notBefore) {
    return { reason: 'not-yet', cap: id, notBefore: body.notBefore }
  }
  if (body.notAfter !== undefined && now > body.notAfter) {
    return { reason: 'expired', cap: id, notAfter: body.notAfter }
  }
  return undefined
}

function revocationFailure({ authority }: ExplainContext, chain: CapChain): ExplanationFailure | undefined {
  const revocation = governingRevocations(authority, chain)[0]
  if (revocation !== undefined) return { reason: 'revoked', cap: revocation.body.target, revocation }
  const succession = successionsHitting(authority, chain)[0]
  return succession === undefined ? undefined : { reason: 'succeeded', succession }
}
