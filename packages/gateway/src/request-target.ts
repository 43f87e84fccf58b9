/**
 * The target of a request line, read strictly: what is ambiguous is refused instead of being repaired, because two
 * readers that repair differently are how checks are passed by (RFC 9112, section 3.2).
 */
import { targetCharactersMax } from './limits.ts'

export interface RequestTarget {
  /** As sent. */
  readonly path: string
  readonly query: string
  /** Percent-decoded, for looking up assets. */
  readonly decodedPath: string
}

const plain = /^\/[A-Za-z0-9/._~!$&'()*+,;=:@-]*$/
const allowed = /^\/(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$/
const allowedQuery = /^(?:[A-Za-z0-9/._~!$&'()*+,;=:@?[\]{}|"<>`^\\-]|%[0-9A-Fa-f]{2})*$/
const dotSegment = /\/\.{1,2}(?:\/|$)/

/** undefined when it is not an absolute path that means one thing only. */
export function parseTarget(target: string): RequestTarget | undefined {
  if (target.length > targetCharactersMax) return undefined
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  if (query !== '' && !allowedQuery.test(query)) return undefined
  const decodedPath = plain.test(path) ? path : decodePath(path)
  if (decodedPath === undefined || dotSegment.test(decodedPath) || decodedPath.includes('//'))
    return undefined
  return { path, query, decodedPath }
}

function decodePath(path: string): string | undefined {
  if (!allowed.test(path) || /%2f|%5c|%00/i.test(path)) return undefined
  try {
    const decoded = decodeURIComponent(path)
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u001f\u007f\\]/.test(decoded) ? undefined : decoded
  } catch {
    return undefined // not UTF-8
  }
}
