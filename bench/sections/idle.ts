/** What three nodes of one tree cost when nobody asks anything: bytes between them, processor time, memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHarness, createFaultProxy, type FaultProxy } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawChart } from '../curve.ts'
import { type BenchNode, freePort, startThree } from '../joined-nodes.ts'
import { readCpuSeconds, readMemory } from '../process-figures.ts'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'

const settleMs = 30_000 // a start leaves garbage, summaries and receipts behind
const mebibyte = 1 << 20
const secondsPerHour = 3600
const soakMinutes = 30 // a curve for the page; shorter ones are in bench/output alone
const curveName = 'idle-memory.svg'

export const idleSection: Section = {
  name: 'idle',
  title: 'Three nodes at rest',
  async run(context): Promise<Measured> {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn' }
    })
    const proxies: FaultProxy[] = []
    try {
      context.progress('three nodes, each behind a proxy that counts')
      const nodes = await startThree(harness, async () => {
        const port = await freePort()
        const proxy = await createFaultProxy({ targetPort: Number(port['BLOCKTREE_NETWORK_PORT']) })
        proxies.push(proxy)
        // a node tells addresses of 127.0.0.1 only when it has no other: the port behind the proxy stays unknown
        return { ...port, BLOCKTREE_NETWORK_ANNOUNCE: `/ip6/::ffff:127.0.0.1/tcp/${proxy.port}/tls` }
      })
      await writeSome(nodes)
      await sleep(context.isQuick ? 5000 : settleMs)
      const minutes = context.minutes ?? (context.isQuick ? 0.25 : 2)
      return await measure(context, nodes, proxies, minutes)
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
  }
}

/** A tree that is in use: some files, and a lock that was held once, so that everything is loaded. */
async function writeSome([one]: readonly BenchNode[]): Promise<void> {
  await one?.call('file.mkdir', { path: '/some' })
  for (let file = 0; file < 100; file++)
    await one?.call('file.create', { path: `/some/file-${file}`, data: new Uint8Array(10_000) })
  const lock = await one?.call('lock.acquire', { path: '/some/file-0' })
  if (lock !== undefined) await one?.call('lock.release', { path: '/some/file-0', token: lock.token })
}

interface Sample {
  readonly seconds: number
  readonly bytes: number
  readonly cpuSeconds: readonly number[]
  readonly residentMiB: readonly number[]
}

async function measure(
  context: BenchContext,
  nodes: readonly BenchNode[],
  proxies: readonly FaultProxy[],
  minutes: number
): Promise<Measured> {
  const started = performance.now()
  const take = (): Sample => ({
    seconds: (performance.now() - started) / 1000,
    bytes: proxies.reduce((sum, { bytes }) => sum + bytes, 0),
    cpuSeconds: nodes.map(({ pid }) => readCpuSeconds(pid ?? 0)),
    residentMiB: nodes.map(({ pid }) => readMemory(pid ?? 0).residentMiB)
  })
  const samples = [take()]
  const pieces = Math.max(4, Math.ceil(minutes))
  for (let piece = 0; piece < pieces; piece++) {
    context.progress(`${((piece * minutes) / pieces).toFixed(1)} of ${minutes} minutes`)
    await sleep((minutes * 60_000) / pieces)
    samples.push(take())
  }
  drawMemory(context, nodes, samples)
  return {
    figures: figuresOf(nodes, samples),
    tables: [],
    notes,
    pictures: minutes < soakMinutes ? [] : [curveName]
  }
}

function figuresOf(nodes: readonly BenchNode[], samples: readonly Sample[]): readonly Figure[] {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return []
  const seconds = last.seconds - first.seconds
  const perHour = ((last.bytes - first.bytes) / seconds) * secondsPerHour
  const cpu = last.cpuSeconds.map((total, index) => (total - (first.cpuSeconds[index] ?? 0)) / seconds)
  const resident = samples.flatMap(({ residentMiB }) => residentMiB)
  const growth = last.residentMiB.map((end, index) => end - (first.residentMiB[index] ?? 0))
  return [
    { name: 'window', value: seconds / 60, unit: 'min' },
    {
      name: 'traffic of all connections together, more than any one node has',
      value: perHour / mebibyte,
      unit: 'MiB/hour',
      target: { bound: 'below', value: 1 }
    },
    // each connection ends at two nodes
    {
      name: 'traffic of a node on average',
      value: (perHour * 2) / nodes.length / mebibyte,
      unit: 'MiB/hour'
    },
    {
      name: 'processor, busiest node',
      value: Math.max(...cpu) * 100,
      unit: '%',
      target: { bound: 'below', value: 1 }
    },
    {
      name: 'resident memory, largest node',
      value: Math.max(...resident),
      unit: 'MiB',
      target: { bound: 'below', value: 130 }
    },
    { name: 'growth of memory in the window, largest', value: Math.max(...growth), unit: 'MiB' }
  ]
}

const notes: readonly string[] = [
  'Three processes on loopback, all with a vote, after 100 files of 10 kB and a lock. Bytes are those of the connections between them as a proxy before each node counts them, without the headers of TCP and IP; every connection counts for both of its ends. The leader speaks with both others, so that it has most. Extrapolated from the window to an hour; `--minutes 60` is the soak.'
]

function drawMemory(context: BenchContext, nodes: readonly BenchNode[], samples: readonly Sample[]): void {
  const series = nodes.map(({ name }, index) => ({
    name,
    points: samples.map(({ seconds, residentMiB }) => ({
      x: Math.max(seconds / 60, 0.01),
      y: residentMiB[index] ?? Number.NaN
    }))
  }))
  const chart = { title: 'Three nodes at rest', xLabel: 'minutes', yLabel: 'resident MiB', series }
  writeFileSync(join(context.output, curveName), drawChart(chart))
}
