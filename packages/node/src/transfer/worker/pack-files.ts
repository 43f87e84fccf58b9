/**
 * New files of one directory: read, sealed, hashed and signed here, so that the main thread only checks names and
 * commits. A file that changes while it is read is read once more and then left out.
 */
import { closeSync } from 'node:fs'
import { nameKey, newBirth, signFirstVersion } from '@blocktree/files'
import { type CryptoProvider, aead } from '@blocktree/crypto'
import { createFrameBuilder, frameHeaderBytes, packFrames } from '@blocktree/store'
import {
  type BlockMetadata,
  type Id,
  type IndexRow,
  type PayloadDescriptor,
  type SealContext,
  type Signer,
  blockKind,
  holeReference,
  limits,
  mayBeInline,
  newFileRows,
  sealSector,
  sectorStoredBytes
} from '@blocktree/tree'
import { chachaBytesMax, sectorLog2, unitBytes } from '../limits.ts'
import { type PackedHeader, packHeaders } from '../packed-headers.ts'
import { systemReason } from '../transfer-problem.ts'
import type {
  FileFailure,
  NewFilesResult,
  PackResult,
  PackWork,
  SealedContent,
  ZoneTarget
} from '../worker-message.ts'
import type { FrameOutput } from './frame-output.ts'
import {
  type SourceReader,
  SourceRefusal,
  type SourceState,
  isZero,
  openSource,
  padded,
  readFully,
  sealUnitNode,
  sourceState
} from './seal-source.ts'

export interface PackContext {
  readonly crypto: CryptoProvider
  readonly signer: Signer
  readonly nameSecret: Uint8Array
  readonly zone: ZoneTarget
  readonly output: FrameOutput
  /** Of the frames of the store. */
  readonly salt: number
  readonly reader: SourceReader
}

/** Content whose sectors are in frames already, but for one that goes beside its header. */
interface Content {
  readonly payload: PayloadDescriptor | undefined
  readonly rootKey: Uint8Array | undefined
  readonly size: number
  readonly inline: Uint8Array | undefined
}

const noContent: Content = { payload: undefined, rootKey: undefined, size: 0, inline: undefined }
const sectorBytes = 2 ** sectorLog2

export async function packFiles(context: PackContext, work: PackWork): Promise<PackResult> {
  const headers: PackedHeader[] = []
  const replaced: SealedContent[] = []
  const failures: FileFailure[] = []
  const { reader } = context
  let bytes = 0
  try {
    for (const [index, name] of work.names.entries()) {
      const taken = await takeFile(context, work, reader, index, name)
      if ('code' in taken) failures.push(taken)
      else if ('header' in taken) headers.push(taken)
      else replaced.push(taken)
      if ('size' in taken) bytes += taken.size
    }
  } finally {
    context.output.flush()
  }
  const newFiles = work.isFresh ? frameHeaders(context, work, headers) : undefined
  const kept = newFiles === undefined ? headers : headers.slice(0, 1)
  return { headers: packHeaders(kept), newFiles, replaced, failures, bytes }
}

/** Headers and their rows as the store takes them; undefined when there are none. */
export function frameHeaders(
  { zone: { zone }, salt }: Pick<PackContext, 'zone' | 'salt'>,
  { directory }: Pick<PackWork, 'directory'>,
  headers: readonly Pick<PackedHeader, 'header' | 'inline' | 'nameKey'>[]
): NewFilesResult | undefined {
  if (headers.length === 0) return undefined
  const blocks = new Uint8Array(headers.length * 32)
  const records = new Uint8Array(headers.length * 32)
  let bytes = 0
  for (const { header, inline } of headers)
    bytes += frameHeaderBytes + header.bytes.length + (inline?.length ?? 0)
  const builder = createFrameBuilder(salt, new ArrayBuffer(bytes))
  const rows: IndexRow[] = []
  for (const [index, { header, inline, nameKey: key }] of headers.entries()) {
    const { id, type } = header
    blocks.set(header.body.block, index * 32)
    records.set(id, index * 32)
    builder.addRecord({ id, type, bytes: header.bytes, inline })
    rows.push(...newFileRows(header, { zone, directory, nameKey: key }))
  }
  return { frames: packFrames(builder.finish(), rows), blocks, records }
}

async function takeFile(
  context: PackContext,
  work: PackWork,
  reader: SourceReader,
  index: number,
  name: string
): Promise<PackedHeader | SealedContent | FileFailure> {
  for (let attempt = 0; ; attempt++) {
    try {
      const source = openSource(`${work.path}/${name}`, work.followLinks)
      try {
        if (source.state.size > unitBytes) return { index, code: 'large', reason: '' }
        const shown = work.shownNames[index] ?? name
        return work.replaces[index] === 1
          ? await sealReplacement(context, work, reader, index, source)
          : await sealNewFile(context, work, reader, index, shown, source)
      } finally {
        closeSync(source.fd)
      }
    } catch (error) {
      if (error instanceof SourceRefusal) {
        if (attempt === 0) continue
        return { index, code: error.code, reason: error.message }
      }
      if (!(error instanceof Error && 'syscall' in error)) throw error
      return { index, code: 'ERR_ENTRY_UNREADABLE', reason: systemReason(error) }
    }
  }
}

interface Source {
  readonly fd: number
  readonly state: SourceState
}

