/**
 * `npm run bench [-- SECTION… --runs N --quick --json]`: measures, prints tables, keeps bench/output/results.json.
 * Sections measured at different times are kept side by side there; `--write-results` makes bench/RESULTS.md of them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { currentCommit, describeMachine, type Machine } from './machine.ts'
import { killRunningCommands } from './measure.ts'
import { peers } from './peers.ts'
import { renderPage, renderSection } from './render.ts'
import { type BenchContext, isReached, type Section, type SectionResult } from './section.ts'
import { appReadsSection } from './sections/app-reads.ts'
import { appsSection } from './sections/apps.ts'
import { createsSection } from './sections/creates.ts'
import { erisSection } from './sections/eris.ts'
import { erisDaemonSection } from './sections/eris-daemon.ts'
import { failoverSection } from './sections/failover.ts'
import { fuelSection } from './sections/fuel.ts'
import { fuelWasmtimeSection } from './sections/fuel-wasmtime.ts'
import { idleSection } from './sections/idle.ts'
import { millionSection } from './sections/million.ts'
import { replicationSection } from './sections/replication.ts'
import { networkSection } from './sections/network.ts'
import { rpcSection } from './sections/rpc.ts'
import { sandboxSection } from './sections/sandbox.ts'
import { startSection } from './sections/start.ts'
import { syncSection } from './sections/sync.ts'
import { catchUpSection } from './sections/catch-up.ts'
import { transferSections } from './sections/transfer.ts'

const sections: readonly Section[] = [
  ...transferSections,
  createsSection,
  rpcSection,
  networkSection,
  syncSection,
  catchUpSection,
  replicationSection,
  failoverSection,
  idleSection,
  millionSection,
  startSection,
  sandboxSection,
  fuelSection,
  fuelWasmtimeSection,
  appsSection,
  appReadsSection,
  erisSection,
  erisDaemonSection
]
const output = join(import.meta.dirname, 'output')
const pictures = join(import.meta.dirname, '..', 'doc', 'images')

const usage = `npm run bench [-- SECTION... OPTIONS]

sections: ${sections.map(({ name }) => name).join(', ')}; all when none is named;
          the beginning of a name stands for all that begin so: transfer
  --runs N          rounds of each measurement
  --minutes N       how long nodes at rest are watched (section idle); 60 for a soak with its curve of memory
  --quick           small corpora, few rounds: to see that everything works
  --size 1g         four times the content of "replication"
  --peer NAME       only this peer of the transfers (${peers.map(({ name }) => name).join(', ')}); may be repeated, "none" for no peer
  --directory DIR   scratch place, on the disk that is to be measured; the system's temporary directory when not given
  --corpora DIR     keep the corpora here for the next time
  --json            results as JSON on stdout instead of tables
  --write-results   make bench/RESULTS.md of the results of full runs
`

interface Results {
  readonly machine: Machine
  readonly sections: readonly SectionResult[]
}

const options = {
  runs: { type: 'string' },
  minutes: { type: 'string' },
  quick: { type: 'boolean' },
  size: { type: 'string' },
  peer: { type: 'string', multiple: true },
  directory: { type: 'string' },
  corpora: { type: 'string' },
  json: { type: 'boolean' },
  'write-results': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

interface Request {
  readonly sections: readonly Section[]
  readonly runs: number | undefined
  readonly minutes: number | undefined
  readonly isQuick: boolean
  readonly isLarge: boolean
  readonly peers: readonly string[] | undefined
  readonly directory: string
  readonly corpora: string | undefined
  readonly isJson: boolean
  readonly writesPage: boolean
}

/** Throws with a sentence when the command line makes no sense; undefined when help is asked for. */
function readRequest(words: readonly string[]): Request | undefined {
  const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true })
  if (values.help === true) return undefined
  const runs = values.runs === undefined ? undefined : Number(values.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0))
    throw new Error(`--runs ${values.runs}: not a count`)
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  if (minutes !== undefined && !(minutes > 0)) throw new Error(`--minutes ${values.minutes}: not a time`)
  if (values.quick === true && values['write-results'] === true)
    throw new Error('a quick run is not for RESULTS.md')
  refuseUnknown(values.peer ?? [], [...peers.map(({ name }) => name), 'syncthing', 'none'], 'peer')
  refuseUnknown(values.size === undefined ? [] : [values.size], ['256m', '1g'], 'size')
  const isMeant = (name: string, word: string): boolean => name === word || name.startsWith(`${word}-`)
  const names = sections.map(({ name }) => name)
  const unknown = positionals.find((word) => !names.some((name) => isMeant(name, word)))
  if (unknown !== undefined) refuseUnknown([unknown], names, 'section')
  const chosen = sections.filter(({ name }) => positionals.some((word) => isMeant(name, word)))
  return {
    sections: chosen.length === 0 ? sections : chosen,
    runs,
    minutes,
    isQuick: values.quick === true,
    isLarge: values.size === '1g',
    peers: values.peer,
    directory: values.directory ?? tmpdir(),
    corpora: values.corpora,
    isJson: values.json === true,
    writesPage: values['write-results'] === true
  }
}

