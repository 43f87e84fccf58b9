/**
 * What an app reads of a granted folder in a second: calls of 64 KiB from its process through the host calls, the grant
 * and the file port to a tree over the store on disk, each sector compared with its hash and opened.
 */
import { type AppInstance, limitStorage } from '@blocktree/apps'
import { createProcessRunner } from '@blocktree/sandbox'
import { createFilePort } from '../../packages/node/src/apps/file-port.ts'
import { createTimerPort } from '../../packages/node/src/apps/timer-port.ts'
import type { SpaceGuard } from '../../packages/node/src/space-guard.ts'
import {
  type TransferFixture,
  newTransferFixture
} from '../../packages/node/test/transfer/transfer-fixture.ts'
import {
  blockBytes,
  blocksRead,
  compileReadingGuest,
  expectedSum,
  fewBlocks,
  fileName,
  grantName,
  pathOfAll,
  pathOfFew
} from '../apps/reading-guest.ts'
import { startSandboxed } from '../apps/served.ts'
import { median } from '../measure.ts'
import type { BenchContext, Measured, Section } from '../section.ts'

/** The app only reads. */
const unbounded: Pick<SpaceGuard, 'expectRoom' | 'guarded'> = {
  expectRoom: () => undefined,
  async *guarded(parts) {
    yield* parts
  }
}
const folder = '/people/photos'
const fileBytes = blockBytes * blocksRead

export const appReadsSection: Section = {
  name: 'app-reads',
  title: 'Reads of apps',
  async run(context): Promise<Measured> {
    await using fixture = await newTransferFixture({ root: context.directory })
    const content = await storeFile(fixture)
    const app = await startReader(fixture)
    try {
      return await measure(context, app, content)
    } finally {
      await app.stop()
    }
  }
}

async function measure(context: BenchContext, app: AppInstance, content: Uint8Array): Promise<Measured> {
  const runs = context.runs ?? (context.isQuick ? 3 : 15)
  const sumOfAll = expectedSum(content, blocksRead)
  const sumOfFew = expectedSum(content, fewBlocks)
  const all: number[] = []
  const few: number[] = []
  for (let run = -1; run < runs; run++) {
    context.progress(`round ${run + 1} of ${runs}`)
    const rates = [await rateOf(app, pathOfAll, sumOfAll), await rateOf(app, pathOfFew, sumOfFew)] as const
    if (run < 0) continue // both are warm before the first round
    all.push(rates[0])
    few.push(rates[1])
  }
  return {
    figures: [
      {
        name: 'reads of 64 KiB by an app, each sector from the store and verified',
        value: median(all),
        unit: 'MB/s',
        target: { bound: 'at least', value: 350 }
      },
      {
        name: 'reads of 64 KiB by an app, of sectors that were just opened',
        value: median(few),
        unit: 'MB/s',
        target: { bound: 'at least', value: 500 }
      }
    ],
    tables: [],
    notes: [
      `One app on v8 reads a granted folder: ${blocksRead} calls of \`files.read\` an event, one after another, of an open file of ${fileBytes / 2 ** 20} MiB in sectors of 128 KiB; open and close are in the time. What it read is checked in each round. The two rows are measured in turn.`,
      `From the store: the whole file in order, more than the node keeps opened, so that each sector is read from the segment (in the page cache of the system), compared with its SHA-256 and opened with AES-256-GCM. Just opened: the first ${fewBlocks} blocks again and again. Grant and cap are asked at every call of both.`
    ]
  }
}

async function storeFile({ files, actor }: TransferFixture): Promise<Uint8Array> {
  const content = new Uint8Array(fileBytes)
  for (let from = 0; from < fileBytes; from += blockBytes)
    crypto.getRandomValues(content.subarray(from, from + blockBytes))
  await files.makeDirectory(actor, folder, { parents: true })
  await files.writeStream(actor, `${folder}/${fileName}`, [content])
  return content
}

async function startReader({ files, actor }: TransferFixture): Promise<AppInstance> {
  const port = createFilePort({
    files,
    actor,
    owner: actor,
    space: unbounded,
    timers: createTimerPort(),
    content: { hold: () => Promise.resolve(() => undefined) }
  })
  return await startSandboxed(createProcessRunner({ engine: 'v8' }), await compileReadingGuest(), {
    files: limitStorage(port, { directory: '/apps/bench/files', bytesMax: 1 }),
    granted: [
      {
        name: grantName,
        path: folder,
        isAsked: false,
        scope: { kind: 'files', object: 'folder', rights: ['read', 'list'] }
      }
    ],
    limits: { hostCallsPerInvoke: 10_000, hostBytesPerInvoke: 2 ** 30, invokeMs: 60_000 }
  })
}

/** MB/s of one event of the app. */
async function rateOf(app: AppInstance, path: string, expected: bigint): Promise<number> {
  const started = performance.now()
  const { body } = await app.answer({
    method: 'GET',
    path,
    query: '',
    headers: [],
    body: new Uint8Array(0),
    client: '127.0.0.1',
    isPublic: false,
    whenGone: () => undefined
  })
  const seconds = (performance.now() - started) / 1000
  if (!(body instanceof Uint8Array)) throw new Error('the app answered in parts')
  const sum = new DataView(body.buffer, body.byteOffset, body.byteLength).getBigUint64(0, true)
  if (sum !== expected) throw new Error('the app read something else')
  return fileBytes / 1e6 / seconds
}
