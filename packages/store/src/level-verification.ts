/**
 * Reads the files of LevelDB and says where they are damaged. LevelDB itself drops a damaged part of its log
 * without a word and returns values out of damaged tables. Formats: doc/log_format.md and doc/table_format.md of
 * LevelDB 1.20. A log is blocks of 32 KiB with records of checksum, length and type; a table is blocks with a
 * type byte and checksum, and a footer of 48 bytes.
 */
import { crc32c, unmaskChecksum } from './crc32c.ts'
import type { IndexDamage } from './index-store.ts'
import { readVarint } from './level-varint.ts'

const blockBytes = 32 * 1024
const recordHeaderBytes = 7
const footerBytes = 48
const trailerBytes = 5
const tableMagicLow = 0x8b80fb57
const tableMagicHigh = 0xdb477524

export interface LogVerdict {
  readonly damage: IndexDamage | undefined
  /** Sequence of the first and after the last write batch; undefined in an empty log. */
  readonly sequence: { readonly first: bigint; readonly next: bigint } | undefined
  /** The last record is cut off: a crash in the middle of a write. */
  readonly torn: boolean
}

export interface LogOptions {
  /** A write log, whose records are batches with sequence numbers that follow each other. */
  readonly batches?: boolean
  /** Told of every whole record. */
  readonly onRecord?: (record: Uint8Array) => void
}

/** @param file name for the report */
export function verifyLevelLog(file: string, content: Uint8Array, options: LogOptions): LogVerdict {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length)
  let first: bigint | undefined
  let next = 0n
  let head: Uint8Array[] = []
  const verdict = (damage: IndexDamage | undefined, torn: boolean): LogVerdict => ({
    damage,
    torn,
    sequence: first === undefined ? undefined : { first, next }
  })
  for (let offset = 0; offset < bytes.length;) {
    const left = blockBytes - (offset % blockBytes)
    if (left < recordHeaderBytes) {
      if (bytes.subarray(offset, offset + left).some((byte) => byte !== 0)) {
        return verdict({ file, offset, problem: 'the end of a log block is not zero' }, false)
      }
      offset += left
      continue
    }
    if (offset + recordHeaderBytes > bytes.length) return verdict(undefined, true)
    const length = bytes.readUInt16LE(offset + 4)
    const type = bytes[offset + 6] ?? 0
    const end = offset + recordHeaderBytes + length
    if (type === 0 && bytes.subarray(offset).every((byte) => byte === 0)) return verdict(undefined, true)
    if (recordHeaderBytes + length > left || type < 1 || type > 4) {
      return verdict({ file, offset, problem: 'a log record has an impossible length or type' }, false)
    }
    if (end > bytes.length) return verdict(undefined, true)
    if (crc32c(bytes, offset + 6, end) !== unmaskChecksum(bytes.readUInt32LE(offset))) {
      return verdict({ file, offset, problem: 'the checksum of a log record does not hold' }, false)
    }
    // Types: 1 whole, 2 first, 3 middle, 4 last.
    if ((type === 1 || type === 2) !== (head.length === 0)) {
      return verdict({ file, offset, problem: 'the parts of a log record do not follow each other' }, false)
    }
    head.push(bytes.subarray(offset + recordHeaderBytes, end))
    if (type === 1 || type === 4) options.onRecord?.(Buffer.concat(head))
    if ((type === 1 || type === 4) && options.batches === true) {
      const batch = Buffer.concat(head.slice(0, 2)).subarray(0, 12)
      if (batch.length < 12) return verdict({ file, offset, problem: 'a write batch is too short' }, false)
      const sequence = batch.readBigUInt64LE(0)
      if (first !== undefined && sequence !== next) {
        return verdict({ file, offset, problem: 'a write batch is missing before this one' }, false)
      }
      first ??= sequence
      next = sequence + BigInt(batch.readUInt32LE(8))
    }
    if (type === 1 || type === 4) head = []
    offset = end
  }
  return verdict(undefined, head.length > 0)
}

/** Reads `length` bytes at `offset` of a table; short only at its end. */
export type ReadAt = (offset: number, length: number) => Buffer

/** The first damaged place of a table, or undefined. Every block and the footer are read. */
export function verifyLevelTable(file: string, size: number, read: ReadAt): IndexDamage | undefined {
  const damage = (offset: number, problem: string): IndexDamage => ({ file, offset, problem })
  if (size < footerBytes) return damage(0, 'the table is shorter than its footer')
  const footer = read(size - footerBytes, footerBytes)
  if (footer.readUInt32LE(40) !== tableMagicLow || footer.readUInt32LE(44) !== tableMagicHigh) {
    return damage(size - 8, 'the footer of the table is damaged')
  }
  const [metaHandle, afterMeta] = readHandle(footer, 0)
  const [indexHandle, afterIndex] = readHandle(footer, afterMeta)
  if (footer.subarray(afterIndex, 40).some((byte) => byte !== 0)) {
    return damage(size - footerBytes, 'the padding of the footer is not zero')
  }
  const handles: Handle[] = [metaHandle, indexHandle]
  for (const handle of [metaHandle, indexHandle]) {
    const block = readBlock(handle, size, read)
    if (block === undefined) return damage(handle.offset, 'the checksum of an index block does not hold')
    handles.push(...handlesIn(block))
  }
  handles.sort((left, right) => left.offset - right.offset)
  let expected = 0
  for (const handle of handles) {
    if (handle.offset !== expected)
      return damage(expected, 'the blocks of the table do not follow each other')
    if (readBlock(handle, size, read) === undefined) {
      return damage(handle.offset, 'the checksum of a table block does not hold')
    }
    expected = handle.offset + handle.length + trailerBytes
  }
  return expected === size - footerBytes ? undefined : damage(expected, 'the table has bytes in no block')
}

interface Handle {
  readonly offset: number
  readonly length: number
}

function readBlock(handle: Handle, size: number, read: ReadAt): Buffer | undefined {
  const end = handle.offset + handle.length + trailerBytes
  if (!Number.isSafeInteger(end) || end > size) return undefined
  const bytes = read(handle.offset, handle.length + trailerBytes)
  if (bytes.length !== handle.length + trailerBytes) return undefined
  const held = crc32c(bytes, 0, handle.length + 1) === unmaskChecksum(bytes.readUInt32LE(handle.length + 1))
  return held ? bytes.subarray(0, handle.length) : undefined
}

/** The values of an index block; its keys share prefixes, which do not matter here. */
function handlesIn(block: Buffer): readonly Handle[] {
  const handles: Handle[] = []
  if (block.length < 4) return handles
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 - restarts * 4
  for (let offset = 0; offset < end;) {
    const [, afterShared] = readVarint(block, offset)
    const [unshared, afterUnshared] = readVarint(block, afterShared)
    const [length, afterLength] = readVarint(block, afterUnshared)
    const [handle] = readHandle(block, afterLength + unshared)
    handles.push(handle)
    offset = afterLength + unshared + length
  }
  return handles
}

function readHandle(bytes: Uint8Array, offset: number): readonly [Handle, number] {
  const [start, afterStart] = readVarint(bytes, offset)
  const [length, afterLength] = readVarint(bytes, afterStart)
  return [{ offset: start, length }, afterLength]
}
