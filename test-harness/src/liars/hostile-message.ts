/**
 * Messages of pages 24, 27 and 28 as an enemy makes them: from the pages alone and with none of the checks of the code
 * that an honest node sends them with.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'

export interface HelloParts {
  readonly principal: Uint8Array
  readonly endpoint: Uint8Array
  readonly purpose: number
}

/** Page 27, section 2. */
export function hello({ principal, endpoint, purpose }: HelloParts): Uint8Array {
  const writer = new CanonicalWriter(8192).array(8).uint(1).bin(principal).bin(endpoint)
  return writer.array(0).array(0).uint(Date.now()).uint(purpose).array(0).finish()
}

function ask(fields: number, tree: Uint8Array, scope: readonly Uint8Array[]): CanonicalWriter {
  const writer = new CanonicalWriter(4096).array(fields).uint(1).bin(tree).array(scope.length)
  for (const id of scope) writer.bin(id)
  return writer
}

export function openAsk(tree: Uint8Array): Uint8Array {
  return ask(3, tree, []).finish()
}

/** The scope that the peer gives. */
export function scopeOf(answer: Uint8Array): readonly Uint8Array[] {
  const reader = new CanonicalReader(answer)
  reader.arrayOf(5)
  reader.uint()
  return Array.from({ length: reader.array(64) }, () => reader.binExact(32).slice())
}

/** `count` and `hash` of authority, receipts and headers, as the enemy likes. */
export function openAnswer(scope: readonly Uint8Array[], count: number, hash: Uint8Array): Uint8Array {
  const writer = new CanonicalWriter(512).array(5).uint(1).array(scope.length)
  for (const id of scope) writer.bin(id)
  for (let root = 0; root < 3; root++) writer.array(2).uint(count).bin(hash)
  return writer.finish()
}

export function nodesAsk(
  tree: Uint8Array,
  scope: readonly Uint8Array[],
  places: readonly Uint8Array[]
): Uint8Array {
  const writer = ask(6, tree, scope).uint(3).uint(2).array(places.length)
  for (const place of places) writer.bin(place)
  return writer.finish()
}

/** A place with sixteen children that claim to hold very much. */
export function innerAnswer(place: Uint8Array, count: number, hash: Uint8Array): Uint8Array {
  const writer = new CanonicalWriter(2048)
    .array(2)
    .uint(1)
    .array(1)
    .array(4)
    .bin(place)
    .uint(0xffff)
    .array(16)
  const hashes = new Uint8Array(16 * 32)
  for (let child = 0; child < 16; child++) {
    writer.uint(count)
    hashes.set(hash, child * 32)
  }
  return writer.bin(hashes).finish()
}

/** The first place that is asked about. */
export function firstPlaceOf(nodes: Uint8Array): Uint8Array {
  const reader = new CanonicalReader(nodes)
  reader.arrayOf(6)
  reader.uint()
  reader.binExact(32)
  for (let left = reader.array(64); left > 0; left--) reader.binExact(32)
  reader.uint()
  reader.uint()
  return reader.array(1024) === 0 ? new Uint8Array(0) : reader.bin(64).slice()
}

/** Everything below the root of the summary of headers. */
export function headersAsk(tree: Uint8Array, scope: readonly Uint8Array[]): Uint8Array {
  return ask(5, tree, scope).array(1).bin(new Uint8Array(0)).array(0).finish()
}

export interface Streamed {
  readonly record: Uint8Array
  readonly inline: Uint8Array | undefined
}

/** Records of a stream of frames; births are left out. */
export function recordsOf(bytes: Uint8Array): readonly Streamed[] {
  const found: Streamed[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint32(at)
    const reader = new CanonicalReader(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
    if (reader.array(2, 1) === 1) continue
    const record = reader.bin(length).slice()
    found.push({ record, inline: reader.optional(() => reader.bin(length).slice()) })
  }
  return found
}

export function push(tree: Uint8Array, records: readonly Streamed[]): Uint8Array {
  const writer = new CanonicalWriter(64 * 1024).array(4).uint(1).bin(tree).array(0).array(records.length)
  for (const { record, inline } of records) {
    writer.array(2).bin(record)
    writer.optional(inline, (bytes) => writer.bin(bytes))
  }
  return writer.finish()
}

export function behind(tree: Uint8Array): Uint8Array {
  return new CanonicalWriter(64).array(2).uint(1).bin(tree).finish()
}

/** What a request for a receipt names. */
export function receiptAskOf(bytes: Uint8Array): {
  readonly zone: Uint8Array
  readonly records: readonly Uint8Array[]
} {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(6)
  reader.uint()
  reader.binExact(32)
  for (let left = reader.array(64); left > 0; left--) reader.binExact(32)
  const zone = reader.binExact(32).slice()
  reader.uint()
  const ids = reader.bin(bytes.length)
  const records = Array.from({ length: ids.length / 32 }, (_, index) =>
    ids.slice(index * 32, index * 32 + 32)
  )
  return { zone, records }
}

export function receiptAnswer(receipt: Uint8Array): Uint8Array {
  const writer = new CanonicalWriter(receipt.length + 64).array(3).uint(1).bin(receipt)
  return writer.bin(new Uint8Array(0)).finish()
}

/** Page 27, section 7: a word to the node by topic. */
export function nodeMessage(tree: Uint8Array, number: number): Uint8Array {
  const writer = new CanonicalWriter(256).array(9).uint(1).bin(tree).nil().nil().str('ping')
  return writer.bin(new Uint8Array(16)).uint(number).nil().nil().finish()
}

/** A frame with its length before it, as streams carry them. */
export function delimited(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(4 + length)
  new DataView(bytes.buffer).setUint32(0, length)
  let at = 4
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A birth, which no record needs. */
export function birthFrame(): Uint8Array {
  return delimited(new CanonicalWriter(256).array(1).bin(new Uint8Array(100).fill(7)).finish())
}
