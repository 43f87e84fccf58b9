/**
 * Signed headers of many new files in one buffer: what a worker has made and the main thread commits. The main thread
 * makes the record out of views, without decoding: it is our own worker's work, and the tree checks it anyway.
 */
import type { HeaderRecord, Id, PayloadDescriptor } from '@blocktree/tree'
import { blockKind, blockState, recordType } from '@blocktree/tree'
import type { ZoneTarget } from './worker-message.ts'

const idBytes = 32
const nameKeyBytes = 16
const nonceBytes = 16
const fixedBytes = idBytes * 4 + nameKeyBytes
const numbersPerHeader = 9
const envelopeTailBytes = 2 + 64 // signature with its length
const birthOffset = 3 // array of 11, length of the birth

export interface PackedHeader {
  readonly index: number
  readonly header: HeaderRecord
  readonly inline: Uint8Array | undefined
  readonly nameKey: Uint8Array
  readonly size: number
}

/** Everything that is alike in the headers of one directory. */
export interface SharedFields {
  readonly zone: ZoneTarget
  readonly directory: Id
  readonly signer: Id
}

export function packHeaders(headers: readonly PackedHeader[]): ArrayBuffer {
  let bytes = 8 + headers.length * numbersPerHeader * 8
  for (const { header, inline } of headers) bytes += fixedBytes + header.bytes.length + (inline?.length ?? 0)
  const buffer = new ArrayBuffer(bytes)
  const numbers = new Float64Array(buffer, 0, 1 + headers.length * numbersPerHeader)
  const target = new Uint8Array(buffer)
  numbers[0] = headers.length
  let at = 1
  let offset = numbers.byteLength
  const put = (part: Uint8Array): void => {
    target.set(part, offset)
    offset += part.length
  }
  for (const { index, header, inline, nameKey, size } of headers) {
    const { body } = header
    const { payload } = body
    const fields = [
      index,
      size,
      header.bytes.length,
      body.publicBytes.length,
      body.sealed.length,
      body.birthBytes.length,
      payload === undefined ? -1 : (payload.levels * 256 + payload.sectorLog2) * 256 + payload.aead,
      payload?.stored ?? 0,
      inline?.length ?? 0
    ]
    numbers.set(fields, at)
    at += numbersPerHeader
    put(body.block)
    put(header.id)
    put(nameKey)
    if (body.keyCommitment === undefined) offset += idBytes
    else put(body.keyCommitment)
    if (payload === undefined) offset += idBytes
    else put(payload.rootHash)
    put(header.bytes)
    if (inline !== undefined) put(inline)
  }
  return buffer
}

/** Views of `buffer`, but for the ids. */
export function* unpackHeaders(buffer: ArrayBuffer, shared: SharedFields): Generator<PackedHeader> {
  const [count = 0] = new Float64Array(buffer, 0, 1)
  const numbers = new Float64Array(buffer, 8, count * numbersPerHeader)
  let offset = 8 + numbers.byteLength
  const take = (length: number): Uint8Array => {
    const part = new Uint8Array(buffer, offset, length)
    offset += length
    return part
  }
  for (let row = 0; row < count; row++) {
    const at = row * numbersPerHeader
    const field = (column: number): number => numbers[at + column] ?? 0
    // copies: whoever keeps an id (the ring of changes does) would keep the whole buffer
    const block = take(idBytes).slice()
    const id = take(idBytes).slice()
    const nameKey = take(nameKeyBytes)
    const commitment = take(idBytes)
    const rootHash = take(idBytes)
    const bytes = take(field(2))
    const inlineLength = field(8)
    const inline = inlineLength === 0 ? undefined : take(inlineLength)
    const shape = field(6)
    const payload: PayloadDescriptor | undefined =
      shape < 0
        ? undefined
        : {
            aead: shape % 256,
            sectorLog2: Math.floor(shape / 0x100) % 256,
            levels: Math.floor(shape / 0x10000),
            stored: field(7),
            rootHash
          }
    const views = headerViews(bytes, {
      publicLength: field(3),
      sealedLength: field(4),
      birthLength: field(5)
    })
    const header = recordOf(shared, { block, id, commitment, payload, bytes, ...views })
    yield { index: field(0), header, inline, nameKey, size: field(1) }
  }
}

function recordOf(
  { zone, directory, signer }: SharedFields,
  own: {
    readonly block: Id
    readonly id: Id
    readonly commitment: Uint8Array
    readonly payload: PayloadDescriptor | undefined
    readonly bytes: Uint8Array
    readonly publicBytes: Uint8Array
    readonly sealed: Uint8Array
    readonly birthBytes: Uint8Array
  }
): HeaderRecord {
  return {
    type: recordType.header,
    id: own.id,
    signer,
    bytes: own.bytes,
    body: {
      birthBytes: own.birthBytes,
      birth: {
        tree: zone.tree,
        zone: zone.zone,
        parent: directory,
        creator: signer,
        kind: blockKind.file,
        zoneRoot: false,
        public: false,
        rank: zone.rank,
        nonce: own.birthBytes.subarray(own.birthBytes.length - nonceBytes)
      },
      block: own.block,
      version: 1,
      prev: [],
      state: blockState.live,
      parent: directory,
      epoch: zone.epoch,
      keyVersion: 0,
      keyCommitment: zone.isPublic ? undefined : own.commitment,
      payload: own.payload,
      cap: zone.cap,
      ext: [],
      publicBytes: own.publicBytes,
      sealed: own.sealed
    }
  }
}

/** The parts of an envelope of a header, from its end: signature, sealed part, public part with the birth in front. */
function headerViews(
  bytes: Uint8Array,
  {
    publicLength,
    sealedLength,
    birthLength
  }: { publicLength: number; sealedLength: number; birthLength: number }
): { publicBytes: Uint8Array; sealed: Uint8Array; birthBytes: Uint8Array } {
  const sealedEnd = bytes.length - envelopeTailBytes
  const sealedStart = sealedEnd - sealedLength
  const publicEnd = sealedStart - (sealedLength < 0x100 ? 2 : 3)
  const publicBytes = bytes.subarray(publicEnd - publicLength, publicEnd)
  return {
    publicBytes,
    sealed: bytes.subarray(sealedStart, sealedEnd),
    birthBytes: publicBytes.subarray(birthOffset, birthOffset + birthLength)
  }
}
