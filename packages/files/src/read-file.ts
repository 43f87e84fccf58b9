/**
 * Reading. One range in one call, or a stream that opens a few sectors ahead of its reader. Every sector is compared
 * with its reference and opened before a byte of it is handed out. A stream goes on reading the version it began with.
 */
import {
  type HeaderPrivate,
  type HeaderRecord,
  type Id,
  type LeafReference,
  type PayloadReader,
  type PayloadState,
  type ReadSector,
  TreeError,
  leafLength
} from '@blocktree/tree'
import { equalBytes } from '@blocktree/codec'
import type { Actor } from './actor.ts'
import { contentReader, damagedFile, keptReader, payloadOf, sectorSource } from './content.ts'
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
  /** True for a caller of `read` that only reads the bytes: they may be a view of what is kept for the next reads. */
  readonly isReadOnly?: boolean
}

export interface FileContent {
  readonly bytes: Uint8Array
  /** Size of the whole file. */
  readonly size: number
  readonly versionId: Id
}

/** What is needed to read a version elsewhere, in workers say: hand on no key to code that is not ours. */
export interface ContentSource {
  readonly size: number
  readonly versionId: Id
  /** undefined for an empty file. */
  readonly payload: PayloadState | undefined
  /** Sealed bytes of sectors and nodes, compared with their hash. */
  readonly readSector: ReadSector
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
  const { header, opened, reader } = openFile(context, actor, path, options.version, keptReader)
  const { offset, length } = rangeOf(path, opened.size, options)
  if (length > readBytesMax) {
    throw new FilesError(
      'ERR_FILE_TOO_LARGE',
      `"${path}": ${length} bytes in one call, at most ${readBytesMax}: use a stream`,
      { path }
    )
  }
  try {
    const view = options.isReadOnly === true ? reader?.view(offset, length) : reader?.read(offset, length)
    const bytes = view ?? new Uint8Array(0)
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
  const content = openFile(context, actor, path, options.version)
  const { header, opened } = content
  const { offset, length } = rangeOf(path, opened.size, options)
  return {
    size: opened.size,
    length,
    versionId: header.id,
    [Symbol.asyncIterator]: () => chunks(context, content, { from: offset, to: offset + length }, path)
  }
}

/** The content of a held version, of a block that need not be shown. */
export function versionStream(
  context: FilesContext,
  actor: Actor,
  header: HeaderRecord,
  path: string
): AsyncIterable<Uint8Array> {
  const opened = openOrDeny(context, actor, header, path)
  try {
    const content = { header, opened, reader: contentReader(context, header, opened) }
    return chunks(context, content, { from: 0, to: opened.size }, path)
  } catch (error) {
    throw damagedFile(error, path)
  }
}

/** The payload of one version for a reader that brings its own threads. */
export function contentSource(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: Pick<ReadOptions, 'version'> = {}
): ContentSource {
  const { header, opened } = openFile(context, actor, path, options.version)
  return {
    size: opened.size,
    versionId: header.id,
    payload: payloadOf(header, opened),
    readSector: sectorSource(context, header)
  }
}

/** With a sector opener that works elsewhere, a few sectors are under way while the consumer has the one before. */
async function* chunks(
  context: FilesContext,
  content: Opened,
  range: { readonly from: number; readonly to: number },
  path: string
): AsyncGenerator<Uint8Array, void, undefined> {
  const { reader, header } = content
  const { from, to } = range
  if (reader === undefined || from >= to) return
  const { openSector } = context
  const readSector = sectorSource(context, header)
  const open = (leaf: LeafReference): Uint8Array | Promise<Uint8Array> => {
    const sealed = openSector === undefined || leaf.isHole ? undefined : readSector(leaf.hash)
    const aead = header.body.payload?.aead ?? 0
    return sealed === undefined || openSector === undefined || aead === 0
      ? reader.openLeaf(leaf)
      : openSector(aead, leaf.key, sealed)
  }
  const pending: { readonly leaf: LeafReference; readonly plaintext: Promise<Uint8Array> }[] = []
  try {
    for (const leaf of reader.leaves(from, to)) {
      const plaintext = Promise.resolve(open(leaf))
      // a failure is met when its turn comes; until then it must not count as unhandled
      plaintext.catch(() => undefined)
      pending.push({ leaf, plaintext })
      if (openSector !== undefined && pending.length < prefetchSectors) continue
      const next = pending.shift()
      if (next !== undefined) yield cut(next.leaf, whole(content, next.leaf, await next.plaintext), from, to)
    }
    for (const { leaf, plaintext } of pending)
      yield cut(leaf, whole(content, leaf, await plaintext), from, to)
  } catch (error) {
    throw damagedFile(error, path)
  }
}

/** A sector of another length than the size demands is refused (MODEL B.6), whoever opened it. */
function whole({ header, opened }: Opened, leaf: LeafReference, plaintext: Uint8Array): Uint8Array {
  const padded = leafLength(opened.size, header.body.payload?.sectorLog2 ?? 0, leaf.index)
  if (plaintext.length === padded || plaintext.length === leaf.length) return plaintext
  throw new TreeError(
    'ERR_PAYLOAD_SHAPE',
    `sector ${leaf.index} has ${plaintext.length} bytes instead of ${padded}`
  )
}

/** The part of a sector that lies in the range, as a buffer of its own. */
function cut(leaf: LeafReference, plaintext: Uint8Array, from: number, to: number): Uint8Array {
  return plaintext.slice(Math.max(0, from - leaf.offset), Math.min(leaf.length, to - leaf.offset))
}

interface Opened {
  readonly header: HeaderRecord
  readonly opened: HeaderPrivate
  readonly reader: PayloadReader | undefined
}

function openFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  version: Id | undefined,
  readerOf: typeof contentReader = contentReader
): Opened {
  const located = locateFile(context, actor, path)
  const isShown = version === undefined || equalBytes(version, located.header.id)
  const header = isShown ? located.header : heldVersion(context, located.summary.block, version, path)
  const opened = openOrDeny(context, actor, header, path)
  try {
    return { header, opened, reader: readerOf(context, header, opened) }
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
