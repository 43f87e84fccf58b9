/** Preconditions of a GET or HEAD on something with an entity tag (RFC 9110, section 13), in the order prescribed. */
import type { IncomingHttpHeaders } from 'node:http'

export interface Validators {
  /** Strong, with its quotes. */
  readonly entityTag: string
  readonly modifiedMs?: number | undefined
}

export type Precondition = 'proceed' | 'notModified' | 'failed'

export function checkPreconditions(headers: IncomingHttpHeaders, validators: Validators): Precondition {
  const match = headers['if-match']
  if (match !== undefined) {
    if (!listsTag(match, validators.entityTag, 'strong')) return 'failed'
  } else if (isChangedSince(headers['if-unmodified-since'], validators) === true) return 'failed'
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined) {
    return listsTag(noneMatch, validators.entityTag, 'weak') ? 'notModified' : 'proceed'
  }
  return isChangedSince(headers['if-modified-since'], validators) === false ? 'notModified' : 'proceed'
}

/** True when a Range header counts: no If-Range, or one that names exactly this state. */
export function isRangeCurrent(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const condition = headers['if-range']
  if (condition === undefined) return true
  if (Array.isArray(condition)) return false
  if (condition.startsWith('"')) return condition === validators.entityTag
  const time = parseHttpDate(condition)
  return validators.modifiedMs !== undefined && time === wholeSeconds(validators.modifiedMs)
}

function listsTag(header: string, entityTag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  for (const part of header.split(',')) {
    const tag = part.trim()
    if (tag === entityTag) return true
    if (comparison === 'weak' && tag === `W/${entityTag}`) return true
  }
  return false
}

/** undefined when the header or the time is missing or unreadable: then it is as if it were not sent. */
function isChangedSince(header: string | undefined, { modifiedMs }: Validators): boolean | undefined {
  if (header === undefined || modifiedMs === undefined) return undefined
  const since = parseHttpDate(header)
  return since === undefined ? undefined : wholeSeconds(modifiedMs) > since
}

/** The form that everybody sends (RFC 9110, section 5.6.7); anything else is as if it were not sent. */
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

function parseHttpDate(text: string): number | undefined {
  const time = httpDate.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000
}
