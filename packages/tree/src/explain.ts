/**
 * "Why can it?": the records that allow a principal an act on a block, or the first link that fails. The answer is
 * structure, ready to be put into words by whoever shows it; it decides nothing.
 */
import type { CapRecord, Id, RevocationRecord, SuccessionRecord } from './records.ts'

export type ExplanationStep =
  | { readonly step: 'root'; readonly principal: Id; readonly generation: number }
  | { readonly step: 'cap'; readonly cap: CapRecord }

export type ExplanationFailure =
  | { readonly reason: 'block-unknown' }
  | { readonly reason: 'no-cap' } // no cap names this principal
  | { readonly reason: 'cap-missing'; readonly cap: Id } // a link above is not held
  | { readonly reason: 'cap-invalid'; readonly cap: Id; readonly message: string } // the static check fails
  | { readonly reason: 'scope'; readonly cap: Id } // the block lies outside
  | { readonly reason: 'right'; readonly cap: Id; readonly missing: number } // bits that the cap does not have
  | { readonly reason: 'revoked'; readonly cap: Id; readonly revocation: RevocationRecord }
  | { readonly reason: 'succeeded'; readonly succession: SuccessionRecord } // issued under a former root
  | { readonly reason: 'not-yet'; readonly cap: Id; readonly notBefore: number }
  | { readonly reason: 'expired'; readonly cap: Id; readonly notAfter: number }

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
