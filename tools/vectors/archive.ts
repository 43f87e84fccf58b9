/** Vectors of doc/spec/12-archive.md: whole archives under a fixed key and salt. */
import { createHash } from 'node:crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { exportRecords } from '@blocktree/store/archive'
import type { ArchiveItem } from '@blocktree/store/archive'
import { hex } from '../vector-page.ts'
import type { VectorPage } from '../vector-page.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const crypto = createNativeProvider()
const key = new Uint8Array(32).fill(1)
const salt = new Uint8Array(32).fill(2)

async function archiveOf(items: readonly ArchiveItem[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of exportRecords(items, { crypto, key, salt })) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
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
  const cut = archive.subarray(0, 48)
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
      refuse: [
        {
          comment: 'nothing behind the header',
          key: hex(key),
          archive: hex(cut),
          error: 'ERR_ARCHIVE_TRUNCATED'
        },
        {
          comment: 'a byte behind the last chunk',
          key: hex(key),
          archive: `${hex(archive)}00`,
          error: 'ERR_ARCHIVE_DAMAGED'
        },
        { comment: 'another key', key: hex(salt), archive: hex(archive), error: 'ERR_ARCHIVE_DAMAGED' }
      ]
    }
  }
}
