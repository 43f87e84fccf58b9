/**
 * Compares the derived rows that a store holds with rows made from its records alone (`reindex`), so that a check can
 * tell that a row is missing, too many or wrong although its checksum holds. What depends on the order of arrival is
 * left out: the order of tips and receipts, marks for parents that are not held, the journal of re-evaluations.
 * Names need keys: `nameProblems` compares them with each other, and with what the caller's keys open.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import { decodeBlockRow, encodeBlockRow, readIds, readUint48, rowKey, rowPrefix } from './index-rows.ts'
import { rowsBelow } from './listing.ts'
import { shownUnder } from './placement.ts'
import type { IndexReader } from './ports.ts'
import type { Id } from './records.ts'

export interface RowProblem {
  readonly key: Uint8Array
  readonly problem: string
}

type Row = readonly [key: Uint8Array, value: Uint8Array]

/** Walks both in key order; memory stays flat. */
export async function* rowProblems(
  held: IndexReader,
  made: IndexReader,
  signal?: AbortSignal
): AsyncGenerator<RowProblem> {
  const left = comparable(held)
  const right = comparable(made)
  try {
    let a = await left.next()
    let b = await right.next()
    while (a.done !== true || b.done !== true) {
      signal?.throwIfAborted()
      const order = a.done === true ? 1 : b.done === true ? -1 : compareBytes(a.value[0], b.value[0])
      if (order < 0 && a.done !== true)
        yield problem(a.value[0], 'is there although nothing in the records makes it')
      if (order > 0 && b.done !== true) yield problem(b.value[0], 'is missing')
      if (order === 0 && a.done !== true && b.done !== true && !equalBytes(a.value[1], b.value[1]))
        yield problem(a.value[0], 'says something else than the records')
      if (order <= 0) a = await left.next()
      if (order >= 0) b = await right.next()
    }
  } finally {
    await left.return(undefined)
    await right.return(undefined)
  }
}

/**
 * Each shown block stands in the row of its name, each row of a name lists blocks that carry it.
 * @param nameKeyOf the key that the name of a block should have; undefined where the caller cannot open it
 */
export async function* nameProblems(
  held: IndexReader,
  nameKeyOf: (block: Id) => Uint8Array | undefined,
  signal?: AbortSignal
): AsyncGenerator<RowProblem> {
  for await (const [key, value] of rowsBelow(held, rowKey(rowPrefix.block))) {
    signal?.throwIfAborted()
    const block = key.subarray(1)
    const { nameKey, ...row } = decodeBlockRow(value)
    const shown = shownUnder({ ...row, nameKey })
    const expected = nameKeyOf(block)
    if (
      expected !== undefined &&
      shown !== undefined &&
      (nameKey === undefined || !equalBytes(expected, nameKey))
    )
      yield problem(key, 'has another name than the block')
    if (nameKey === undefined || shown === undefined) continue
    const listed = held.get(rowKey(rowPrefix.name, shown, nameKey))
    if (listed === undefined || !includes(readIds(listed), block))
      yield problem(rowKey(rowPrefix.name, shown, nameKey), 'does not list a block of that name')
  }
  for await (const [key, value] of rowsBelow(held, rowKey(rowPrefix.name))) {
    signal?.throwIfAborted()
    for (const block of readIds(value)) {
      const bytes = held.get(rowKey(rowPrefix.block, block))
      const row = bytes === undefined ? undefined : decodeBlockRow(bytes)
      const shown = shownUnder(row)
      const isListed =
        row?.nameKey !== undefined &&
        shown !== undefined &&
        equalBytes(rowKey(rowPrefix.name, shown, row.nameKey), key)
      if (!isListed) yield problem(key, 'lists a block that does not have that name')
    }
  }
}

async function* comparable(rows: IndexReader): AsyncGenerator<Row, undefined> {
  for await (const [key, value] of rows.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff) })) {
    const normal = normalize(key, value)
    if (normal !== undefined) yield [key, normal]
  }
  return undefined
}

/** undefined for rows that are not compared. */
function normalize(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  switch (key[0]) {
    case rowPrefix.block: {
      const row = decodeBlockRow(value)
      return encodeBlockRow({ ...row, nameKey: undefined, tips: row.tips.toSorted(compareBytes) })
    }
    case rowPrefix.receipt:
      return concatenate(readIds(value).toSorted(compareBytes))
    case rowPrefix.count:
      return key.length > 33 || readUint48(value, 0) === 0 ? undefined : value
    case rowPrefix.name:
    case rowPrefix.journal:
      return undefined
    default:
      return kindNames[key[0] ?? 0] === undefined ? undefined : value // a row of the layer above
  }
}

function concatenate(ids: readonly Id[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * 32)
  for (const [place, id] of ids.entries()) bytes.set(id, place * 32)
  return bytes
}

function includes(ids: readonly Id[], id: Id): boolean {
  return ids.some((other) => equalBytes(other, id))
}

const kindNames: Readonly<Record<number, string>> = {
  [rowPrefix.authority]: 'an authority record',
  [rowPrefix.block]: 'a block',
  [rowPrefix.child]: 'a child of a directory',
  [rowPrefix.tombstone]: 'a removed child of a directory',
  [rowPrefix.relocated]: 'a block shown elsewhere',
  [rowPrefix.count]: 'the count of a directory',
  [rowPrefix.name]: 'a name in a directory',
  [rowPrefix.writtenUnder]: 'a block written under a cap',
  [rowPrefix.conflict]: 'a conflict',
  [rowPrefix.receipt]: 'receipts',
  [rowPrefix.heldReceipt]: 'a receipt',
  [rowPrefix.manifest]: 'a manifest',
  [rowPrefix.complete]: 'a complete checkpoint',
  [rowPrefix.zone]: 'the birth of a zone',
  [rowPrefix.statistics]: 'the counters'
}

function problem(key: Uint8Array, what: string): RowProblem {
  return {
    key: key.slice(),
    problem: `the index row of ${kindNames[key[0] ?? 0] ?? 'an unknown kind'} ${what}`
  }
}
