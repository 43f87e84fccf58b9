/**
 * The segment files: which there are, reading a frame at its place, and a bounded set of open descriptors. No
 * block is cached here: the page cache of the system already holds them.
 */
import { hash } from 'node:crypto'
import type { FileSystem, StoreFile } from './file-system.ts'
import {
  asBuffer,
  decodeFrameHeader,
  encodeFrameHeader,
  frameHeaderBytes,
  frameType,
  payloadChecksumOf
} from './frame.ts'
import type { FrameHeader, FrameType } from './frame.ts'
import { framePayloadBytesMax, openSegmentsMax } from './limits.ts'
import { segmentNumber, segmentPath } from './location.ts'
import type { Location } from './location.ts'
import { corrupt, systemCode, toStoreError } from './store-error.ts'

export const segmentFormat = 1
const pooledBytesMax = 1024 // a kept header must not hold on to much besides itself
/** Length of the first frame of a segment. */
export const segmentHeaderBytes: number = frameHeaderBytes + 24

export interface Frame {
  readonly header: FrameHeader
  readonly payload: Uint8Array
}

export interface ReadOptions {
  readonly check?: 'hash' | 'checksum' | undefined
  readonly into?: Uint8Array | undefined
}

export class SegmentFiles {
  readonly #files: FileSystem
  readonly #salt: number
  readonly #open = new Map<number, StoreFile>() // least recently used first

  constructor(files: FileSystem, salt: number) {
    this.#files = files
    this.#salt = salt
  }

  /** Numbers of the files that are there, ascending. */
  numbers(): readonly number[] {
    const names = this.#files.list('segments') ?? []
    return names.map(segmentNumber).filter((number) => number !== undefined)
  }

  size(segment: number): number {
    return this.file(segment).size()
  }

  /** An open descriptor for reading; stays open for a while. */
  file(segment: number): StoreFile {
    const held = this.#open.get(segment)
    if (held !== undefined) {
      this.#open.delete(segment)
      this.#open.set(segment, held)
      return held
    }
    const opened = this.#files.open(segmentPath(segment), 'read')
    this.#open.set(segment, opened)
    const [oldest] = this.#open
    if (this.#open.size > openSegmentsMax && oldest !== undefined) this.forget(oldest[0])
    return opened
  }

  /** Closes the descriptor of a segment that was removed, or that is to be read afresh. */
  forget(segment: number): void {
    this.#open.get(segment)?.close()
    this.#open.delete(segment)
  }

  /**
   * The frame at a place in the index, verified by both checksums; a sector by its hash instead of the second, unless
   * the checksum will do.
   * @param how `into`: memory to read to, where the frame has room in it
   * @returns payload owned by the caller, or a view of `into`; ERR_STORE_CORRUPT when other bytes are there
   */
  readFrame(
    place: Location,
    type: FrameType,
    reference: Uint8Array,
    { check = 'hash', into }: ReadOptions = {}
  ): Frame {
    const path = segmentPath(place.segment)
    if (place.length > framePayloadBytesMax) throw corrupt('index', 0, 'a place names an impossible length')
    const length = frameHeaderBytes + place.length
    const isRoom = into !== undefined && into.length >= length
    const bytes = isRoom ? asBuffer(into.subarray(0, length)) : allocateFrame(length)
    const count = this.#readAt(place, bytes)
    if (count < bytes.length) throw corrupt(path, place.offset, `a frame is cut off after ${count} bytes`)
    const header = decodeFrameHeader(bytes, 0, this.#salt)
    if (header === undefined) throw corrupt(path, place.offset, 'the header of a frame is damaged')
    if (
      header.type !== type ||
      header.length !== place.length ||
      !asBuffer(header.reference).equals(reference)
    ) {
      throw corrupt(path, place.offset, 'another frame is here than the index says; rebuild the index')
    }
    const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + frameHeaderBytes, place.length)
    const intact =
      type === frameType.sector && check === 'hash'
        ? asBuffer(reference).equals(hash('sha256', payload, 'buffer'))
        : payloadChecksumOf([payload], this.#salt) === header.payloadChecksum
    if (!intact) throw corrupt(path, place.offset, 'the payload of a frame is damaged')
    return { header, payload }
  }

  closeAll(): void {
    for (const segment of [...this.#open.keys()]) this.forget(segment)
  }

  #readAt(place: Location, buffer: Uint8Array): number {
    try {
      return this.file(place.segment).readSync(buffer, place.offset)
    } catch (error) {
      const path = segmentPath(place.segment)
      if (systemCode(error) === 'ENOENT') throw corrupt(path, place.offset, 'the file is missing', error)
      throw toStoreError(error, `reading ${path} at ${place.offset}`)
    }
  }
}

/** Small frames share an allocation with their neighbours: one of its own for each is a tenth of a listing. */
function allocateFrame(length: number): Buffer {
  return length <= pooledBytesMax ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length)
}

/** The first frame of a segment: format, number, store id. Its checksums start from 0, since it holds the salt. */
export function encodeSegmentHeader(segment: number, storeId: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  bytes.writeUInt32BE(segmentFormat, frameHeaderBytes)
  bytes.writeUInt32BE(segment, frameHeaderBytes + 4)
  bytes.set(storeId, frameHeaderBytes + 8)
  const checksum = payloadChecksumOf([bytes.subarray(frameHeaderBytes)], 0)
  encodeFrameHeader(bytes, 0, { type: frameType.segment, flags: 0, length: 24 }, checksum, 0)
  return bytes
}

export interface SegmentHeader {
  readonly format: number
  readonly segment: number
  readonly storeId: Uint8Array
}

/** undefined when the bytes are no intact segment header. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  const source = asBuffer(bytes)
  const header = decodeFrameHeader(source, 0, 0)
  if (header?.type !== frameType.segment || header.length !== 24 || source.length < segmentHeaderBytes) {
    return undefined
  }
  const payload = source.subarray(frameHeaderBytes, segmentHeaderBytes)
  if (payloadChecksumOf([payload], 0) !== header.payloadChecksum) return undefined
  return {
    format: payload.readUInt32BE(0),
    segment: payload.readUInt32BE(4),
    storeId: new Uint8Array(payload.subarray(8, 24))
  }
}

/** Checksums start from the first four bytes of the store id. */
export function saltOf(storeId: Uint8Array): number {
  return asBuffer(storeId).readUInt32BE(0)
}
