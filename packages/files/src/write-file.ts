/**
 * Creating and changing files. Whatever checks a name or version and the commit that follows happen in one
 * synchronous step, so that of two creations of one name on this node exactly one wins. A stream is stored while it
 * comes in and becomes visible with its last byte: a reader sees the old version or the new one, never a part.
 */
import {
  type BlockMetadata,
  type Durability,
  type Id,
  type LocalRecord,
  type PayloadDescriptor,
  PayloadWriter,
  type StoredSector,
  blockKind,
  noMetadata
} from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { changeContent, damagedFile, payloadAead, sealContent, storedContent } from './content.ts'
import {
  type FilesContext,
  type Located,
  accessDenied,
  mayKnowOf,
  isPublicZone,
  locate,
  zoneOfChildren
} from './files-context.ts'
import { FilesError } from './files-error.ts'
import { batchSectorBytesMax, createBytesMax, fileBytesMax } from './limits.ts'
import { type MetadataChange, applyMetadata } from './metadata.ts'
import { type NamedPlace, type Place, resolveName, resolvePath } from './resolve-path.ts'
import { checkExpectation } from './expectation.ts'
import { type StoredContent, makeBlock, makeVersion, openOrDeny } from './write-version.ts'

export interface WriteOptions {
  /** The write is refused with ERR_FILE_CHANGED unless this header is the one shown now. */
  readonly ifVersion?: Id
  readonly metadata?: MetadataChange
  readonly durability?: Durability
}

export interface CreateOptions extends WriteOptions {
  /** Replace what has the name (a file) with a new version of it; else ERR_FILE_EXISTS. */
  readonly replace?: boolean
  /** Sector size as a power of two, 12 to 20, for a new file; larger for sequential, smaller for random access. */
  readonly sectorLog2?: number
}

export interface StreamOptions extends WriteOptions {
  /** ERR_FILE_EXISTS when the name is taken, before the first byte is read and again before the commit. */
  readonly expectAbsent?: boolean
  readonly sectorLog2?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (bytes: number) => void
}

export interface WriteReply {
  readonly block: Id
  /** The new header: what `ifVersion` of the next write takes. */
  readonly versionId: Id
  readonly size: number
  /** Former readers who can still read what was written: rotate the zone. */
  readonly exposed: readonly Id[]
}

/** Content whose sectors are in the store already, sealed by a worker under the block id it was given. */
export interface LargeContent {
  readonly descriptor: PayloadDescriptor
  readonly rootKey: Uint8Array | undefined
  readonly size: number
}

/** @throws ERR_FILE_EXISTS, ERR_FILE_IS_DIRECTORY, ERR_FILE_CHANGED, ERR_FILE_TOO_LARGE, and what a path throws */
export async function createFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  bytes: Uint8Array,
  options: CreateOptions = {}
): Promise<WriteReply> {
  if (bytes.length > createBytesMax) {
    throw new FilesError(
      'ERR_FILE_TOO_LARGE',
      `"${path}": ${bytes.length} bytes in one call, at most ${createBytesMax}: use a stream`,
      { path }
    )
  }
  return context.lane === undefined
    ? createHere(context, actor, path, bytes, options)
    : context.lane.create(actor, path, bytes, options, (...file) => createHere(context, actor, ...file))
}

/** Sealed in this thread, in one synchronous step with the look at its name. */
async function createHere(
  context: FilesContext,
  actor: Actor,
  path: string,
  bytes: Uint8Array,
  options: CreateOptions
): Promise<WriteReply> {
  const place = writePlace(context, actor, path, options.replace !== true)
  return commitContent(context, actor, place, options, (target) => sealContent(context, target, bytes))
}

/** Replaces or creates a file from a stream, in constant memory. */
export async function writeStream(
  context: FilesContext,
  actor: Actor,
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: StreamOptions = {}
): Promise<WriteReply> {
  const expectAbsent = options.expectAbsent ?? false
  const before = writePlace(context, actor, path, expectAbsent)
  checkExpectation(before.located, options.ifVersion, path)
  const zone = before.located?.summary.zone ?? zoneOfChildren(before.named.directory.summary)
  // keys of sectors are bound to content and fresh randomness; the block id in them only hedges, so the directory serves
  const target = {
    block: before.located?.summary.block ?? before.named.directory.block,
    aead: payloadAead(isPublicZone(context, zone))
  }
  let waiting: StoredSector[] = []
  let waitingBytes = 0
  const writer = new PayloadWriter(
    { ...target, crypto: context.crypto, random: context.random },
    {
      sectorLog2: options.sectorLog2 ?? sectorLog2Of(context, before.located),
      emit: (sector) => {
        waiting.push(sector)
        waitingBytes += sector.bytes.length
      }
    }
  )
  for await (const chunk of source) {
    options.signal?.throwIfAborted()
    // a chunk may be huge: pieces of it bound what waits
    for (let offset = 0; offset < chunk.length; offset += batchSectorBytesMax) {
      writer.push(chunk.subarray(offset, offset + batchSectorBytesMax))
      if (writer.size > fileBytesMax) throw tooLarge(path)
      if (waitingBytes < batchSectorBytesMax) continue
      const sectors = waiting
      waiting = []
      waitingBytes = 0
      await context.store.commit({ sectors }, { durability: 'none' })
    }
    options.onProgress?.(writer.size)
  }
  options.signal?.throwIfAborted()
  const content = storedContent(writer.finish(), waiting)
  const place = writePlace(context, actor, path, expectAbsent)
  return commitContent(context, actor, place, options, () => content)
}

