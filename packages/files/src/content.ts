/**
 * Payloads as the file operations use them: sealed in one piece or changed in place, and read through the one sector
 * beside a header or through the store. No payload stands for an empty file.
 */
import { equalBytes, formatId } from '@blocktree/codec'
import { type AeadCode, type CryptoProvider, type Random, aead } from '@blocktree/crypto'
import {
  type HeaderPrivate,
  type HeaderRecord,
  type Id,
  type PayloadChange,
  PayloadReader,
  type PayloadState,
  PayloadWriter,
  type ReadSector,
  type StoredSector,
  TreeError,
  mayBeInline,
  noAead,
  padLeaf,
  payloadState,
  sealSector,
  updatePayload
} from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { idKey } from './id-key.ts'
import { readerNodes, readerSectorBytes } from './limits.ts'
import { type StoredContent, noContent } from './write-version.ts'

export type PayloadAead = AeadCode | typeof noAead

/** The AEAD of new payloads: none in public zones. */
export function payloadAead(isPublic: boolean): PayloadAead {
  return isPublic ? noAead : aead.aes256Gcm
}

const smallBytesMax = 8192 // up to here a call to OpenSSL costs more than ChaCha20 costs over AES (ADR 0002)

/** The AEAD of content that is sealed in one piece. */
function aeadFor(chosen: PayloadAead, length: number): PayloadAead {
  return chosen !== noAead && length <= smallBytesMax ? aead.chacha20Poly1305 : chosen
}

/** Seals `bytes` as the content of `block`; what is small enough goes beside the header. */
export function sealContent(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  target: { readonly block: Id; readonly aead: PayloadAead; readonly sectorLog2: number },
  bytes: Uint8Array
): StoredContent {
  if (bytes.length === 0) return noContent
  const code = aeadFor(target.aead, bytes.length)
  const seal = { crypto: deps.crypto, random: deps.random, block: target.block, aead: code }
  if (bytes.length <= 2 ** target.sectorLog2) {
    const { hash, key, bytes: sealed } = sealSector(seal, 0, padLeaf(bytes))
    const state = payloadState(code, target.sectorLog2, bytes.length, {
      hash,
      key,
      stored: sealed.length
    })
    return storedContent(state, [{ reference: hash, bytes: sealed }])
  }
  const sectors: StoredSector[] = []
  const writer = new PayloadWriter(seal, {
    sectorLog2: target.sectorLog2,
    emit: (sector) => sectors.push(sector)
  })
  writer.push(bytes)
  return storedContent(writer.finish(), sectors)
}

/** The content that a payload and its not yet stored sectors make. */
export function storedContent(state: PayloadState, sectors: readonly StoredSector[]): StoredContent {
  if (state.size === 0) return noContent
  const [only] = sectors
  const isInline = sectors.length === 1 && only !== undefined && mayBeInline(state.payload)
  return { ...state, inline: isInline ? only.bytes : undefined, sectors: isInline ? [] : sectors }
}

/** The payload that a header and its opened part describe; undefined for an empty file. */
export function payloadOf(header: HeaderRecord, opened: HeaderPrivate): PayloadState | undefined {
  const { payload } = header.body
  return payload === undefined ? undefined : { payload, size: opened.size, rootKey: opened.rootKey }
}

/** Random access to the content of one version; undefined for an empty file. */
export function contentReader(
  context: FilesContext,
  header: HeaderRecord,
  opened: HeaderPrivate
): PayloadReader | undefined {
  const state = payloadOf(header, opened)
  if (state === undefined) return undefined
  return new PayloadReader(context.crypto, state, {
    readSector: sectorSource(context, header),
    isVerified: true
  })
}

/**
 * As `contentReader`, the one of the reads before of this version where it is kept: its nodes, and what was read last,
 * are opened already. A version never changes; whether the actor may read it is for the caller to ask at each call.
 */
export function keptReader(
  context: FilesContext,
  header: HeaderRecord,
  opened: HeaderPrivate
): PayloadReader | undefined {
  const state = payloadOf(header, opened)
  if (state === undefined) return undefined
  const { levels, sectorLog2 } = state.payload
  if (levels === 0 && context.tree.inlineOf(header.id) !== undefined)
    return contentReader(context, header, opened) // what is beside a header costs less than its place here
  const key = idKey(header.id)
  const kept = context.readers.get(key)
  if (kept !== undefined) return kept
  const reader = new PayloadReader(context.crypto, state, {
    readSector: sectorSource(context, header),
    isVerified: true,
    nodeCount: readerNodes,
    leafCount: Math.max(1, readerSectorBytes >> sectorLog2)
  })
  context.readers.set(key, reader)
  return reader
}

/** Sectors of one version, compared with their hash: beside its header, else in the store. */
export function sectorSource(context: FilesContext, header: HeaderRecord): ReadSector {
  const { payload } = header.body
  const inline = payload?.levels === 0 ? context.tree.inlineOf(header.id) : undefined
  return (reference, into) => {
    if (inline !== undefined && payload !== undefined && equalBytes(reference, payload.rootHash)) {
      if (!equalBytes(context.crypto.sha256(inline), reference)) {
        throw new FilesError(
          'ERR_FILE_DAMAGED',
          `the sector ${formatId(reference)} beside a header is damaged`
        )
      }
      return inline
    }
    return context.store.readSector(reference, 'hash', into)
  }
}

/** The content after a change in place; only what changes is sealed anew. */
export function changeContent(
  context: FilesContext,
  header: HeaderRecord,
  opened: HeaderPrivate,
  target: { readonly block: Id; readonly aead: PayloadAead; readonly sectorLog2: number },
  change: PayloadChange
): StoredContent {
  const before = payloadOf(header, opened)
  const current =
    before ??
    payloadState(target.aead, target.sectorLog2, 0, {
      hash: new Uint8Array(32),
      key: new Uint8Array(32),
      stored: 0
    })
  const sectors: StoredSector[] = []
  const state = updatePayload(
    {
      context: { crypto: context.crypto, random: context.random, block: target.block },
      readSector: sectorSource(context, header),
      isVerified: true,
      emit: (sector) => sectors.push(sector)
    },
    current,
    change
  )
  const inlineBefore = before === undefined ? undefined : context.tree.inlineOf(header.id)
  const content = storedContent(state, sectors)
  const isSame = before !== undefined && equalBytes(state.payload.rootHash, before.payload.rootHash)
  return isSame && inlineBefore !== undefined ? { ...content, inline: inlineBefore } : content
}

/** Turns what reading a payload throws into this package's errors. */
export function damagedFile(error: unknown, path: string): unknown {
  if (!(error instanceof TreeError)) return error
  switch (error.code) {
    case 'ERR_SECTOR_MISSING':
    case 'ERR_SECTOR_HASH':
    case 'ERR_SECTOR_SEALED':
    case 'ERR_PAYLOAD_SHAPE':
      return new FilesError(
        'ERR_FILE_DAMAGED',
        `"${path}" cannot be read: ${error.message}; fetch it from a peer or restore a version`,
        { path, cause: error }
      )
    default:
      return error
  }
}
