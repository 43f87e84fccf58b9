/** One tree of a million blocks: what start, listing, reading and adding cost, and whether that depends on the size. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHarness, type NodeConnection, type NodeProcess } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { refuseProblems } from '../blocktree-peer.ts'
import { drawChart } from '../curve.ts'
import { median } from '../measure.ts'
import { resetPeakMemory, watchMemory } from '../process-figures.ts'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'

type BenchNode = NodeProcess<NodeMethods>
type Connection = NodeConnection<NodeMethods>

/** Files of this directory, so often: after each step the tree is probed. */
interface Step {
  readonly files: number
  readonly times: number
}

interface Part {
  readonly path: string
  readonly files: number
}

/** What one entry costs in a tree of `entries`, in microseconds. */
interface Cost {
  readonly entries: number
  readonly import: number
  readonly create: number
  readonly stat: number
  readonly list: number
}

const fileBytes = 100
const inFlight = 64
const pageEntries = 1000

const fullSteps: readonly Step[] = [
  { files: 1000, times: 1 },
  { files: 2000, times: 1 },
  { files: 7000, times: 1 },
  { files: 20_000, times: 1 },
  { files: 70_000, times: 1 },
  { files: 100_000, times: 2 },
  { files: 100_000, times: 7 }
]

export const millionSection: Section = {
  name: 'million',
  title: 'A million blocks in one tree',
  async run(context) {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn' }
    })
    const node = await harness.startNode('million')
    const build = await buildTree(context, node)
    const starts = await measureStarts(context, node, build.parts)
    const serving = await measureServing(context, node, build.parts)
    const picture = 'cost-per-entry.svg'
    writeFileSync(join(context.output, picture), drawCosts(build.costs))
    return summarize({ context, build, starts, serving, picture })
  }
}

interface Build {
  readonly parts: readonly Part[]
  readonly costs: readonly Cost[]
  readonly seconds: number
  readonly peakMiB: number
  readonly anonymousMiB: number
}

async function buildTree(context: BenchContext, node: BenchNode): Promise<Build> {
  const steps = context.isQuick ? fullSteps.slice(0, 3) : fullSteps
  const parts: Part[] = []
  const costs: Cost[] = []
  await using connection = await node.connect()
  await warmUp(context, connection)
  resetPeakMemory(node.pid ?? 0)
  const watch = watchMemory(node.pid ?? 0)
  let entries = 0
  let seconds = 0
  for (const { files, times } of steps) {
    const source = prepareFlatDirectory(context, files)
    const started = performance.now()
    for (let time = 0; time < times; time++) {
      const path = `/million/all/part-${parts.length}`
      context.progress(`importing ${files.toLocaleString('en')} files over ${entries.toLocaleString('en')}`)
      refuseProblems(await connection.client.call('transfer.import', { source, destination: path }))
      parts.push({ path, files })
      entries += files
    }
    const elapsed = (performance.now() - started) / 1000
    seconds += elapsed
    costs.push({ entries, import: (elapsed * 1e6) / (files * times), ...(await probe(connection, parts)) })
  }
  const { peakMiB, anonymousMiB } = watch.stop()
  return { parts, costs, seconds, peakMiB, anonymousMiB }
}

/** Brings the code to speed, so that the first point of the curve is no worse than the others for that reason. */
async function warmUp(context: BenchContext, connection: Connection): Promise<void> {
  context.progress('warming up')
  await connection.client.call('file.mkdir', { path: '/million/all', parents: true })
  await connection.client.call('file.mkdir', { path: '/probe' })
  const source = prepareFlatDirectory(context, 2000)
  refuseProblems(await connection.client.call('transfer.import', { source, destination: '/probe/warm-up' }))
  for (let round = 0; round < 2; round++) await probe(connection, [{ path: '/probe/warm-up', files: 2000 }])
}

function prepareFlatDirectory(context: BenchContext, files: number): string {
  const directory = join(context.directory, `flat-${files}`)
  try {
    mkdirSync(directory)
  } catch {
    return directory // made for an earlier step
  }
  const content = new Uint8Array(fileBytes)
  for (let index = 0; index < files; index++) {
    new DataView(content.buffer).setUint32(0, index)
    writeFileSync(join(directory, fileName(index)), content)
  }
  return directory
}

function fileName(index: number): string {
  return `file-${index.toString().padStart(6, '0')}`
}

let probes = 0

