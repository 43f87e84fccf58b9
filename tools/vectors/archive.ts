/** Vectors of doc/spec/12-archive.md: whole archives under a fixed key and salt. */
import { createHash } from 'node:crypto'
import { concatBytes } from '@blocktree/codec'
import { aead } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { exportRecords } from '@blocktree/store/archive'
import type { ArchiveItem } from '@blocktree/store/archive'
import { hex } from '../vector-page.ts'
import type { VectorCase, VectorPage } from '../vector-page.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const crypto = createNativeProvider()
const key = new Uint8Array(32).fill(1)
const salt = new Uint8Array(32).fill(2)

async function archiveOf(items: readonly ArchiveItem[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of exportRecords(items, { crypto, key, salt })) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

/** An archive of any plaintext in chunks, as section 2 says. */
function sealed(
  chunks: readonly Uint8Array[],
  options: { header?: Uint8Array; last?: number } = {}
): Uint8Array {
  const header = options.header ?? head()
  const info = concatBytes(text('blocktree/archive/1\0'), header.subarray(0, 16))
  const archiveKey = crypto.hkdfSha256(key, header.subarray(16), info, 32)
  const bodies = chunks.map((plain, number) => {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setUint32(7, number)
    nonce[11] = number === chunks.length - 1 ? (options.last ?? 1) : 0
    return crypto.aeadSeal(aead.aes256Gcm, archiveKey, nonce, new Uint8Array(0), plain)
  })
  return concatBytes(header, ...bodies)
}

function head(offset = 0, value = 0x62): Uint8Array {
  const header = new Uint8Array(48)
  header.set([0x62, 0x74, 0x61, 0x72, 0x63, 0x68, 0, 1, 1, 0, 0, 0, 0, 4, 0, 0])
  header.set(salt, 16)
  header[offset] = value
  return header
}

interface Item {
  readonly kind: number
  readonly reference?: Uint8Array
  readonly bytes?: Uint8Array
  /** Length and inline length that the item claims. */
  readonly length?: number
  readonly inline?: number
}

function item({
  kind,
  reference = new Uint8Array(32),
  bytes = new Uint8Array(0),
  length,
  inline = 0
}: Item): Uint8Array {
  const out = new Uint8Array(43 + bytes.length)
  const view = new DataView(out.buffer)
  view.setUint8(0, kind)
  view.setUint32(3, length ?? bytes.length)
  view.setUint32(7, inline)
  out.set(reference, 11)
  out.set(bytes, 43)
  return out
}

function refusedCases(archive: Uint8Array): VectorCase[] {
  const refuse = (comment: string, bytes: Uint8Array, error: string): VectorCase => ({
    comment,
    key: hex(key),
    archive: hex(bytes),
    error
  })
  const note = item({ kind: 3, bytes: text('note') })
  const ofItems = (comment: string, plain: Uint8Array): VectorCase =>
    refuse(comment, sealed([plain]), 'ERR_ARCHIVE_DAMAGED')
  const ofHeader = (comment: string, offset: number, value: number): VectorCase =>
    refuse(comment, sealed([note], { header: head(offset, value) }), 'ERR_ARCHIVE_FORMAT')
  const flipped = archive.with(60, (archive[60] ?? 0) ^ 1)
  return [
    refuse('no bytes', new Uint8Array(0), 'ERR_ARCHIVE_TRUNCATED'),
    refuse('a header cut short', archive.subarray(0, 47), 'ERR_ARCHIVE_TRUNCATED'),
    refuse('nothing behind the header', archive.subarray(0, 48), 'ERR_ARCHIVE_TRUNCATED'),
    refuse('a byte behind the last chunk', concatBytes(archive, Uint8Array.of(0)), 'ERR_ARCHIVE_DAMAGED'),
    refuse('a byte less', archive.subarray(0, archive.length - 1), 'ERR_ARCHIVE_DAMAGED'),
    refuse('a changed bit', flipped, 'ERR_ARCHIVE_DAMAGED'),
    { ...refuse('another key', archive, 'ERR_ARCHIVE_DAMAGED'), key: hex(salt) },
    refuse('another salt', archive.with(20, 9), 'ERR_ARCHIVE_DAMAGED'),
    ofHeader('another magic', 5, 0x69),
    ofHeader('a byte of the magic that is not zero', 6, 1),
    ofHeader('version 2', 7, 2),
    ofHeader('cipher 2', 8, 2),
    ofHeader('a reserved byte that is not zero', 10, 1),
    ofHeader('chunks of another length', 13, 8),
    refuse('a last chunk that is not marked', sealed([note], { last: 0 }), 'ERR_ARCHIVE_TRUNCATED'),
    refuse('a mark of 2', sealed([note], { last: 2 }), 'ERR_ARCHIVE_DAMAGED'),
    ofItems('an item of kind 0', item({ kind: 0 })),
    ofItems('an item of kind 4', item({ kind: 4 })),
    ofItems('an item cut short within its head', note.subarray(0, 40)),
    ofItems('an item cut short within its bytes', note.subarray(0, note.length - 1)),
    ofItems('a byte behind the last item', concatBytes(note, Uint8Array.of(3))),
    ofItems('an item that claims 8,388,609 bytes', item({ kind: 3, length: 8_388_609 })),
    ofItems('an inline sector that claims 8,388,609 bytes', item({ kind: 2, inline: 8_388_610 })),
    ofItems('a sector that is not its reference', item({ kind: 1, reference: salt, bytes: text('sector') }))
  ]
}

export async function generateVectors(): Promise<VectorPage> {
  const bytes = text('sector bytes')
  const reference = new Uint8Array(createHash('sha256').update(bytes).digest())
  const record = { id: new Uint8Array(32).fill(7), type: 10, bytes: text('envelope'), inline: text('inline') }
  const some: readonly ArchiveItem[] = [
    { kind: 'note', bytes: text('what follows') },
    { kind: 'sector', sector: { reference, bytes } },
    { kind: 'record', record },
    { kind: 'record', record: { ...record, inline: undefined } }
  ]
  const archive = await archiveOf(some)
  return {
    name: 'archive',
    specification: 'doc/spec/12-archive.md',
    comment: '`archive` is the whole stream under `key` and the salt in its header.',
    groups: {
      accept: [
        { comment: 'no items', key: hex(key), items: 0, archive: hex(await archiveOf([])) },
        {
          comment: 'a note, a sector, a record with and one without an inline sector',
          key: hex(key),
          items: 4,
          archive: hex(archive)
        }
      ],
      refuse: refusedCases(archive)
    }
  }
}
