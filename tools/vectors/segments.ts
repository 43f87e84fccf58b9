/** Vectors of doc/spec/11-segments.md: the files of a small store, made on a disk in memory. */
import { createHash } from 'node:crypto'
import { createStore } from '@blocktree/store'
import type { DiskStore } from '@blocktree/store'
import { createFaultyFileSystem } from '@blocktree/store/faulty-file-system'
import { createMemoryIndex } from '@blocktree/store/memory-index'
import type { VectorPage } from '../vector-page.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

async function filesAfter(work: (store: DiskStore) => Promise<void>): Promise<Record<string, string>> {
  const files = createFaultyFileSystem()
  const store = await createStore({
    files,
    index: createMemoryIndex(),
    processes: { self: { pid: 1, boot: 'boot', started: '1' }, isRunning: () => false },
    random: (length) => Uint8Array.from({ length }, (_, index) => index + 1)
  })
  await work(store)
  await store.close()
  return { format: hex(files.contentOf('format')), segment: hex(files.contentOf('segments/00000001.seg')) }
}

export async function generateVectors(): Promise<VectorPage> {
  const sector = text('sector bytes')
  const record = { id: new Uint8Array(32).fill(7), type: 10, bytes: text('envelope'), inline: text('inline') }
  const cases = [
    { comment: 'an empty store: nothing but the first frame of its segment', work: async () => {} },
    {
      comment: 'one batch: a sector, a record with an inline sector, a local row, and a local row removed',
      work: (store: DiskStore) =>
        store.commit({
          sectors: [{ reference: sha256(sector), bytes: sector }],
          records: [record],
          rows: [{ key: text('r'), value: text('1') }],
          local: [
            { key: text('key'), value: text('value') },
            { key: text('old'), value: undefined }
          ]
        })
    },
    {
      comment: 'derived rows without a record: they are in the log',
      work: (store: DiskStore) =>
        store.commit({
          rows: [
            { key: text('a'), value: text('1') },
            { key: text('b'), value: undefined }
          ]
        })
    }
  ]
  const files = []
  for (const { comment, work } of cases) files.push({ comment, ...(await filesAfter(work)) })
  return {
    name: 'segments',
    specification: 'doc/spec/11-segments.md',
    comment: 'The store id is 01 02 … 10; `format` and `segment` are whole files after an orderly end.',
    groups: { files }
  }
}