/** A file whose sectors were written to the store by someone else; the name is checked here. */
export async function commitLargeFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  content: LargeContent,
  options: CreateOptions = {}
): Promise<WriteReply> {
  const place = writePlace(context, actor, path, options.replace !== true)
  const zone = place.located?.summary.zone ?? zoneOfChildren(place.named.directory.summary)
  const isClear = content.descriptor.aead === 0
  if (isClear !== isPublicZone(context, zone)) {
    throw new FilesError(
      'ERR_BATCH_INVALID',
      `"${path}": content is in clear in public zones, and only there: seal it again`,
      { path }
    )
  }
  if (
    content.size > 0 &&
    !context.store.hasSector(content.descriptor.rootHash) &&
    !isZero(content.descriptor.rootHash)
  ) {
    throw new FilesError(
      'ERR_BATCH_INVALID',
      `"${path}": the sectors of the content are not in the store: write them first`,
      { path }
    )
  }
  const stored: StoredContent =
    content.size === 0
      ? { payload: undefined, rootKey: undefined, size: 0, inline: undefined, sectors: [] }
      : {
          payload: content.descriptor,
          rootKey: content.rootKey,
          size: content.size,
          inline: undefined,
          sectors: []
        }
  return commitContent(context, actor, place, options, () => stored)
}

/** Writes a piece into an existing file; a gap before it reads as zeros. */
export async function writeAt(
  context: FilesContext,
  actor: Actor,
  path: string,
  piece: { readonly offset: number; readonly bytes: Uint8Array },
  options: WriteOptions = {}
): Promise<WriteReply> {
  checkOffset(path, piece.offset, piece.bytes.length)
  return changeFile(context, actor, path, options, () => ({ writes: [piece] }))
}

export async function append(
  context: FilesContext,
  actor: Actor,
  path: string,
  bytes: Uint8Array,
  options: WriteOptions = {}
): Promise<WriteReply> {
  return changeFile(context, actor, path, options, (size) => {
    checkOffset(path, size, bytes.length)
    return { writes: [{ offset: size, bytes }] }
  })
}

/** Cuts, or extends with zeros that take no space. */
export async function truncate(
  context: FilesContext,
  actor: Actor,
  path: string,
  size: number,
  options: WriteOptions = {}
): Promise<WriteReply> {
  checkOffset(path, size, 0)
  return changeFile(context, actor, path, options, () => ({ size }))
}

export async function setMetadata(
  context: FilesContext,
  actor: Actor,
  path: string,
  change: MetadataChange,
  options: WriteOptions & { readonly followLast?: boolean } = {}
): Promise<WriteReply> {
  const place = resolvePath(context, actor, path, { followLast: options.followLast ?? true })
  const located = locateOrFail(context, place, path)
  checkExpectation(located, options.ifVersion, path)
  const before = openOrDeny(context, actor, located.header, path)
  const metadata = applyMetadata(before.metadata, change, path)
  const { header, records } = makeVersion(context, actor, located, { metadata }, path)
  return commitWrite(context, records, [], options, {
    block: place.block,
    versionId: header.id,
    size: before.size,
    exposed: context.exposure.of(header.body.epoch)
  })
}

interface WritePlace {
  readonly named: NamedPlace
  /** The file that gets a new version. */
  readonly located: Located | undefined
}

/** Where a whole file goes: what exists is a file, or nothing is there. Links are followed when replacing. */
function writePlace(context: FilesContext, actor: Actor, path: string, expectAbsent: boolean): WritePlace {
  const named = resolveName(context, actor, path)
  if (named.existing === undefined) return { named, located: undefined }
  if (expectAbsent) {
    throw new FilesError(
      'ERR_FILE_EXISTS',
      `"${path}" exists: replace it explicitly or choose another name`,
      { path }
    )
  }
  const isLink = named.existing.summary.kind === blockKind.symlink
  const place = isLink ? resolvePath(context, actor, path) : named.existing
  if (place.summary.kind === blockKind.directory) {
    throw new FilesError('ERR_FILE_IS_DIRECTORY', `"${path}" is a directory: a file cannot replace it`, {
      path
    })
  }
  return { named, located: locateOrFail(context, place, path) }
}

type Target = {
  readonly block: Id
  readonly aead: ReturnType<typeof payloadAead>
  readonly sectorLog2: number
}