async function probe(
  connection: Connection,
  parts: readonly Part[]
): Promise<Omit<Cost, 'entries' | 'import'>> {
  const largest = parts.toSorted((left, right) => right.files - left.files)[0]
  const rounds: Omit<Cost, 'entries' | 'import'>[] = []
  for (let round = 0; round < 3; round++) {
    rounds.push({
      create: await probeCreates(connection),
      stat: await probeStats(connection, parts),
      list: await probeList(connection, largest)
    })
  }
  const middle = (kind: 'create' | 'stat' | 'list'): number => median(rounds.map((round) => round[kind]))
  return { create: middle('create'), stat: middle('stat'), list: middle('list') }
}

async function probeCreates({ client }: Connection): Promise<number> {
  const count = 1000
  const directory = `/probe/create-${probes++}`
  await client.call('file.mkdir', { path: directory })
  const data = new Uint8Array(fileBytes)
  let next = 0
  const started = performance.now()
  const lane = async (): Promise<void> => {
    while (next < count) await client.call('file.create', { path: `${directory}/${fileName(next++)}`, data })
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return ((performance.now() - started) * 1000) / count
}

async function probeStats({ client }: Connection, parts: readonly Part[]): Promise<number> {
  const count = 2000
  const paths = Array.from({ length: count }, () => randomPath(parts))
  const started = performance.now()
  for (const path of paths) await client.call('file.stat', { path })
  return ((performance.now() - started) * 1000) / count
}

async function probeList(connection: Connection, part: Part | undefined): Promise<number> {
  if (part === undefined) return Number.NaN
  const started = performance.now()
  const entries = await listPages(connection, part.path, 'id', 10)
  return ((performance.now() - started) * 1000) / entries
}

function randomPath(parts: readonly Part[]): string {
  const total = parts.reduce((sum, part) => sum + part.files, 0)
  let index = Math.floor(Math.random() * total)
  for (const { path, files } of parts) {
    if (index < files) return `${path}/${fileName(index)}`
    index -= files
  }
  throw new Error('the tree is empty')
}

/** Resolves to the number of entries. */
async function listPages(
  { client }: Connection,
  path: string,
  order: 'id' | 'name',
  pagesMax = Number.POSITIVE_INFINITY
): Promise<number> {
  let entries = 0
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const answer = await client.call('file.list', {
      path,
      order,
      limit: pageEntries,
      ...(cursor !== undefined && { cursor })
    })
    entries += answer.entries.length
    cursor = answer.cursor
    if (cursor === undefined) break
  }
  return entries
}

interface Starts {
  readonly firstAnswerMs: number
  readonly firstFileMs: number
}

async function measureStarts(
  context: BenchContext,
  node: BenchNode,
  parts: readonly Part[]
): Promise<Starts> {
  const answers: number[] = []
  const files: number[] = []
  for (let run = 0; run < 5; run++) {
    context.progress(`start ${run + 1} of 5`)
    await node.stop()
    const path = randomPath(parts)
    const started = performance.now()
    await node.start()
    answers.push(performance.now() - started)
    await node.call('file.stat', { path })
    files.push(performance.now() - started)
  }
  return { firstAnswerMs: median(answers), firstFileMs: median(files) }
}

interface Serving {
  readonly listed: number
  readonly listSeconds: number
  readonly listGrowthMiB: number
  readonly nameListSeconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly anonymousMiB: number
  readonly residentMiB: number
}

async function measureServing(
  context: BenchContext,
  node: BenchNode,
  parts: readonly Part[]
): Promise<Serving> {
  await using connection = await node.connect()
  const pid = node.pid ?? 0
  const watch = watchMemory(pid)
  const largest = parts.toSorted((left, right) => right.files - left.files)[0]?.path ?? '/'
  context.progress('listing the largest directory in pages')
  const started = performance.now()
  const listed = await listPages(connection, largest, 'id')
  const listSeconds = (performance.now() - started) / 1000
  const early = await largestWhileListing(connection, pid, largest)
  const late = await largestWhileListing(connection, pid, largest)
  const listGrowthMiB = Math.max(0, late - early)
  const namesStarted = performance.now()
  await listPages(connection, largest, 'name')
  const nameListSeconds = (performance.now() - namesStarted) / 1000
  context.progress('reading files by path')
  const latencies = await readFiles(connection, parts, context.isQuick ? 3000 : 30_000)
  const { anonymousMiB, residentMiB } = watch.stop()
  return {
    listed,
    listSeconds,
    listGrowthMiB,
    nameListSeconds,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
    anonymousMiB,
    residentMiB
  }
}

/** Anonymous memory at its largest while a directory is listed twice. */
async function largestWhileListing(connection: Connection, pid: number, path: string): Promise<number> {
  const watch = watchMemory(pid)
  await listPages(connection, path, 'id')
  await listPages(connection, path, 'id')
  return watch.stop().anonymousMiB
}

