/**
 * Import, export and re-import of the corpora over a real store, in this process: MB/s, files/s, processor time of the
 * main thread for each file, peak resident memory.
 * Run: node --conditions=source bench/transfer.ts [large] [small] [mixed] [--rounds 3] [--root /var/tmp/bt-bench]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { newTransferFixture } from '../packages/node/test/transfer/transfer-fixture.ts'
import { type Corpus, type CorpusName, prepareCorpus } from './corpus.ts'
import { median, peakResidentKiB } from './measure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    root: { type: 'string', default: '/var/tmp/bt-bench' }
  }
})
const names: readonly CorpusName[] = (['large', 'small', 'mixed'] as const).filter(
  (name) => positionals.length === 0 || positionals.includes(name)
)

interface Stage {
  readonly label: string
  readonly seconds: number
}

async function stage(
  label: string,
  corpus: Corpus,
  work: () => Promise<{ readonly files: number; readonly problemCount: number }>
): Promise<Stage> {
  const before = process.threadCpuUsage()
  const all = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const start = performance.now()
  const { files, problemCount } = await work()
  const seconds = (performance.now() - start) / 1000
  const main = process.threadCpuUsage(before)
  const used = process.cpuUsage(all)
  const busy = performance.eventLoopUtilization(loop).utilization
  const rate = corpus.bytes / 1e6 / seconds
  const each = (main.user + main.system) / corpus.files
  const total = (used.user + used.system) / 1e6
  console.log(
    `${corpus.name} ${label}: ${seconds.toFixed(3)} s, ${rate.toFixed(0)} MB/s, ${Math.round(corpus.files / seconds)} files/s ` +
      `(${files} taken, ${problemCount} problems), main thread ${each.toFixed(1)} us a file (${Math.round(busy * 100)} % busy), ` +
      `processor ${total.toFixed(2)} s, peak ${Math.round(peakResidentKiB(process.pid) / 1024)} MiB`
  )
  return { label, seconds }
}

async function round(corpus: Corpus): Promise<readonly Stage[]> {
  await using fixture = await newTransferFixture({ root: values.root })
  const { transfer, actor } = fixture
  const target = join(fixture.directory, 'out')
  const stages = [
    await stage('import', corpus, () => transfer.importTree(actor, corpus.directory, '/corpus')),
    await stage('export', corpus, () => transfer.exportTree(actor, '/corpus', target)),
    await stage('import again', corpus, () => transfer.importTree(actor, corpus.directory, '/corpus')),
    await stage('export again', corpus, () => transfer.exportTree(actor, '/corpus', target))
  ]
  rmSync(target, { recursive: true, force: true })
  return stages
}

for (const name of names) {
  const corpus = prepareCorpus(values.root, name)
  const rounds: (readonly Stage[])[] = []
  for (let count = 0; count < Number(values.rounds); count++) rounds.push(await round(corpus))
  for (const [index, { label }] of (rounds[0] ?? []).entries()) {
    const seconds = median(rounds.map((stages) => stages[index]?.seconds ?? Number.NaN))
    console.log(
      `= ${name} ${label}: median ${seconds.toFixed(3)} s, ${(corpus.bytes / 1e6 / seconds).toFixed(0)} MB/s`
    )
  }
}
