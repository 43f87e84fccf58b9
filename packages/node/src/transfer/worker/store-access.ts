/**
 * Reading the log in a worker: the main thread says where things lie, the bytes are read and verified here. What is
 * not there any more (a collection moved it) is asked of the main thread.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { CryptoProvider } from '@blocktree/crypto'
import { decodeFrameHeader, frameHeaderBytes, frameType, segmentPath } from '@blocktree/store'
import { type HeaderRecord, type Id, checkSectorHash, decodeRecord, recordType } from '@blocktree/tree'
import { equalBytes } from '@blocktree/codec'

const segmentsOpenMax = 32

/** Three numbers: segment, offset, length of the payload; zeros when the place is not known. */
export interface Place {
  readonly segment: number
  readonly offset: number
  readonly length: number
}

export interface Asking {
  places(hashes: Uint8Array): Promise<Float64Array>
  read(kind: 'record' | 'sector', reference: Id): Promise<Uint8Array | undefined>
}

/** Something that a header names is not in the store. */
export class MissingBytes extends Error {
  override readonly name = 'MissingBytes'
}

export interface ReadHeader {
  readonly record: HeaderRecord
  readonly inline: Uint8Array | undefined
}

export function placeAt(places: Float64Array, index: number): Place {
  const at = index * 3
  return { segment: places[at] ?? 0, offset: places[at + 1] ?? 0, length: places[at + 2] ?? 0 }
}

export class StoreAccess {
  readonly #directory: string
  readonly #salt: number
  readonly #crypto: CryptoProvider
  readonly #open = new Map<number, number>()
  #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  constructor(deps: { directory: string; salt: number; crypto: CryptoProvider }) {
    this.#directory = deps.directory
    this.#salt = deps.salt
    this.#crypto = deps.crypto
  }

  /** A header record, its id recomputed; undefined when it is not at its place. The bytes are copies. */
  readHeader(id: Id, place: Place): ReadHeader | undefined {
    const frame = this.#read(place, frameHeaderBytes + place.length)
    if (frame === undefined) return undefined
    const header = decodeFrameHeader(frame, 0, this.#salt)
    if (
      header?.type !== frameType.record ||
      header.length !== place.length ||
      !equalBytes(header.reference, id)
    ) {
      return undefined
    }
    return parseHeader(this.#crypto, id, new Uint8Array(frame.subarray(frameHeaderBytes)), header.part)
  }

  /** A sector compared with its hash; a view that is valid until the next call. Undefined when it is not there. */
  readSector(hash: Id, place: Place): Uint8Array | undefined {
    const bytes = this.#read({ ...place, offset: place.offset + frameHeaderBytes }, place.length)
    if (bytes === undefined) return undefined
    return equalBytes(this.#crypto.sha256(bytes), hash) ? bytes : undefined
  }

  /** Asks the main thread for a sector that is not at its place. */
  async askSector(hash: Id, asking: Asking): Promise<Uint8Array> {
    const asked = await asking.read('sector', hash)
    if (asked === undefined) throw new MissingBytes('a sector of it is not held here')
    checkSectorHash(this.#crypto, hash, asked)
    return asked
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
  }

  #read(place: Place, length: number): Buffer | undefined {
    if (place.segment === 0) return undefined
    const fd = this.#segment(place.segment)
    if (fd === undefined) return undefined
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(length)
    const count = readSync(fd, this.#buffer, 0, length, place.offset)
    return count === length ? this.#buffer.subarray(0, length) : undefined
  }

  #segment(segment: number): number | undefined {
    const held = this.#open.get(segment)
    if (held !== undefined) return held
    if (this.#open.size >= segmentsOpenMax) this.close()
    try {
      const fd = openSync(join(this.#directory, segmentPath(segment)), 'r')
      this.#open.set(segment, fd)
      return fd
    } catch {
      return undefined
    }
  }
}

/** @returns undefined when the bytes are not the header with this id */
export function parseHeader(
  crypto: CryptoProvider,
  id: Id,
  payload: Uint8Array,
  envelopeBytes: number
): ReadHeader | undefined {
  const record = decodeRecord(crypto, payload.subarray(0, envelopeBytes))
  if (record.type !== recordType.header || !equalBytes(record.id, id)) return undefined
  const inline = payload.length > envelopeBytes ? payload.subarray(envelopeBytes) : undefined
  return { record, inline }
}