async function sealNewFile(
  context: PackContext,
  work: PackWork,
  reader: SourceReader,
  index: number,
  name: string,
  source: Source
): Promise<PackedHeader> {
  const { crypto, signer, zone } = context
  const deps = { crypto, random: crypto.random }
  const block = {
    tree: zone.tree,
    zone: zone.zone,
    parent: work.directory,
    kind: blockKind.file,
    cap: { cap: zone.cap, rank: zone.rank },
    writeKey: { epoch: zone.epoch, key: zone.key },
    name,
    metadata: metadataOf(source.state)
  }
  const birth = newBirth(deps, signer.id, block)
  const content = await sealContent(context, reader, birth.block, source, true)
  const { header } = signFirstVersion(deps, signer, block, birth, content)
  return {
    index,
    header,
    inline: content.inline,
    nameKey: nameKey(crypto, context.nameSecret, zone.zone, name),
    size: content.size
  }
}

async function sealReplacement(
  context: PackContext,
  work: PackWork,
  reader: SourceReader,
  index: number,
  source: Source
): Promise<SealedContent> {
  const { payload, rootKey, size } = await sealContent(context, reader, work.directory, source, false)
  return {
    index,
    size,
    modifiedMs: source.state.modifiedMs,
    mode: source.state.mode,
    aead: payload?.aead ?? aeadFor(context.zone, size),
    levels: payload?.levels ?? 0,
    stored: payload?.stored ?? 0,
    rootHash: payload?.rootHash.slice() ?? new Uint8Array(32),
    rootKey: rootKey?.slice()
  }
}

function metadataOf(state: SourceState): BlockMetadata {
  return { modifiedMs: state.modifiedMs, mode: state.mode, mediaType: undefined, attributes: [] }
}

async function sealContent(
  context: PackContext,
  reader: SourceReader,
  block: Id,
  source: Source,
  mayInline: boolean
): Promise<Content> {
  const { crypto, zone } = context
  const { size } = source.state
  const sealing: SealContext = { crypto, random: crypto.random, block, aead: aeadFor(zone, size) }
  if (size === 0) return noContent
  if (size <= sectorBytes) return sealOneSector(context, reader, sealing, source, mayInline)
  const { references, stored } = await reader.sealRun(
    source.fd,
    { firstLeaf: 0, length: size },
    sealing,
    context.output
  )
  expectUnchanged(source)
  const node = sealUnitNode(sealing, 0, references)
  if (node !== undefined) await context.output.add({ reference: node.hash, bytes: node.bytes })
  const root = node ?? { ...holeReference(sealing.aead), bytes: { length: 0 } }
  return {
    payload: {
      aead: sealing.aead,
      sectorLog2,
      levels: 1,
      stored: stored + root.bytes.length,
      rootHash: root.hash
    },
    rootKey: zone.isPublic ? undefined : root.key,
    size,
    inline: undefined
  }
}

function aeadFor({ isPublic }: ZoneTarget, size: number): SealContext['aead'] {
  if (isPublic) return 0
  return size <= chachaBytesMax ? aead.chacha20Poly1305 : aead.aes256Gcm
}

async function sealOneSector(
  context: PackContext,
  reader: SourceReader,
  sealing: SealContext,
  source: Source,
  mayInline: boolean
): Promise<Content> {
  const { size } = source.state
  // one byte more than there should be shows a file that grew
  const count = readFully(source.fd, reader.buffer.subarray(0, size + 1), 0)
  if (count !== size)
    throw new SourceRefusal('ERR_ENTRY_CHANGED', count > size ? 'it became longer' : 'it became shorter')
  const plaintext = padded(reader.buffer, 0, size)
  const rootKeyOf = (key: Uint8Array): Uint8Array | undefined => (sealing.aead === 0 ? undefined : key)
  const describe = (stored: number, rootHash: Uint8Array): PayloadDescriptor => ({
    aead: sealing.aead,
    sectorLog2,
    levels: 0,
    stored,
    rootHash
  })
  if (size === sectorBytes && isZero(plaintext)) {
    const hole = holeReference(sealing.aead)
    return { payload: describe(0, hole.hash), rootKey: rootKeyOf(hole.key), size, inline: undefined }
  }
  const length = sectorStoredBytes(sealing.aead, plaintext.length)
  if (mayInline && plaintext.length <= limits.inlineBytesMax && mayBeInline(describe(length, zeroHash))) {
    const { hash, key, bytes } = sealSector(sealing, 0, plaintext)
    return { payload: describe(length, hash), rootKey: rootKeyOf(key), size, inline: bytes }
  }
  const slot = context.output.reserve(length) ?? (await context.output.reserveOrWait(length))
  const { hash, key } = sealSector(sealing, 0, plaintext, slot.bytes)
  slot.place(hash)
  return { payload: describe(length, hash), rootKey: rootKeyOf(key), size, inline: undefined }
}

const zeroHash = new Uint8Array(32)

/** For files that take more than one read. */
export function expectUnchanged(source: Source): void {
  const { size, modifiedMs } = sourceState(source.fd)
  if (size !== source.state.size || modifiedMs !== source.state.modifiedMs) {
    throw new SourceRefusal('ERR_ENTRY_CHANGED', 'it was written to while it was read')
  }
}
