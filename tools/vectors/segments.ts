/** Vectors of doc/spec/11-segments.md: the files of a small store, made on a disk in memory. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { createStore } from '@blocktree/store'
import type { DiskStore } from '@blocktree/store'
import { createFaultyFileSystem } from '@blocktree/store/faulty-file-system'
import { createMemoryIndex } from '@blocktree/store/memory-index'
import type { VectorCase, VectorPage } from '../vector-page.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

const batchOf = (at: number): Parameters<DiskStore['commit']>[0] => {
  const bytes = text(`sector ${at}`)
  return {
    sectors: [{ reference: sha256(bytes), bytes }],
    records: [
      { id: new Uint8Array(32).fill(at), type: 10, bytes: text(`envelope ${at}`), inline: undefined }
    ],
    local: [{ key: text(`key ${at}`), value: text('value') }]
  }
}

/** Two batches of three frames in groups of their own, and every frame of the segment: [type, offset]. */
async function twoBatches(): Promise<{
  format: Uint8Array
  segment: Uint8Array
  frames: [number, number][]
}> {
  const made = await filesAfter(async (store) => {
    await store.commit(batchOf(1))
    await store.commit(batchOf(2))
  })
  const segment = Uint8Array.fromHex(made['segment'] ?? '')
  const view = new DataView(segment.buffer)
  const frames: [number, number][] = []
  for (let at = 0; at < segment.length; at += 56 + view.getUint32(at + 8))
    frames.push([view.getUint8(at + 4), at])
  return { format: Uint8Array.fromHex(made['format'] ?? ''), segment, frames }
}

async function damagedCases(): Promise<VectorCase[]> {
  const { format, segment, frames } = await twoBatches()
  const starts = frames.filter(([type]) => type === 3).map(([, at]) => at)
  const records = frames.filter(([type]) => type === 4).map(([, at]) => at)
  const close = frames.find(([type]) => type === 7)?.[1]
  const [first, second] = [starts[0], starts[1]]
  const [inFirst, inSecond] = [records[0], records[1]]
  if (
    first === undefined ||
    second === undefined ||
    inFirst === undefined ||
    inSecond === undefined ||
    close === undefined
  )
    throw new Error('two batches and a close')
  const flipped = (at: number, bytes = segment): Uint8Array =>
    Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte))
  const all = 2
  const made = (
    comment: string,
    bytes: Uint8Array,
    left: number,
    damage: readonly number[],
    kept: readonly number[]
  ): VectorCase => ({
    comment,
    format: hex(format),
    segment: hex(bytes),
    truncatedTo: left,
    damage,
    kept: { sectors: kept[0], records: kept[1], rows: kept[2] }
  })
  const whole = segment.length
  return [
    made('nothing is wrong', segment, whole, [], [all, all, all]),
    made('the mark of the close is cut off', segment.subarray(0, whole - 1), close, [], [all, all, all]),
    made(
      'zeros behind the close',
      new Uint8Array([...segment, ...new Uint8Array(100)]),
      whole,
      [],
      [all, all, all]
    ),
    made('the second batch is cut off', segment.subarray(0, inSecond + 60), second, [], [1, 1, 1]),
    made('the second batch has no end', segment.subarray(0, inSecond), second, [], [1, 1, 1]),
    made(
      'a bit of the second batch, whose end the close claims',
      flipped(inSecond + 58),
      whole,
      [second, inSecond],
      [2, 1, 2]
    ),
    made('the same without the close', flipped(inSecond + 58).subarray(0, close), second, [], [1, 1, 1]),
    made(
      'a bit of the header of a frame in the first batch',
      flipped(inFirst + 20),
      whole,
      [first, inFirst],
      [2, 1, 2]
    ),
    made('the first frame', flipped(60), whole, [0], [all, all, all]),
    made('a first frame that was never whole', segment.subarray(0, 79), 0, [], [0, 0, 0]),
    made('a damaged first frame and nothing behind it', flipped(60).subarray(0, 80), 0, [], [0, 0, 0])
  ]
}

async function refusedFormats(): Promise<VectorCase[]> {
  const { format } = await twoBatches()
  const good = Buffer.from(format).toString('latin1')
  const body = good.slice(0, good.indexOf('checksum')).replace('version 1', 'version 2')
  const later = `${body}checksum ${crc32(body).toString(16).padStart(8, '0')}\n`
  const refuse = (comment: string, file: string, error = 'ERR_STORE_CORRUPT'): VectorCase => ({
    comment,
    format: hex(Buffer.from(file, 'latin1')),
    error
  })
  return [
    refuse('a later version', later, 'ERR_STORE_VERSION'),
    refuse('a later version whose checksum does not hold', good.replace('version 1', 'version 2')),
    refuse('no bytes', ''),
    refuse('without the last line feed', good.slice(0, -1)),
    refuse('a line more', `${good}\n`),
    refuse('line ends of another system', good.replaceAll('\n', '\r\n')),
    refuse('another first line', good.replace('store', 'stores'))
  ]
}

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
    comment:
      'The store id is 01 02 … 10. files: `format` and `segment` are whole files after an orderly end. refuseFormats: ' +
      'ERR_STORE_VERSION is refused, ERR_STORE_CORRUPT is damage, after which the file is written again. damaged: the one, and so ' +
      'the last, segment of a store; `truncatedTo` is the length that opening leaves of it (0: it is removed), `damage` the ' +
      'offsets that are reported, `kept` the frames that are read.',
    groups: { files, refuseFormats: await refusedFormats(), damaged: await damagedCases() }
  }
}
