/** Places in the log: a segment and a byte in it. Ordered as the log is. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

/** Where a frame begins, and how long its payload is. */
export interface Location extends Position {
  readonly length: number
}

export function isBefore(left: Position, right: Position): boolean {
  return left.segment < right.segment || (left.segment === right.segment && left.offset < right.offset)
}

export function samePlace(left: Position, right: Position): boolean {
  return left.segment === right.segment && left.offset === right.offset
}

/** `segments/00000001.seg` */
export function segmentPath(segment: number): string {
  return `segments/${String(segment).padStart(8, '0')}.seg`
}

/** The number in a file name, or undefined for a file that is no segment. */
export function segmentNumber(name: string): number | undefined {
  const match = /^(\d{8,10})\.seg$/.exec(name)
  return match?.[1] === undefined ? undefined : Number(match[1])
}
