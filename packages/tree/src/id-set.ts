/** Ids in bodies: one of 32 bytes, an optional one, and sets, sorted bytewise without duplicates (B.1.2). */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { compareBytes } from '@blocktree/codec'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'

export function writeOptionalId(writer: CanonicalWriter, id: Id | undefined): void {
  if (id === undefined) writer.nil()
  else writer.bin(id)
}

export function readId(reader: CanonicalReader): Id {
  return reader.binExact(32)
}

export function readOptionalId(reader: CanonicalReader): Id | undefined {
  return reader.skipNil() ? undefined : reader.binExact(32)
}

/** A sorted copy without duplicates. */
export function sortedIds(ids: readonly Id[]): readonly Id[] {
  if (ids.length < 2) return ids
  return ids.toSorted(compareBytes).filter((id, index, all) => {
    const before = all[index - 1]
    return before === undefined || compareBytes(before, id) !== 0
  })
}

/** Writes the set in order, whatever the order of `ids`. */
export function writeIdSet(writer: CanonicalWriter, ids: readonly Id[]): void {
  const sorted = sortedIds(ids)
  writer.array(sorted.length)
  for (const id of sorted) writer.bin(id)
}

/** @throws ERR_RECORD_FIELD when the ids are not strictly ascending */
export function readIdSet(reader: CanonicalReader, max: number, min = 0): readonly Id[] {
  const count = reader.array(max, min)
  const ids: Id[] = []
  let previous: Id | undefined
  for (let index = 0; index < count; index++) {
    const id = reader.binExact(32)
    if (previous !== undefined && compareBytes(previous, id) >= 0) {
      throw new TreeError('ERR_RECORD_FIELD', `id ${index} of a set is not greater than the one before it`)
    }
    ids.push(id)
    previous = id
  }
  return ids
}
