/**
 * The derived rows of a tree in the store's index: layout in one place. Every key begins with one letter; ids are raw.
 * All of them can be made again from the records (`reindex`), but for name keys, which need the keys of the tree.
 *
 * | key | value |
 * | --- | --- |
 * | `a` record id | one byte, record type: an authority record, loaded at open |
 * | `b` block | block row, below |
 * | `c` zone, parent, block | one byte of flags: a shown block under the parent that its winner names |
 * | `t` zone, parent, block | the same for a deleted block that is not shown |
 * | `o` zone, block | the same for a block shown under its zone root though it names another parent |
 * | `d` directory | u48, number of blocks shown under it |
 * | `n` shown parent, name key | block ids that carry the name there |
 * | `w` cap, block | empty: the block has headers under this leaf cap (for the root: under its principal id) |
 * | `x` block | empty: the block is listed by `conflicts` |
 * | `q` record | ids of receipts over it |
 * | `v` receipt | empty: the receipt is held |
 * | `m` checkpoint, block | directory, then the heads of the manifest row: [id, u48]…; none: a grave |
 * | `k` checkpoint | empty: complete, with its rows under `m` |
 * | `j` record | empty: an accepted authority record whose blocks are still to be evaluated again |
 * | `z` zone | exact birth bytes of a zone root |
 * | `s` | counters |
 *
 * Block row: format u8 (1), kind u8, flags u8, birth flags u8, rank u8, problems u8, home zone 32, parent 32, shown
 * parent 32, name key 16, heads u8, tips u8 (255 for more), then heads [id 32, version u48] and tips [id 32] to the end of
 * the row. Absent ids are zero.
 */
import { newBytes } from '@blocktree/codec'
import { zeroId } from './domain.ts'
import type { VersionedHead } from './held-records.ts'
import type { BlockKind, Id } from './records.ts'
import { blockKind } from './records.ts'

export const rowPrefix = {
  authority: 0x61,
  block: 0x62,
  child: 0x63,
  tombstone: 0x74,
  relocated: 0x6f,
  count: 0x64,
  name: 0x6e,
  writtenUnder: 0x77,
  conflict: 0x78,
  receipt: 0x71,
  heldReceipt: 0x76,
  manifest: 0x6d,
  complete: 0x6b,
  journal: 0x6a,
  zone: 0x7a,
  statistics: 0x73
} as const

export function rowKey(prefix: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 1
  for (const part of parts) length += part.length
  const key = new Uint8Array(length)
  key[0] = prefix
  let offset = 1
  for (const part of parts) {
    key.set(part, offset)
    offset += part.length
  }
  return key
}

/** First key after all that begin with `key`. */
export function afterPrefix(key: Uint8Array): Uint8Array {
  const end = key.slice()
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0
    if (byte < 0xff) {
      end[at] = byte + 1
      return end.subarray(0, at + 1)
    }
  }
  return Uint8Array.of(0xff)
}

