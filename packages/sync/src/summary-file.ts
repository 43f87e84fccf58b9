/**
 * The summary of all headers, kept in local rows over a restart: reading a million block rows takes seconds, these 2 MiB
 * milliseconds. A saved summary counts only while the tree holds exactly as many headers as when it was saved: headers
 * only ever come, and the row becomes durable after them.
 */
import { CanonicalReader, CanonicalWriter, concatBytes } from '@blocktree/codec'
import type { BlockStore, Id, IndexRow, TreeState } from '@blocktree/tree'
import { localKey, localPrefix, localRows } from './local-rows.ts'
import { type Summary, chunkBytesSaved } from './summary.ts'
import type { SummaryRow } from './summaries.ts'

const format = 1
const stampKey: Uint8Array = concatBytes(localPrefix.summary, Uint8Array.of(0))
const chunkPrefix: Uint8Array = concatBytes(localPrefix.summary, Uint8Array.of(1))

interface Place {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly scope: Id
}

/** @returns true when the summary was there and is that of the tree */
export async function loadSummary(
  { tree, store, scope }: Place,
  summary: Summary<SummaryRow>
): Promise<boolean> {
  const stamp = store.local.get(stampKey)
  if (stamp === undefined || !isStampOf(stamp, scope, tree.statistics().headers)) return false
  const chunks: { readonly chunk: number; readonly bytes: Uint8Array }[] = []
  for await (const [rest, bytes] of localRows(store, chunkPrefix)) {
    const [chunk] = rest
    if (rest.length !== 1 || chunk === undefined || bytes.length !== chunkBytesSaved) return false
    chunks.push({ chunk, bytes })
  }
  // Something may have come while the rows were read.
  if (!isStampOf(stamp, scope, tree.statistics().headers)) return false
  summary.load(chunks)
  return true
}

/** Saves what changed; nothing when the summary is not up to date, or somebody writes at this moment. */
export async function saveSummary(
  { tree, store, scope }: Place,
  summary: Summary<SummaryRow>
): Promise<boolean> {
  await summary.settle()
  if (!summary.isSettled) return false
  const stamp = stampOf(scope, tree.statistics().headers)
  if (store.local.get(stampKey)?.toHex() === stamp.toHex()) return true
  const rows: IndexRow[] = summary
    .unsaved()
    .map(({ chunk, bytes }) => ({ key: localKey(chunkPrefix, Uint8Array.of(chunk)), value: bytes }))
  rows.push({ key: stampKey, value: stamp })
  await store.commit({ local: rows }, { durability: 'none' })
  return true
}

function stampOf(scope: Id, headers: number): Uint8Array {
  return new CanonicalWriter(64).array(3).uint(format).bin(scope).uint(headers).finish()
}

function isStampOf(stamp: Uint8Array, scope: Id, headers: number): boolean {
  try {
    const reader = new CanonicalReader(stamp)
    reader.arrayOf(3)
    if (reader.uint() !== format) return false
    const isSame = reader.binExact(32).toHex() === scope.toHex() && reader.uint() === headers
    reader.end()
    return isSame
  } catch {
    return false
  }
}