function refuseUnknown(given: readonly string[], known: readonly string[], what: string): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`there is no ${what} "${unknown}"; known: ${known.join(', ')}`)
}

/** What could be measured; a section that fails is reported and sets the exit code, the others go on. */
async function measureAll(request: Request): Promise<readonly SectionResult[]> {
  const directory = mkdtempSync(join(request.directory, 'blocktree-bench-'))
  const removeDirectory = (): void => {
    killRunningCommands()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', removeDirectory)
  const corpora = request.corpora ?? join(directory, 'corpora')
  mkdirSync(corpora, { recursive: true })
  mkdirSync(output, { recursive: true })
  const results: SectionResult[] = []
  for (const section of request.sections) {
    const progress = (line: string): void => void process.stderr.write(`${section.name}: ${line}\n`)
    const scratch = mkdtempSync(join(directory, `${section.name}-`))
    const context: BenchContext = { ...request, directory: scratch, corpora, output, progress }
    try {
      const result = await measureSection(section, context)
      if (!request.isJson) console.log(renderSection(result))
      results.push(result)
    } catch (error) {
      console.error(`${section.name} failed:`, error)
      process.exitCode = 1
    }
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
  removeDirectory()
  return results
}

async function measureSection(section: Section, context: BenchContext): Promise<SectionResult> {
  const started = performance.now()
  const measured = await section.run(context)
  return {
    name: section.name,
    title: section.title,
    dateIso: new Date().toISOString(),
    durationSeconds: (performance.now() - started) / 1000,
    isQuick: context.isQuick,
    command: commandOf(section, context),
    commit: currentCommit(),
    figures: measured.figures,
    tables: measured.tables,
    pictures: measured.pictures ?? [],
    notes: measured.notes
  }
}

/** The command that measures this section again in the same way. */
function commandOf(
  section: Section,
  { runs, minutes, isQuick, isLarge, peers: names }: BenchContext
): string {
  const words = [
    section.name,
    ...(runs === undefined ? [] : ['--runs', String(runs)]),
    ...(minutes === undefined ? [] : ['--minutes', String(minutes)]),
    ...(isQuick ? ['--quick'] : []),
    ...(isLarge ? ['--size', '1g'] : []),
    ...(names ?? []).flatMap((name) => ['--peer', `"${name}"`])
  ]
  return `npm run bench -- ${words.join(' ')}`
}

/** Newer results of a section take the place of older ones; a quick run never that of a full one. */
function mergeResults(
  former: readonly SectionResult[],
  fresh: readonly SectionResult[]
): readonly SectionResult[] {
  return sections.flatMap(({ name }) => {
    const old = former.find((result) => result.name === name)
    const now = fresh.find((result) => result.name === name)
    const kept = now === undefined || (now.isQuick && old?.isQuick === false) ? old : now
    return kept === undefined ? [] : [kept]
  })
}

function readFormerResults(): readonly SectionResult[] {
  try {
    const read: Results = JSON.parse(
      readFileSync(join(output, 'results.json'), 'utf8'),
      (key, value: unknown) => (key === 'value' && value === null ? Number.NaN : value)
    )
    return read.sections
  } catch {
    return []
  }
}

/** Full runs renew the pictures that RESULTS.md shows, whether the page itself is written or not. */
function keepPictures(fresh: readonly SectionResult[]): void {
  for (const { isQuick, pictures: names } of fresh) {
    if (isQuick || names.length === 0) continue
    mkdirSync(pictures, { recursive: true })
    for (const name of names) {
      writeFileSync(join(pictures, name), readFileSync(join(output, name)))
      console.error(`picture: ${join(pictures, name)}`)
    }
  }
}

function writePage(results: Results): void {
  const full = results.sections.filter((result) => !result.isQuick)
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), renderPage(results.machine, full, '../doc/images'))
}

async function main(): Promise<number | undefined> {
  let request: Request | undefined
  try {
    request = readRequest(process.argv.slice(2))
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (request === undefined) {
    console.log(usage)
    return 0
  }
  const fresh = await measureAll(request)
  const results: Results = {
    machine: describeMachine(request.directory),
    sections: mergeResults(readFormerResults(), fresh)
  }
  writeFileSync(join(output, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`)
  if (request.isJson) console.log(JSON.stringify({ ...results, sections: fresh }, undefined, 2))
  keepPictures(fresh)
  if (request.writesPage) writePage(results)
  const figures = fresh.flatMap((result) => result.figures)
  const missed = figures.filter((figure) => isReached(figure) === false)
  console.error(missed.length === 0 ? 'all targets reached' : `${missed.length} targets not reached`)
  return undefined
}

// Ctrl-C ends through 'exit', which removes what was made; nodes end with the harness.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = (await main()) ?? process.exitCode ?? 0
