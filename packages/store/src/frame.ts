/**
 * Frames, the one thing a segment is made of: a header of 56 bytes and a payload (doc/spec/11-segments.md,
 * section 2). Both checksums start from the salt of the store, so bytes that somebody hid inside a payload are
 * never taken for a frame when a scan has to look for the next one behind a damaged place.
 */
import { crc32 } from 'node:zlib'

export const frameType = {
  segment: 1, // first frame of a file
  group: 2, // how much was durable when the group after it was written
  sector: 3,
  record: 4, // envelope, then the inline sector
  local: 5, // key, then value
  removed: 6, // the segment with this number is superseded
  close: 7, // the store was closed in order
  rows: 8, // derived rows of a batch without records, for the replay of the tail only
  dropped: 9 // ids of records that are held no longer
} as const
export type FrameType = (typeof frameType)[keyof typeof frameType]

export const frameFlag = {
  first: 1, // of its batch
  last: 2, // of its batch
  copied: 4, // by the collector, from an older segment
  deleted: 8, // the local row was removed
  inline: 16 // a sector follows the envelope of the record
} as const

export const frameHeaderBytes = 56
export const frameMagic: Uint8Array = Uint8Array.of(0x62, 0x74, 0x66, 0x31) // "btf1"
const magicWord = 0x62746631
const noReference = new Uint8Array(32)

export interface FrameHeader {
  readonly type: FrameType
  readonly flags: number
  /** Type of a signed record, else 0. */
  readonly subtype: number
  /** Payload bytes. */
  readonly length: number
  /** Bytes of the first part of the payload: the envelope of a record, the key of a local row. */
  readonly part: number
  readonly reference: Uint8Array
  readonly payloadChecksum: number
}

export interface FrameFields {
  readonly type: FrameType
  readonly flags: number
  readonly subtype?: number
  readonly length: number
  readonly part?: number
  readonly reference?: Uint8Array
}

/** Writes the 56 bytes at `offset`; `payloadChecksum` is `payloadChecksumOf` over the payload. */
export function encodeFrameHeader(
  target: Buffer,
  offset: number,
  fields: FrameFields,
  payloadChecksum: number,
  salt: number
): void {
  target.writeUInt32BE(magicWord, offset)
  target[offset + 4] = fields.type
  target[offset + 5] = fields.flags
  target.writeUInt16BE(fields.subtype ?? 0, offset + 6)
  target.writeUInt32BE(fields.length, offset + 8)
  target.writeUInt32BE(fields.part ?? 0, offset + 12)
  target.set(fields.reference ?? noReference, offset + 16)
  target.writeUInt32BE(payloadChecksum, offset + 48)
  target.writeUInt32BE(crc32(target.subarray(offset, offset + 52), salt), offset + 52)
}

/** The header at `offset`, or undefined when there is none whose checksum holds. `reference` is a view. */
export function decodeFrameHeader(source: Buffer, offset: number, salt: number): FrameHeader | undefined {
  if (offset + frameHeaderBytes > source.length) return undefined
  if (source.readUInt32BE(offset) !== magicWord) return undefined
  if (crc32(source.subarray(offset, offset + 52), salt) !== source.readUInt32BE(offset + 52)) return undefined
  const type = asFrameType(source[offset + 4] ?? 0)
  if (type === undefined) return undefined
  return {
    type,
    flags: source[offset + 5] ?? 0,
    subtype: source.readUInt16BE(offset + 6),
    length: source.readUInt32BE(offset + 8),
    part: source.readUInt32BE(offset + 12),
    reference: source.subarray(offset + 16, offset + 48),
    payloadChecksum: source.readUInt32BE(offset + 48)
  }
}

export function payloadChecksumOf(parts: readonly Uint8Array[], salt: number): number {
  let checksum = salt
  for (const part of parts) checksum = crc32(part, checksum)
  return checksum
}

/** A view of the same bytes with Buffer's integer methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function asFrameType(code: number): FrameType | undefined {
  return code >= 1 && code <= 9 ? (code as FrameType) : undefined
}