async function readFiles(
  { client }: Connection,
  parts: readonly Part[],
  count: number
): Promise<readonly number[]> {
  const latencies: number[] = []
  for (let index = 0; index < count; index++) {
    const path = randomPath(parts)
    const asked = performance.now()
    const { data } = await client.call('file.read', { path })
    latencies.push(performance.now() - asked)
    if (data.length !== fileBytes) throw new Error(`"${path}" came back with ${data.length} bytes`)
  }
  return latencies.toSorted((left, right) => left - right)
}

/** How many times dearer an entry is in the full tree than in one of 10,000; a smaller one lies in caches as a whole. */
function growth(costs: readonly Cost[]): readonly Figure[] {
  const first = costs.find(({ entries }) => entries === 10_000)
  const last = costs.at(-1)
  if (first === undefined || last === undefined) return []
  const span = `at ${last.entries.toLocaleString('en')} entries to that at ${first.entries.toLocaleString('en')}`
  return (['import', 'create', 'stat', 'list'] as const).map((kind) => ({
    name: `cost of one ${kind} ${span}`,
    value: last[kind] / first[kind],
    unit: 'x',
    target: { bound: 'below', value: 2 }
  }))
}

function drawCosts(costs: readonly Cost[]): string {
  const series = (
    name: string,
    pick: (cost: Cost) => number
  ): { name: string; points: { x: number; y: number }[] } => ({
    name,
    points: costs.map((cost) => ({ x: cost.entries, y: pick(cost) }))
  })
  return drawChart({
    title: 'Cost of one entry as the tree grows',
    xLabel: 'entries in the tree',
    yLabel: 'microseconds',
    series: [
      series('create, durable', (cost) => cost.create),
      series('import', (cost) => cost.import),
      series('stat by path', (cost) => cost.stat),
      series('list', (cost) => cost.list)
    ]
  })
}

interface Results {
  readonly context: BenchContext
  readonly build: Build
  readonly starts: Starts
  readonly serving: Serving
  readonly picture: string
}

function summarize({ context, build, starts, serving, picture }: Results): Measured {
  const entries = build.costs.at(-1)?.entries ?? 0
  const most = (value: number, unit: string, name: string, targetValue: number): Figure => ({
    name,
    value,
    unit,
    target: { bound: 'below', value: targetValue }
  })
  const micro = (value: number): string => value.toFixed(1)
  return {
    figures: [
      { name: 'entries', value: entries, unit: '' },
      { name: 'imported in', value: build.seconds, unit: 's' },
      most(build.peakMiB, 'MiB', 'peak memory of the node meanwhile', 300),
      { name: 'largest anonymous memory meanwhile', value: build.anonymousMiB, unit: 'MiB' },
      ...growth(build.costs),
      most(starts.firstAnswerMs, 'ms', 'start to the first answer', 400),
      most(starts.firstFileMs, 'ms', 'start to the first file found by its path', 400),
      {
        name: `listing ${serving.listed.toLocaleString('en')} entries in pages`,
        value: serving.listSeconds,
        unit: 's'
      },
      most(
        serving.listGrowthMiB,
        'MiB',
        'growth of anonymous memory, from the second and third listing to the next two',
        8
      ),
      { name: 'the same sorted by name', value: serving.nameListSeconds, unit: 's' },
      { name: 'reading a file by a path of four levels, p50', value: serving.p50Ms, unit: 'ms' },
      most(serving.p99Ms, 'ms', 'reading a file by a path of four levels, p99', 1),
      most(serving.anonymousMiB, 'MiB', 'largest anonymous memory while listing and reading', 150),
      most(serving.residentMiB, 'MiB', 'largest resident memory while listing and reading', 400)
    ],
    tables: [
      {
        title: 'Microseconds for one entry, as the tree grows',
        head: ['entries', 'import', 'create, durable', 'stat by path', 'list'],
        rows: build.costs.map((cost) => [
          cost.entries.toLocaleString('en'),
          micro(cost.import),
          micro(cost.create),
          micro(cost.stat),
          micro(cost.list)
        ])
      }
    ],
    pictures: [picture],
    notes: [
      `Files of ${fileBytes} bytes below /million/all/part-N, imported with \`transfer.import\`; probed over the socket: 1,000 creates with ${inFlight} in flight, 2,000 stats one at a time, ten pages of ${pageEntries} of the largest directory, each the median of three.`,
      context.isQuick
        ? 'Quick: the tree is far smaller than its title says.'
        : 'Memory while listing and reading is sampled every 50 ms in a node started for it.'
    ]
  }
}
