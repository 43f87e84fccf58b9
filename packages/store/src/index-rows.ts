/**
 * Layout of the index: a byte that says what a row is, then its key; the value ends in four bytes of CRC-32 over
 * key and value, since LevelDB does not notice a flipped bit (doc/spec/11-segments.md, section 5).
 */
import { crc32 } from 'node:zlib'
import { asBuffer } from './frame.ts'
import type { IndexStore, IndexWrite } from './index-store.ts'
import type { Location, Position } from './location.ts'
import { corrupt } from './store-error.ts'

export const rowSpace = { meta: 0, segment: 1, record: 2, sector: 3, local: 4, derived: 5 } as const
export type RowSpace = (typeof rowSpace)[keyof typeof rowSpace]

export const progressKey: Uint8Array = Uint8Array.of(rowSpace.meta, 1)
const remadeKey: Uint8Array = Uint8Array.of(rowSpace.meta, 2)

export function spaceKey(space: RowSpace, key: Uint8Array): Uint8Array {
  const joined = Buffer.allocUnsafe(key.length + 1) // from a pool: no allocation of its own
  joined[0] = space
  joined.set(key, 1)
  return joined
}

/** First key and the key after the last one of a space. */
export function spaceBounds(space: RowSpace): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: Uint8Array.of(space), to: Uint8Array.of(space + 1) }
}

/** The checksum at the end of a value. */
export const sealBytes = 4

export function sealRow(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.length + sealBytes)
  sealed.set(value)
  sealed.writeUInt32BE(crc32(value, crc32(key)), value.length)
  return sealed
}

/** The value without its checksum, a view; ERR_STORE_CORRUPT when the checksum does not hold. */
export function openRow(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - sealBytes
  if (end >= 0) {
    const value = new Uint8Array(sealed.buffer, sealed.byteOffset, end)
    if (crc32(value, crc32(key)) === asBuffer(sealed).readUInt32BE(end)) return value
  }
  throw corrupt('index', 0, `the row ${Buffer.from(key).toString('hex')} is damaged; rebuild the index`)
}

/** Place of a record or sector: segment, offset, payload length; records also say whether a sector is inline. */
export interface PlaceRow extends Location {
  readonly inline: boolean
  /** The frame lies there still, and is held no longer: the row goes with its segment. */
  readonly dropped?: boolean
}

const placeBytes = 13

export function encodePlace(key: Uint8Array, place: PlaceRow): Uint8Array {
  const row = Buffer.allocUnsafe(placeBytes + 4)
  row.writeUInt32BE(place.segment, 0)
  row.writeUInt32BE(place.offset, 4)
  row.writeUInt32BE(place.length, 8)
  row[12] = (place.inline ? 1 : 0) | (place.dropped === true ? 2 : 0)
  row.writeUInt32BE(crc32(row.subarray(0, placeBytes), crc32(key)), placeBytes)
  return row
}

export function decodePlace(key: Uint8Array, sealed: Uint8Array): PlaceRow {
  const row = asBuffer(openRow(key, sealed))
  if (row.length !== placeBytes) throw corrupt('index', 0, 'a place has a wrong length; rebuild the index')
  return {
    segment: row.readUInt32BE(0),
    offset: row.readUInt32BE(4),
    length: row.readUInt32BE(8),
    inline: ((row[12] ?? 0) & 1) !== 0,
    ...(((row[12] ?? 0) & 2) === 0 ? {} : { dropped: true })
  }
}

/** How far the log is in the index, and of which store it is the index. */
export interface Progress extends Position {
  readonly storeId: Uint8Array
}

export function encodeProgress(progress: Progress): Uint8Array {
  const value = Buffer.alloc(24)
  value.set(progress.storeId, 0)
  value.writeUInt32BE(progress.segment, 16)
  value.writeUInt32BE(progress.offset, 20)
  return sealRow(progressKey, value)
}

export function decodeProgress(sealed: Uint8Array): Progress {
  const value = asBuffer(openRow(progressKey, sealed))
  if (value.length !== 24) throw corrupt('index', 0, 'the progress mark has a wrong length')
  return {
    storeId: new Uint8Array(value.subarray(0, 16)),
    segment: value.readUInt32BE(16),
    offset: value.readUInt32BE(20)
  }
}

/** Up to here the index was made again, or met damage: of what was held before, some may be held no longer. */
export function remadeRow({ segment, offset }: Position): IndexWrite {
  const value = Buffer.alloc(8)
  value.writeUInt32BE(segment, 0)
  value.writeUInt32BE(offset, 4)
  return { key: remadeKey, value: sealRow(remadeKey, value) }
}

/** undefined when the index is the one that the store began with, and has met no damage. */
export function remadeUpTo(index: IndexStore): Position | undefined {
  const sealed = index.get(remadeKey)
  if (sealed === undefined) return undefined
  const value = asBuffer(openRow(remadeKey, sealed))
  return { segment: value.readUInt32BE(0), offset: value.readUInt32BE(4) }
}

/** A segment is live, or removed: then its file is unlinked when it is met again. */
export type SegmentState = 'live' | 'removed'

export function segmentRow(segment: number, state: SegmentState): IndexWrite {
  const key = segmentKey(segment)
  return { key, value: sealRow(key, Uint8Array.of(state === 'live' ? 0 : 1)) }
}

/** The states of all segments that the index knows. */
export async function readSegmentStates(index: IndexStore): Promise<ReadonlyMap<number, SegmentState>> {
  const states = new Map<number, SegmentState>()
  for await (const [key, sealed] of index.range(spaceBounds(rowSpace.segment))) {
    states.set(asBuffer(key).readUInt32BE(1), openRow(key, sealed)[0] === 1 ? 'removed' : 'live')
  }
  return states
}

function segmentKey(segment: number): Uint8Array {
  const key = Buffer.alloc(5)
  key[0] = rowSpace.segment
  key.writeUInt32BE(segment, 1)
  return key
}
