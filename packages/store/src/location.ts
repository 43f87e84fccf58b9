/** Places in the log: a segment and a byte in it. Ordered as the log is. */
import { equalBytes } from '@blocktree/codec'

export interface Position {
  readonly segment: number
  readonly offset: number
}

const logPlaceBytes = 24 // id of the store 16, segment u32, offset u32

/** A place in the log of one store, for others to keep. */
export function encodeLogPlace(storeId: Uint8Array, { segment, offset }: Position): Uint8Array {
  const bytes = Buffer.alloc(logPlaceBytes)
  bytes.set(storeId)
  bytes.writeUInt32BE(segment, 16)
  bytes.writeUInt32BE(offset, 20)
  return new Uint8Array(bytes)
}

/** undefined for the place of another store, and for bytes that are none. */
export function decodeLogPlace(storeId: Uint8Array, bytes: Uint8Array): Position | undefined {
  if (bytes.length !== logPlaceBytes || !equalBytes(bytes.subarray(0, 16), storeId)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { segment: view.getUint32(16), offset: view.getUint32(20) }
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
