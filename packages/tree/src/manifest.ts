/**
 * Rows of a checkpoint's manifest (B.11): `[directory, block, [[record id, effective version]…]]`, one canonical
 * array after another, ascending by directory, then block. The directory of the tree's root block is 32 zero bytes. A row
 * without heads is a grave (B.10); its directory is 32 zero bytes too.
 */
import {
  CanonicalReader,
  CanonicalWriter,
  CodecError,
  compareBytes,
  concatBytes,
  equalBytes
} from '@blocktree/codec'
import { zeroId } from './domain.ts'
import { headsPerBlockMax, versionMax } from './limits.ts'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'

export interface ManifestHead {
  readonly id: Id
  readonly version: number // effective version
}

export interface ManifestRow {
  readonly directory: Id // parent of the winner as the signer saw it
  readonly block: Id
  readonly heads: readonly ManifestHead[] // ascending by id; none: a grave
}

const rowBytesMax = 80 + headsPerBlockMax * 44

export function compareRows(left: ManifestRow, right: ManifestRow): number {
  return compareBytes(left.directory, right.directory) || compareBytes(left.block, right.block)
}

/** Heads are written in order of their ids, whatever the order given, and versions above 2^40 as 2^40 (A17). */
export function encodeManifestRow(row: ManifestRow): Uint8Array {
  const heads = row.heads.toSorted((left, right) => compareBytes(left.id, right.id))
  const writer = new CanonicalWriter(128).array(3).bin(row.directory).bin(row.block).array(heads.length)
  for (const head of heads) writer.array(2).bin(head.id).uint(Math.min(head.version, versionMax))
  return writer.finish()
}

function readRow(bytes: Uint8Array, offset: number): { row: ManifestRow; end: number } {
  const reader = new CanonicalReader(bytes, offset)
  reader.arrayOf(3)
  const directory = reader.binExact(32)
  const block = reader.binExact(32)
  const count = reader.array(headsPerBlockMax)
  if (count === 0 && !equalBytes(directory, zeroId)) {
    throw new TreeError('ERR_MANIFEST_FORMAT', 'a grave in a manifest names a directory')
  }
  const heads: ManifestHead[] = []
  for (let index = 0; index < count; index++) {
    reader.arrayOf(2)
    const head = { id: reader.binExact(32), version: reader.uint(versionMax, 1) }
    const before = heads.at(-1)
    if (before !== undefined && compareBytes(before.id, head.id) >= 0) {
      throw new TreeError('ERR_MANIFEST_FORMAT', `head ${index} of a manifest row is out of order`)
    }
    heads.push(head)
  }
  return { row: { directory, block, heads }, end: reader.offset }
}

/**
 * Decodes rows from chunks of any size; memory is bounded by one chunk. That no block stands in two rows of
 * different directories is for the caller to check.
 * @throws ERR_MANIFEST_FORMAT for malformed, unordered or incomplete rows
 */
export class ManifestDecoder {
  #rest: Uint8Array = new Uint8Array(0)
  #previous: ManifestRow | undefined

  /** @returns the rows that are complete now; their fields are views of `chunk` or of a copy of it */
  push(chunk: Uint8Array): readonly ManifestRow[] {
    return this.#decode(this.#rest.length === 0 ? chunk : concatBytes(this.#rest, chunk), false)
  }

  /** ERR_MANIFEST_FORMAT when a row is not complete; else the last rows. */
  finish(): readonly ManifestRow[] {
    return this.#decode(this.#rest, true)
  }

  #decode(bytes: Uint8Array, isLast: boolean): readonly ManifestRow[] {
    const rows: ManifestRow[] = []
    const needed = isLast ? 1 : rowBytesMax // before the end a row may be cut: wait until no row can be
    let offset = 0
    while (bytes.length - offset >= needed) {
      const { row, end } = decodeRow(bytes, offset)
      if (this.#previous !== undefined && compareRows(this.#previous, row) >= 0) {
        throw new TreeError('ERR_MANIFEST_FORMAT', 'manifest rows are not strictly ascending')
      }
      this.#previous = row
      rows.push(row)
      offset = end
    }
    this.#rest = bytes.slice(offset)
    return rows
  }
}

function decodeRow(bytes: Uint8Array, offset: number): { row: ManifestRow; end: number } {
  try {
    return readRow(bytes, offset)
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new TreeError('ERR_MANIFEST_FORMAT', `a manifest row is malformed: ${cause.message}`, { cause })
  }
}
