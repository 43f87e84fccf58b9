/**
 * The plaintext of an archive: items one behind the other (doc/spec/12-archive.md, section 3). A header of 11
 * bytes - kind, record type, length, length of the inline sector + 1 - then 32 bytes of reference, then the bytes.
 */
import type { ArchiveItem } from './archive.ts'
import { asBuffer } from './frame.ts'
import { framePayloadBytesMax } from './limits.ts'
import { StoreError } from './store-error.ts'

const itemKind = { sector: 1, record: 2, note: 3 } as const
const headBytes = 43
const noReference = new Uint8Array(32)

/** The parts of an item, in order. */
export function encodeItem(item: ArchiveItem): readonly Uint8Array[] {
  switch (item.kind) {
    case 'sector':
      return [
        encodeHead(itemKind.sector, 0, item.sector.bytes.length, 0, item.sector.reference),
        item.sector.bytes
      ]
    case 'record': {
      const { id, type, bytes, inline } = item.record
      const head = encodeHead(
        itemKind.record,
        type,
        bytes.length,
        inline === undefined ? 0 : inline.length + 1,
        id
      )
      return inline === undefined ? [head, bytes] : [head, bytes, inline]
    }
    case 'note':
      return [encodeHead(itemKind.note, 0, item.bytes.length, 0, noReference), item.bytes]
  }
}

function encodeHead(
  kind: number,
  type: number,
  length: number,
  inline: number,
  reference: Uint8Array
): Uint8Array {
  if (length + inline > framePayloadBytesMax) {
    throw new StoreError(
      'ERR_STORE_LIMIT',
      `an item of ${length + inline} bytes; at most ${framePayloadBytesMax} fit`
    )
  }
  const head = Buffer.alloc(headBytes)
  head[0] = kind
  head.writeUInt16BE(type, 1)
  head.writeUInt32BE(length, 3)
  head.writeUInt32BE(inline, 7)
  head.set(reference, 11)
  return head
}

/** Cuts plaintext, as it comes, into items. */
export class ItemReader {
  #rest: Buffer = Buffer.alloc(0)
  /** Plaintext that came since `#rest` was joined. */
  #more: Uint8Array[] = []
  #available = 0
  #needed = headBytes;

  *push(plain: Uint8Array): Generator<ArchiveItem> {
    this.#more.push(plain)
    this.#available += plain.length
    if (this.#available < this.#needed) return
    let rest = Buffer.concat([this.#rest, ...this.#more])
    this.#more = []
    for (;;) {
      this.#needed = itemBytes(rest)
      if (rest.length < this.#needed || rest.length < headBytes) break
      yield decodeItem(rest.subarray(0, this.#needed))
      rest = rest.subarray(this.#needed)
    }
    this.#rest = rest
    this.#available = rest.length
  }

  /** Call after the last chunk. */
  end(): void {
    if (this.#available === 0) return
    throw new StoreError('ERR_ARCHIVE_DAMAGED', 'the archive ends in the middle of an item')
  }
}

/** Bytes of the item that begins here, as far as they are known. */
function itemBytes(source: Buffer): number {
  if (source.length < headBytes) return headBytes
  const inline = source.readUInt32BE(7)
  const length = source.readUInt32BE(3) + Math.max(0, inline - 1)
  if (length > framePayloadBytesMax)
    throw new StoreError('ERR_ARCHIVE_DAMAGED', `an item claims ${length} bytes`)
  return headBytes + length
}

function decodeItem(source: Buffer): ArchiveItem {
  const end = headBytes + source.readUInt32BE(3)
  const bytes = new Uint8Array(source.subarray(headBytes, end))
  const reference = new Uint8Array(source.subarray(11, headBytes))
  const inline = source.readUInt32BE(7) === 0 ? undefined : new Uint8Array(source.subarray(end))
  switch (source[0]) {
    case itemKind.sector:
      return { kind: 'sector', sector: { reference, bytes } }
    case itemKind.record:
      return {
        kind: 'record',
        record: { id: reference, type: asBuffer(source).readUInt16BE(1), bytes, inline }
      }
    case itemKind.note:
      return { kind: 'note', bytes }
    default:
      throw new StoreError('ERR_ARCHIVE_DAMAGED', `an item has the unknown kind ${source[0] ?? 0}`)
  }
}
