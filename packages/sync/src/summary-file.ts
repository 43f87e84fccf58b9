/**
 * The summary of all headers, kept in local rows over a restart: reading a million block rows takes seconds, these 2 MiB
 * milliseconds. With it stands a place in the log: what came into the log behind that place is read again, so that a node
 * that was killed pays for what was written since it last saved, not for what exists. The rows become durable after
 * everything that they are made from. In a store without a log a saved summary counts only while the tree holds exactly as
 * many headers as when it was saved.
 */
import { CanonicalReader, CanonicalWriter, concatBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type BlockStore,
  type Id,
  type IndexRow,
  type TreeState,
  decodeRecord,
  recordType
} from '@blocktree/tree'
import { summaryLogBytesMax } from './limits.ts'
import { localKey, localPrefix, localRows } from './local-rows.ts'
import { type Summary, chunkBytesSaved } from './summary.ts'
import type { SummaryRow } from './summaries.ts'

const format = 3
const stampKey: Uint8Array = concatBytes(localPrefix.summary, Uint8Array.of(0))
const chunkPrefix: Uint8Array = concatBytes(localPrefix.summary, Uint8Array.of(1))

interface Place {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly scope: Id
}

/** What a saved summary is the summary of. */
interface Stamp {
  readonly scope: Id
  readonly headers: number
  /** Over the ids of all bases: with others, other rows are compared. */
  readonly bases: Uint8Array
  /** Where the log ended before the rows were read; undefined in a store without a log. */
  readonly logEnd: Uint8Array | undefined
}

/** @returns true when the summary was there, and what is not as it was saved is marked to be read again */
export async function loadSummary(place: Place, summary: Summary<SummaryRow>): Promise<boolean> {
  const { store, scope } = place
  // With bases, rows also follow from evaluations, of which the log does not tell.
  if (place.tree.baseIds().length > 0) return false
  const stamp = decodeStamp(store.local.get(stampKey))
  if (stamp === undefined || stamp.scope.toHex() !== scope.toHex()) return false
  if (stamp.bases.toHex() !== basesHash(place).toHex()) return false
  const chunks: { readonly chunk: number; readonly bytes: Uint8Array }[] = []
  for await (const [rest, bytes] of localRows(store, chunkPrefix)) {
    const [chunk] = rest
    if (rest.length !== 1 || chunk === undefined || bytes.length !== chunkBytesSaved) return false
    chunks.push({ chunk, bytes })
  }
  if (!(await markChanges(place, stamp, summary))) return false
  summary.load(chunks)
  return true
}

/** Marks the places of what came since; false when that cannot be known, or is more than reading all of it costs. */
async function markChanges(
  { tree, store, crypto }: Place,
  { logEnd, headers }: Stamp,
  summary: Summary<SummaryRow>
): Promise<boolean> {
  if (logEnd === undefined || store.recordsAfter === undefined) return tree.statistics().headers === headers
  const later = store.recordsAfter(logEnd, summaryLogBytesMax)
  if (later === undefined) return false
  for await (const stored of later) {
    if (stored.type !== recordType.header) continue
    const record = decodeRecord(crypto, stored.bytes)
    if (record.type === recordType.header) summary.mark(record.body.block)
    if (summary.isCrowded) return false
  }
  return true
}

/**
 * Saves what changed; nothing when the summary is not up to date, or somebody writes at this moment.
 * @param isDurable false while records count here that the store may still refuse: their rows must not be vouched for
 */
export async function saveSummary(
  place: Place,
  summary: Summary<SummaryRow>,
  isDurable: () => boolean
): Promise<boolean> {
  const { tree, store, scope } = place
  const bases = basesHash(place)
  const logEnd = store.logEnd?.()
  const { headers } = tree.statistics()
  await summary.settle()
  if (!summary.isSettled || !isDurable()) return false
  if (summary.isSaved && isNear(store, decodeStamp(store.local.get(stampKey)), headers)) return true
  const changed = summary.unsaved()
  const rows: IndexRow[] = changed.map(({ chunk, bytes }) => ({
    key: localKey(chunkPrefix, Uint8Array.of(chunk)),
    value: bytes
  }))
  rows.push({ key: stampKey, value: encodeStamp({ scope, headers, bases, logEnd }) })
  try {
    await store.commit({ local: rows })
  } catch (error) {
    summary.notSaved(changed) // the next stamp would vouch for what was there before
    throw error
  }
  return true
}

/** A saved stamp leaves little to read. */
function isNear(store: BlockStore, stamp: Stamp | undefined, headers: number): boolean {
  if (stamp?.headers !== headers) return false
  if (stamp.logEnd === undefined || store.recordsAfter === undefined) return true
  return store.recordsAfter(stamp.logEnd, summaryLogBytesMax / 16) !== undefined
}

function basesHash({ tree, crypto }: Place): Uint8Array {
  return crypto.sha256(concatBytes(...tree.baseIds()))
}

function encodeStamp({ scope, headers, bases, logEnd }: Stamp): Uint8Array {
  const writer = new CanonicalWriter(160).array(5).uint(format).bin(scope).uint(headers).bin(bases)
  return (logEnd === undefined ? writer.nil() : writer.bin(logEnd)).finish()
}

function decodeStamp(bytes: Uint8Array | undefined): Stamp | undefined {
  if (bytes === undefined) return undefined
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(5)
    if (reader.uint() !== format) return undefined
    const scope = reader.binExact(32).slice()
    const headers = reader.uint()
    const bases = reader.binExact(32).slice()
    const logEnd = reader.skipNil() ? undefined : reader.bin(64).slice()
    reader.end()
    return { scope, headers, bases, logEnd }
  } catch {
    return undefined
  }
}