/** Synchronous up to the commit. */
function commitContent(
  context: FilesContext,
  actor: Actor,
  place: WritePlace,
  options: CreateOptions,
  seal: (target: Target) => StoredContent
): Promise<WriteReply> {
  const { named, located } = place
  const { path } = named
  checkExpectation(located, options.ifVersion, path)
  const sectorLog2 = options.sectorLog2 ?? sectorLog2Of(context, located)
  if (located !== undefined) {
    const aead = payloadAead(isPublicZone(context, located.summary.zone))
    const content = seal({ block: located.summary.block, aead, sectorLog2 })
    return commitNewContent(context, actor, { located, content, path }, options)
  }
  const zone = zoneOfChildren(named.directory.summary)
  const aead = payloadAead(isPublicZone(context, zone))
  const made = makeBlock(context, actor, {
    parent: named.directory.block,
    zone,
    kind: blockKind.file,
    name: named.name,
    metadata: freshMetadata(context, noMetadata, options.metadata, path),
    content: (block) => seal({ block, aead, sectorLog2 }),
    path
  })
  context.directories.expect(made.block)
  // its id was drawn here and the name looked for: nothing about it has to be looked up again
  const local: LocalRecord = { ...made.local, isNew: true }
  return commitWrite(context, [local], made.content.sectors, options, {
    block: made.block,
    versionId: made.header.id,
    size: made.content.size,
    exposed: context.exposure.of(made.header.body.epoch)
  })
}

function commitNewContent(
  context: FilesContext,
  actor: Actor,
  next: { readonly located: Located; readonly content: StoredContent; readonly path: string },
  options: WriteOptions
): Promise<WriteReply> {
  const { located, content, path } = next
  const before = openOrDeny(context, actor, located.header, path)
  const metadata = freshMetadata(context, before.metadata, options.metadata, path)
  const { header, records } = makeVersion(context, actor, located, { content, metadata }, path)
  return commitWrite(context, records, content.sectors, options, {
    block: located.summary.block,
    versionId: header.id,
    size: content.size,
    exposed: context.exposure.of(header.body.epoch)
  })
}

function changeFile(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: WriteOptions,
  change: (size: number) => Parameters<typeof changeContent>[4]
): Promise<WriteReply> {
  const located = locateFile(context, actor, path)
  checkExpectation(located, options.ifVersion, path)
  const opened = openOrDeny(context, actor, located.header, path)
  const target = {
    block: located.summary.block,
    aead: payloadAead(isPublicZone(context, located.summary.zone)),
    sectorLog2: sectorLog2Of(context, located)
  }
  try {
    const content = changeContent(context, located.header, opened, target, change(opened.size))
    return commitNewContent(context, actor, { located, content, path }, options)
  } catch (error) {
    throw damagedFile(error, path)
  }
}

/** The file at `path`, links followed; ERR_FILE_IS_DIRECTORY. */
export function locateFile(context: FilesContext, actor: Actor, path: string): Located {
  const place = resolvePath(context, actor, path)
  if (place.summary.kind === blockKind.directory) {
    if (!mayKnowOf(context, actor, place.summary)) throw accessDenied(path)
    throw new FilesError('ERR_FILE_IS_DIRECTORY', `"${path}" is a directory: list it instead`, { path })
  }
  return locateOrFail(context, place, path)
}

export function locateOrFail(context: FilesContext, place: Place, path: string): Located {
  const located = locate(context, place.block)
  if (located !== undefined) return located
  throw new FilesError('ERR_FILE_NOT_FOUND', `"${path}": no valid version of it is held`, { path })
}

/** Records that belong together; the reply is given when they are durable. */
export function commitWrite<Reply>(
  context: FilesContext,
  records: readonly LocalRecord[],
  sectors: readonly StoredSector[],
  options: Pick<WriteOptions, 'durability'>,
  reply: Reply
): Promise<Reply> {
  const durability = options.durability ?? context.durability
  return after(context.tree.commitLocal({ records, sectors }, { durability }), reply)
}

/** Holds the reply while it waits, and nothing of what was written. */
function after<Reply>(durable: Promise<void>, reply: Reply): Promise<Reply> {
  return durable.then(() => reply)
}

/** Metadata of new content: the time of the write unless the caller gives one. */
function freshMetadata(
  context: FilesContext,
  before: BlockMetadata,
  change: MetadataChange | undefined,
  path: string
): BlockMetadata {
  if (change === undefined) return { ...before, modifiedMs: context.clock.now() }
  return applyMetadata(before, { modifiedMs: context.clock.now(), ...change }, path)
}

function sectorLog2Of(context: FilesContext, located: Located | undefined): number {
  return located?.header.body.payload?.sectorLog2 ?? context.sectorLog2
}

function checkOffset(path: string, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new FilesError(
      'ERR_FILE_RANGE',
      `"${path}": offset or size ${offset} is not a whole number from 0`,
      { path }
    )
  }
  if (offset + length > fileBytesMax) throw tooLarge(path)
}

function tooLarge(path: string): FilesError {
  return new FilesError('ERR_FILE_TOO_LARGE', `"${path}" would be larger than ${fileBytesMax} bytes`, {
    path
  })
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
