/** A policy of a directory in words. */
import { printable } from './format.ts'

export function policyLine(policy: {
  readonly policy: string
  readonly copies?: number | undefined
  readonly from?: string | undefined
}): string {
  const what = policy.copies === undefined ? policy.policy : `${policy.policy} ${policy.copies}`
  return `${what} (${policy.from === undefined ? 'no directory says otherwise' : `said by ${printable(policy.from)}`})`
}
