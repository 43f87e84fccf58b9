/** Cuts: which checkpoint of a zone still counts, in revocations and successions; `[[zone, checkpoint]…]` (B.7.4). */
import { type CanonicalReader, type CanonicalWriter, compareBytes } from '@blocktree/codec'
import { readId } from './id-set.ts'
import { cutsMax } from './limits.ts'
import type { Cut, Id } from './records.ts'
import { TreeError } from './tree-error.ts'

/** Writes the cuts in order of their zones, whatever the order given. */
export function writeCuts(writer: CanonicalWriter, cuts: readonly Cut[]): void {
  const sorted = cuts.toSorted((left, right) => compareBytes(left.zone, right.zone))
  writer.array(sorted.length)
  for (const cut of sorted) writer.array(2).bin(cut.zone).bin(cut.checkpoint)
}

/** @throws ERR_RECORD_FIELD when zones are not strictly ascending: a zone has at most one cut */
export function readCuts(reader: CanonicalReader): readonly Cut[] {
  const count = reader.array(cutsMax)
  const cuts: Cut[] = []
  let previous: Id | undefined
  for (let index = 0; index < count; index++) {
    reader.arrayOf(2)
    const zone = readId(reader)
    if (previous !== undefined && compareBytes(previous, zone) >= 0) {
      throw new TreeError(
        'ERR_RECORD_FIELD',
        `the zone of cut ${index} is not greater than the one before it`
      )
    }
    cuts.push({ zone, checkpoint: readId(reader) })
    previous = zone
  }
  return cuts
}
