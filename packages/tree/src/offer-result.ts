/** What a peer is told about each record that it offered. */
import type { AcceptanceVerdict } from './acceptance.ts'
import type { Id } from './records.ts'
import { TreeError, type TreeErrorCode } from './tree-error.ts'
import type { OfferResult } from './tree-state.ts'

export function outcome(id: Id, what: OfferResult['outcome']): OfferResult {
  return { id, outcome: what, code: undefined, message: undefined, missing: undefined, penalty: false }
}

export function refusal(
  id: Id | undefined,
  code: TreeErrorCode,
  message: string,
  penalty: boolean
): OfferResult {
  return { id, outcome: 'refused', code, message, missing: undefined, penalty }
}

/** Refusals that an honest peer may meet. */
const blameless: ReadonlySet<TreeErrorCode> = new Set([
  'ERR_TREE_FOREIGN',
  'ERR_TREE_INSECURE',
  'ERR_ADMISSION_REFUSED'
])

export function fromVerdict(
  id: Id,
  verdict: Exclude<AcceptanceVerdict, { verdict: 'accepted' }>
): OfferResult {
  const { code, message } = verdict
  if (verdict.verdict === 'refused') return refusal(id, code, message, !blameless.has(code))
  return { id, outcome: 'parked', code, message, missing: verdict.missing, penalty: false }
}

export function isUnknownFormat(error: unknown): error is TreeError {
  return error instanceof TreeError && error.code === 'ERR_RECORD_UNKNOWN_FORMAT'
}

/** For bytes that are no record; what is no error of ours is thrown on. */
export function undecodable(error: unknown): OfferResult {
  if (!(error instanceof Error)) throw error
  const code = error instanceof TreeError ? error.code : 'ERR_RECORD_FIELD'
  return refusal(undefined, code, error.message, true)
}