/** First key after exactly this one. */
export function afterKey(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

/** Of a row of a manifest that is a grave: the directory alone. */
export const emptyManifestValueBytes = 32
export const emptyValue: Uint8Array = new Uint8Array(0)

/** What is kept about a block without its headers. */
export interface BlockRow {
  readonly kind: BlockKind
  readonly zoneRoot: boolean
  readonly public: boolean
  readonly rank: number
  readonly zone: Id
  readonly parent: Id | undefined
  readonly shownParent: Id | undefined
  readonly nameKey: Uint8Array | undefined
  readonly deleted: boolean
  readonly orphan: boolean
  readonly cycle: boolean
  readonly revived: boolean
  /** Listed by `conflicts`. */
  readonly conflict: boolean
  /** A prev of a held header is missing. */
  readonly incomplete: boolean
  /** Best first; empty without a winner. */
  readonly heads: readonly VersionedHead[]
  /** Held headers that no held header names as prev; all held headers are found from them. */
  readonly tips: readonly Id[]
}

const fixedBytes = 6 + 32 * 3 + 16 + 2
const headBytes = 38
const flag = { deleted: 1, orphan: 2, cycle: 4, revived: 8, conflict: 16, incomplete: 32 } as const
const zeroNameKey = new Uint8Array(16)
const kinds: readonly BlockKind[] = Object.values(blockKind)

export function encodeBlockRow(row: BlockRow): Uint8Array {
  const bytes = newBytes(fixedBytes + row.heads.length * headBytes + row.tips.length * 32)
  bytes[0] = 1
  bytes[1] = row.kind
  bytes[2] =
    (row.deleted ? flag.deleted : 0) |
    (row.orphan ? flag.orphan : 0) |
    (row.cycle ? flag.cycle : 0) |
    (row.revived ? flag.revived : 0) |
    (row.conflict ? flag.conflict : 0) |
    (row.incomplete ? flag.incomplete : 0)
  bytes[3] = (row.zoneRoot ? 1 : 0) | (row.public ? 2 : 0)
  bytes[4] = row.rank
  bytes.set(row.zone, 6)
  bytes.set(row.parent ?? zeroId, 38)
  bytes.set(row.shownParent ?? zeroId, 70)
  bytes.set(row.nameKey ?? zeroNameKey, 102)
  bytes[118] = row.heads.length
  bytes[119] = Math.min(0xff, row.tips.length) // a flood by a host may be larger: the row's length tells
  let offset = writeHeads(bytes, fixedBytes, row.heads)
  for (const tip of row.tips) {
    bytes.set(tip, offset)
    offset += 32
  }
  return bytes
}

/** The row's ids are views of `bytes`. */
export function decodeBlockRow(bytes: Uint8Array): BlockRow {
  const flags = bytes[2] ?? 0
  const birthFlags = bytes[3] ?? 0
  const headCount = bytes[118] ?? 0
  const tipsStart = fixedBytes + headCount * headBytes
  const tips: Id[] = []
  for (let tip = tipsStart; tip + 32 <= bytes.length; tip += 32) tips.push(bytes.subarray(tip, tip + 32))
  return {
    kind: kinds.find((kind) => kind === bytes[1]) ?? blockKind.file,
    zoneRoot: (birthFlags & 1) !== 0,
    public: (birthFlags & 2) !== 0,
    rank: bytes[4] ?? 0,
    zone: bytes.subarray(6, 38),
    parent: unlessZero(bytes.subarray(38, 70)),
    shownParent: unlessZero(bytes.subarray(70, 102)),
    nameKey: unlessZero(bytes.subarray(102, 118)),
    deleted: (flags & flag.deleted) !== 0,
    orphan: (flags & flag.orphan) !== 0,
    cycle: (flags & flag.cycle) !== 0,
    revived: (flags & flag.revived) !== 0,
    conflict: (flags & flag.conflict) !== 0,
    incomplete: (flags & flag.incomplete) !== 0,
    heads: readHeads(bytes, fixedBytes, headCount),
    tips
  }
}

/** Flags of a child row: what a listing tells without a further look-up. */
export function encodeChildFlags(
  row: Pick<BlockRow, 'kind' | 'zoneRoot' | 'orphan' | 'cycle' | 'revived' | 'conflict'>
): Uint8Array {
  return Uint8Array.of(
    row.kind |
      (row.zoneRoot ? 8 : 0) |
      (row.orphan ? 16 : 0) |
      (row.cycle ? 32 : 0) |
      (row.revived ? 64 : 0) |
      (row.conflict ? 128 : 0)
  )
}

export interface ChildFlags {
  readonly kind: BlockKind
  readonly zoneRoot: boolean
  readonly orphan: boolean
  readonly cycle: boolean
  readonly revived: boolean
  readonly conflict: boolean
}

export function decodeChildFlags(value: Uint8Array): ChildFlags {
  const flags = value[0] ?? 0
  return {
    kind: kinds.find((kind) => kind === (flags & 7)) ?? blockKind.file,
    zoneRoot: (flags & 8) !== 0,
    orphan: (flags & 16) !== 0,
    cycle: (flags & 32) !== 0,
    revived: (flags & 64) !== 0,
    conflict: (flags & 128) !== 0
  }
}

export function encodeHeads(heads: readonly VersionedHead[]): Uint8Array {
  const bytes = new Uint8Array(heads.length * headBytes)
  writeHeads(bytes, 0, heads)
  return bytes
}

export function decodeHeads(bytes: Uint8Array): readonly VersionedHead[] {
  return readHeads(bytes, 0, Math.floor(bytes.length / headBytes))
}

function writeHeads(bytes: Uint8Array, start: number, heads: readonly VersionedHead[]): number {
  let offset = start
  for (const head of heads) {
    bytes.set(head.id, offset)
    writeUint48(bytes, offset + 32, head.version)
    offset += headBytes
  }
  return offset
}

function readHeads(bytes: Uint8Array, start: number, count: number): readonly VersionedHead[] {
  const heads: VersionedHead[] = []
  for (let head = 0; head < count; head++) {
    const offset = start + head * headBytes
    heads.push({ id: bytes.subarray(offset, offset + 32), version: readUint48(bytes, offset + 32) })
  }
  return heads
}

export function encodeUint48(value: number): Uint8Array {
  const bytes = new Uint8Array(6)
  writeUint48(bytes, 0, value)
  return bytes
}

export function readUint48(bytes: Uint8Array, offset: number): number {
  let value = 0
  for (let at = offset; at < offset + 6; at++) value = value * 256 + (bytes[at] ?? 0)
  return value
}

export function writeUint48(bytes: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / 0x100000000)
  bytes[offset] = high >>> 8
  bytes[offset + 1] = high & 0xff
  bytes[offset + 2] = (value >>> 24) & 0xff
  bytes[offset + 3] = (value >>> 16) & 0xff
  bytes[offset + 4] = (value >>> 8) & 0xff
  bytes[offset + 5] = value & 0xff
}

function unlessZero(bytes: Uint8Array): Uint8Array | undefined {
  for (const byte of bytes) if (byte !== 0) return bytes
  return undefined
}

/** Ids written one after another. */
export function readIds(bytes: Uint8Array): Id[] {
  const ids: Id[] = []
  for (let offset = 0; offset + 32 <= bytes.length; offset += 32)
    ids.push(bytes.subarray(offset, offset + 32))
  return ids
}
