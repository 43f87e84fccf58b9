/** `Range: bytes=…` with one range (RFC 9110 section 14). */

/** The last byte is included. */
export interface WantedRange {
  readonly first: number
  readonly last: number
}

/** Undefined when there is none that is understood: then everything is sent. `outside` when nothing of it is there. */
export function parseRange(header: string | undefined, length: number): WantedRange | 'outside' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  const [, from = '', to = ''] = match ?? []
  if (match === null || (from === '' && to === '')) return undefined
  if (from === '') {
    const suffix = Number(to)
    return suffix === 0 || length === 0
      ? 'outside'
      : { first: Math.max(0, length - suffix), last: length - 1 }
  }
  const first = Number(from)
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1)
  if (to !== '' && Number(to) < first) return undefined
  return first >= length ? 'outside' : { first, last }
}
