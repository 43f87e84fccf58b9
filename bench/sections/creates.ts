/** Small durable signed writes: files of 4 KiB over the Unix socket, 64 in flight; then the power is cut and all are looked for. */
import { randomBytes } from 'node:crypto'
import { createHarness, type NodeConnection, type NodeProcess } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { median } from '../measure.ts'
import { readCpuSeconds } from '../process-figures.ts'
import type { BenchContext, Section } from '../section.ts'

const inFlight = 64
const fileBytes = 4096

interface Round {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicroseconds: number
}

export const createsSection: Section = {
  name: 'creates',
  title: 'Durable creates of 4 KiB',
  async run(context) {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn' }
    })
    const node = await harness.startNode('creates')
    const rounds = await measureRounds(context, node)
    context.progress('killing the node and counting what it acknowledged')
    const lost = await countLost(node, rounds.acknowledged)
    const middle = (pick: (round: Round) => number): number => median(rounds.measured.map(pick))
    return {
      figures: [
        {
          name: 'acknowledged creates',
          value: middle((round) => round.perSecond),
          unit: '/s',
          target: { bound: 'at least', value: 8000 }
        },
        { name: 'latency p50', value: middle((round) => round.p50Ms), unit: 'ms' },
        {
          name: 'latency p99',
          value: middle((round) => round.p99Ms),
          unit: 'ms',
          target: { bound: 'below', value: 25 }
        },
        {
          name: 'processor time of the node for each',
          value: middle((round) => round.cpuMicroseconds),
          unit: 'µs'
        },
        {
          name: `acknowledged files missing after kill -9 (of ${rounds.acknowledged.length.toLocaleString('en')})`,
          value: lost,
          unit: '',
          target: { bound: 'at most', value: 0 }
        }
      ],
      tables: [],
      notes: [
        `${rounds.measured.length} rounds of \`file.create\` with ${inFlight} in flight on one connection in frames. Each is signed, its content and name sealed, and answered after the fdatasync of its group. The client runs on the same machine.`
      ]
    }
  }
}

interface Rounds {
  readonly measured: readonly Round[]
  readonly acknowledged: readonly string[]
}

async function measureRounds(context: BenchContext, node: NodeProcess<NodeMethods>): Promise<Rounds> {
  await using connection = await node.connect()
  const acknowledged: string[] = []
  const runs = context.runs ?? (context.isQuick ? 3 : 7)
  await createFiles(connection, '/warm-up', 1000, acknowledged)
  const measured: Round[] = []
  for (let run = 0; run < runs; run++) {
    context.progress(`run ${run + 1} of ${runs}`)
    const pid = node.pid ?? 0
    const cpuBefore = readCpuSeconds(pid)
    const before = acknowledged.length
    const round = await createFiles(connection, `/run-${run}`, context.isQuick ? 1500 : 5000, acknowledged)
    const cpuMicroseconds = ((readCpuSeconds(pid) - cpuBefore) * 1e6) / (acknowledged.length - before)
    measured.push({ ...round, cpuMicroseconds })
  }
  return { measured, acknowledged }
}

async function createFiles(
  { client }: NodeConnection<NodeMethods>,
  directory: string,
  milliseconds: number,
  acknowledged: string[]
): Promise<Omit<Round, 'cpuMicroseconds'>> {
  await client.call('file.mkdir', { path: directory })
  const data = new Uint8Array(randomBytes(fileBytes))
  const latencies: number[] = []
  let next = 0
  const started = performance.now()
  const lane = async (): Promise<void> => {
    while (performance.now() - started < milliseconds) {
      const path = `${directory}/file-${next++}`
      const asked = performance.now()
      await client.call('file.create', { path, data })
      latencies.push(performance.now() - asked)
      acknowledged.push(path)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const seconds = (performance.now() - started) / 1000
  latencies.sort((left, right) => left - right)
  return {
    perSecond: latencies.length / seconds,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN
  }
}

async function countLost(node: NodeProcess<NodeMethods>, acknowledged: readonly string[]): Promise<number> {
  node.kill()
  await node.exit
  await node.start()
  await using connection = await node.connect()
  const { client } = connection
  let lost = 0
  let next = 0
  const lane = async (): Promise<void> => {
    for (let path = acknowledged[next++]; path !== undefined; path = acknowledged[next++]) {
      const size = await client.call('file.stat', { path }).then(
        (status) => status.size,
        () => undefined
      )
      if (size !== fileBytes) lost++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return lost
}
