/**
 * Derived rows of a new file that lies where its header says and that no other block contends with: what
 * ./stored-tree.ts and ./placement.ts write for it, but for the rows that it shares with others (the count of its
 * directory, the statistics). A pure function, for workers that make files in bulk.
 */
import { newBytes } from '@blocktree/codec'
import { type BlockRow, emptyValue, encodeBlockRow, encodeChildFlags, rowPrefix } from './index-rows.ts'
import type { IndexRow } from './ports.ts'
import type { HeaderRecord, Id } from './records.ts'

/** @param directory the parent that the header names, of the same zone */
export function newFileRows(
  header: HeaderRecord,
  place: { readonly zone: Id; readonly directory: Id; readonly nameKey: Uint8Array }
): readonly IndexRow[] {
  const { block, birth, cap } = header.body
  const { zone, directory, nameKey } = place
  const row: BlockRow = {
    kind: birth.kind,
    zoneRoot: false,
    public: birth.public,
    rank: birth.rank,
    zone,
    parent: directory,
    shownParent: directory,
    nameKey,
    deleted: false,
    orphan: false,
    cycle: false,
    revived: false,
    conflict: false,
    incomplete: false,
    heads: [{ id: header.id, version: 1 }],
    tips: [header.id]
  }
  const room = newBytes(keysBytes) // one allocation for all keys
  let used = 0
  const key = (prefix: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const start = used
    room[used++] = prefix
    for (const part of parts) {
      room.set(part, used)
      used += part.length
    }
    return room.subarray(start, used)
  }
  return [
    { key: key(rowPrefix.writtenUnder, cap ?? header.signer, block), value: emptyValue },
    { key: key(rowPrefix.block, block), value: encodeBlockRow(row) },
    { key: key(rowPrefix.child, zone, directory, block), value: encodeChildFlags(row) },
    { key: key(rowPrefix.name, directory, nameKey), value: block }
  ]
}

const keysBytes = 4 + 7 * 32 + 16 // four prefixes, seven ids, a name key
