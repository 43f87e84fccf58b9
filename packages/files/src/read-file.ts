/**
 * Reading. One range in one call, or a stream that opens a few sectors ahead of its reader. Every sector is compared
 * with its reference and opened before a byte of it is handed out. A stream goes on reading the version it began with.
 */
import type { HeaderRecord, Id, PayloadReader, HeaderPrivate } from '@blocktree/tree'
import { equalBytes } from '@blocktree/codec'
import type { Actor } from './actor.ts'
import { contentReader, damagedFile } from './content.ts'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { prefetchSectors, readBytesMax } from './limits.ts'
import { heldVersion } from './held-version.ts'
import { locateFile } from './write-file.ts'
import { openOrDeny } from './write-version.ts'

export interface ReadOptions {
  /** Default 0. */
  readonly offset?: number
  /** Default: to the end. */
  readonly length?: number
  /** A held version instead of the one shown. */
  readonly version?: Id
}

export interface FileContent {
  readonly bytes: Uint8Array
  /** Size of the whole file. */
  readonly size: number
  readonly versionId: Id
}

export interface FileStream extends AsyncIterable<Uint8Array> {
  /** Size of the whole file. */
  readonly size: number
  /** Bytes that the stream will give. */
  readonly length: number
  readonly versionId: Id
}

/** @returns fewer bytes than asked at the end; ERR_FILE_RANGE, ERR_FILE_TOO_LARGE above 16 MiB, ERR_FILE_DAMAGED */
export function readFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: ReadOptions = {}
): FileContent {
  const { header, opened, reader } = openFile(context, actor, path, options.version)
  const { offset, length } = rangeOf(path, opened.size, options)
  if (length > readBytesMax) {
    throw new FilesError(
      'ERR_FILE_TOO_LARGE',
      `"${path}": ${length} bytes in one call, at most ${readBytesMax}: use a stream`,
      { path }
    )
  }
  try {
    const bytes = reader?.read(offset, length) ?? new Uint8Array(0)
    return { bytes, size: opened.size, versionId: header.id }
  } catch (error) {
    throw damagedFile(error, path)
  }
}

/** Checks path, rights and range at once; sectors are read as the stream is consumed. */
export function readStream(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: ReadOptions = {}
): FileStream {
  const { header, opened, reader } = openFile(context, actor, path, options.version)
  const { offset, length } = rangeOf(path, opened.size, options)
  return {
    size: opened.size,
    length,
    versionId: header.id,
    [Symbol.asyncIterator]: () => chunks(reader, offset, offset + length, path)
  }
}

async function* chunks(
  reader: PayloadReader | undefined,
  from: number,
  to: number,
  path: string
): AsyncGenerator<Uint8Array, void, undefined> {
  if (reader === undefined || from >= to) return
  try {
    const ready: Uint8Array[] = []
    for (const leaf of reader.leaves(from, to)) {
      const plaintext = reader.openLeaf(leaf)
      const start = Math.max(0, from - leaf.offset)
      const end = Math.min(leaf.length, to - leaf.offset)
      ready.push(plaintext.slice(start, end))
      if (ready.length < prefetchSectors) continue
      const next = ready.shift()
      if (next !== undefined) yield next
    }
    yield* ready
  } catch (error) {
    throw damagedFile(error, path)
  }
}

function openFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  version: Id | undefined
): {
  readonly header: HeaderRecord
  readonly opened: HeaderPrivate
  readonly reader: PayloadReader | undefined
} {
  const located = locateFile(context, actor, path)
  const isShown = version === undefined || equalBytes(version, located.header.id)
  const header = isShown ? located.header : heldVersion(context, located.summary.block, version, path)
  const opened = openOrDeny(context, actor, header, path)
  try {
    return { header, opened, reader: contentReader(context, header, opened) }
  } catch (error) {
    throw damagedFile(error, path)
  }
}

function rangeOf(
  path: string,
  size: number,
  options: ReadOptions
): { readonly offset: number; readonly length: number } {
  const offset = options.offset ?? 0
  const length = options.length ?? Math.max(0, size - offset)
  for (const value of [offset, length]) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new FilesError(
        'ERR_FILE_RANGE',
        `"${path}": offset or length ${value} is not a whole number from 0`,
        { path }
      )
    }
  }
  return { offset, length: Math.max(0, Math.min(length, size - offset)) }
}
