/**
 * An archive: records, sectors and notes as one encrypted stream, for backups (doc/spec/12-archive.md). Chunks are
 * sealed in the STREAM construction: the nonce counts them and marks the last one, so that chunks cannot be
 * changed, dropped, reordered or appended, and a stream that was cut off is refused.
 */
import { hash } from 'node:crypto'
import { equalBytes } from '@blocktree/codec'
import type { AeadCode, CryptoProvider } from '@blocktree/crypto'
import { aead } from '@blocktree/crypto'
import type { StoredRecord, StoredSector } from '@blocktree/tree'
import { ItemReader, encodeItem } from './archive-items.ts'
import { asBuffer } from './frame.ts'
import { archiveChunkBytes } from './limits.ts'
import { StoreError } from './store-error.ts'

export type ArchiveItem =
  | { readonly kind: 'sector'; readonly sector: StoredSector }
  | { readonly kind: 'record'; readonly record: StoredRecord }
  /** Bytes of the layer above, such as a list of what follows. */
  | { readonly kind: 'note'; readonly bytes: Uint8Array }

export interface ArchiveOptions {
  readonly crypto: Pick<CryptoProvider, 'aeadSeal' | 'aeadOpen' | 'hkdfSha256'>
  /** 32 bytes; may be used for any number of archives. */
  readonly key: Uint8Array
}

const magic = Buffer.from('btarch\0\u0001', 'latin1')
const saltBytes = 32
const headerBytes = 48
const tagBytes = 16
const info = Buffer.from('blocktree/archive/1\0', 'latin1')
const nothing = new Uint8Array()

/**
 * The bytes of an archive, in pieces of about 256 KiB.
 * @param salt 32 fresh random bytes; never the same for two archives under one key
 */
export async function* exportRecords(
  items: AsyncIterable<ArchiveItem> | Iterable<ArchiveItem>,
  options: ArchiveOptions & { readonly salt: Uint8Array }
): AsyncGenerator<Uint8Array> {
  const header = encodeHeader(options.salt)
  yield header
  const sealer = new ChunkCipher(options, header)
  let plain = Buffer.allocUnsafe(archiveChunkBytes)
  let used = 0
  for await (const item of items) {
    for (const part of encodeItem(item)) {
      for (let offset = 0; offset < part.length;) {
        // A full chunk is held back until it is known not to be the last.
        if (used === archiveChunkBytes) {
          yield sealer.seal(plain, false)
          plain = Buffer.allocUnsafe(archiveChunkBytes)
          used = 0
        }
        const piece = part.subarray(offset, offset + archiveChunkBytes - used)
        plain.set(piece, used)
        used += piece.length
        offset += piece.length
      }
    }
  }
  yield sealer.seal(plain.subarray(0, used), true)
}

/**
 * The items of an archive, sectors verified by their hash; records are for the caller to verify. Items come before
 * the end of the stream was seen: what they are written to must not be relied on until this ends without an error.
 * ERR_ARCHIVE_FORMAT, ERR_ARCHIVE_DAMAGED, ERR_ARCHIVE_TRUNCATED.
 */
export async function* importRecords(
  stream: AsyncIterable<Uint8Array>,
  options: ArchiveOptions
): AsyncGenerator<ArchiveItem> {
  const reader = new ItemReader()
  for await (const plain of openChunks(stream, options)) {
    for (const item of reader.push(plain)) {
      if (item.kind === 'sector') verifySector(item.sector)
      yield item
    }
  }
  reader.end()
}

async function* openChunks(
  stream: AsyncIterable<Uint8Array>,
  options: ArchiveOptions
): AsyncGenerator<Uint8Array> {
  const sealedBytes = archiveChunkBytes + tagBytes
  const gathered = new Gathered()
  let opener: ChunkCipher | undefined
  for await (const piece of stream) {
    gathered.push(piece)
    if (opener === undefined && gathered.length >= headerBytes)
      opener = openHeader(options, gathered.take(headerBytes))
    // The last chunk stays until the stream has ended.
    if (opener === undefined) continue
    while (gathered.length > sealedBytes) yield opener.open(gathered.take(sealedBytes), false)
  }
  if (opener === undefined)
    throw new StoreError('ERR_ARCHIVE_TRUNCATED', 'the archive ends within its header')
  yield opener.open(gathered.take(gathered.length), true)
}

