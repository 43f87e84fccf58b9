/** One byte range of a Range header (RFC 9110, section 14). Several ranges are answered with the whole, as it allows. */

/** `end` is not included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const oneRange = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i

/** undefined: send the whole; `unsatisfiable`: nothing of it lies within `size` bytes. */
export function parseRange(header: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [match, first, last] = oneRange.exec(header) ?? []
  if (match === undefined || first === undefined || last === undefined) return undefined
  if (first === '' && last === '') return undefined
  if (first === '') return suffixOf(Number(last), size)
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined // not a range at all: ignored
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

function suffixOf(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable'
  return { start: Math.max(0, size - length), end: size }
}