function encodeHeader(salt: Uint8Array): Uint8Array {
  if (salt.length !== saltBytes)
    throw new StoreError('ERR_STORE_ARGUMENT', `a salt of ${salt.length} bytes; 32 are needed`)
  const header = Buffer.alloc(headerBytes)
  header.set(magic, 0)
  header[8] = aead.aes256Gcm
  header.writeUInt32BE(archiveChunkBytes, 12)
  header.set(salt, 16)
  return new Uint8Array(header)
}

function openHeader(options: ArchiveOptions, header: Uint8Array): ChunkCipher {
  const source = asBuffer(header)
  const refuse = (problem: string): StoreError => new StoreError('ERR_ARCHIVE_FORMAT', problem)
  if (!source.subarray(0, 7).equals(magic.subarray(0, 7))) throw refuse('this is no archive')
  if (source[7] !== 1) throw refuse(`the archive has version ${source[7] ?? 0}; this program reads version 1`)
  if (source[8] !== aead.aes256Gcm) throw refuse(`the archive has the unknown cipher ${source[8] ?? 0}`)
  if (source.readUIntBE(9, 3) !== 0) throw refuse('the reserved bytes of the archive are not zero')
  if (source.readUInt32BE(12) !== archiveChunkBytes)
    throw refuse('the archive has chunks of an unknown length')
  return new ChunkCipher(options, header)
}

/** Seals or opens chunks in order. The key is of this archive alone, and bound to its header. */
class ChunkCipher {
  readonly #crypto: ArchiveOptions['crypto']
  readonly #key: Uint8Array
  readonly #code: AeadCode = aead.aes256Gcm
  #counter = 0

  constructor({ crypto, key }: ArchiveOptions, header: Uint8Array) {
    if (key.length !== 32)
      throw new StoreError('ERR_STORE_ARGUMENT', `a key of ${key.length} bytes; 32 are needed`)
    this.#crypto = crypto
    this.#key = crypto.hkdfSha256(key, header.subarray(16), Buffer.concat([info, header.subarray(0, 16)]), 32)
  }

  seal(plain: Uint8Array, last: boolean): Uint8Array {
    return this.#crypto.aeadSeal(this.#code, this.#key, this.#nonce(last), nothing, plain)
  }

  open(sealed: Uint8Array, last: boolean): Uint8Array {
    const number = this.#counter
    const plain = sealed.length < tagBytes ? undefined : this.#openAs(sealed, last)
    this.#counter = number + 1
    if (plain !== undefined && (plain.length > 0 || number === 0 || !last)) return plain
    this.#counter = number
    if (last && (sealed.length < tagBytes || this.#openAs(sealed, false) !== undefined)) {
      throw new StoreError(
        'ERR_ARCHIVE_TRUNCATED',
        `the archive ends after chunk ${number}, which is not the last`
      )
    }
    const reason = 'it was changed, moved or cut off, or the key is another'
    throw new StoreError('ERR_ARCHIVE_DAMAGED', `chunk ${number} of the archive cannot be opened: ${reason}`)
  }

  #openAs(sealed: Uint8Array, last: boolean): Uint8Array | undefined {
    const counter = this.#counter
    const plain = this.#crypto.aeadOpen(this.#code, this.#key, this.#nonce(last), nothing, sealed)
    this.#counter = counter
    return plain
  }

  /** 11 bytes of counter, one that is 1 for the last chunk. */
  #nonce(last: boolean): Uint8Array {
    const nonce = Buffer.alloc(12)
    nonce.writeUIntBE(this.#counter++, 5, 6)
    nonce[11] = last ? 1 : 0
    return new Uint8Array(nonce)
  }
}

/** Pieces of a stream as one run of bytes. */
class Gathered {
  #pieces: Uint8Array[] = []
  length = 0

  push(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.length += piece.length
  }

  take(count: number): Uint8Array {
    const joined = this.#pieces.length === 1 ? (this.#pieces[0] ?? nothing) : Buffer.concat(this.#pieces)
    this.#pieces = count < joined.length ? [joined.subarray(count)] : []
    this.length = joined.length - count
    return joined.subarray(0, count)
  }
}

function verifySector({ reference, bytes }: StoredSector): void {
  if (equalBytes(reference, hash('sha256', bytes, 'buffer'))) return
  throw new StoreError(
    'ERR_ARCHIVE_DAMAGED',
    'a sector in the archive does not have the hash it is stored under'
  )
}
