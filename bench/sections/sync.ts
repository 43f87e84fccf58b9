/** Two nodes of one owner on loopback: a small write seen on the other, content in bulk. */
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { refuseProblems } from '../blocktree-peer.ts'
import { prepareCorpus } from '../corpus.ts'
import { type BenchNode, freePort, isFound, isInStep, joinNode, waitFor } from '../joined-nodes.ts'
import { median } from '../measure.ts'
import { readMemory } from '../process-figures.ts'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'
import { measureBareTls } from './network.ts'

const megabyte = 1_000_000
const mebibyte = 1 << 20

export const syncSection: Section = {
  name: 'sync',
  title: 'Replication between two nodes',
  async run(context): Promise<Measured> {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn', BLOCKTREE_NETWORK_HOST: '127.0.0.1' }
    })
    const home = await harness.startNode('home', { environment: await freePort() })
    context.progress('a second node joins')
    const box = await joinNode(harness, home, 'box')
    await waitFor(() => isInStep(box), 'the second node is in step')
    const figures: Figure[] = []
    figures.push(...(await measureVisible(context, home, box)))
    figures.push(...(await measureBulk(context, home, box)))
    return {
      figures,
      tables: [],
      notes: [
        'Both nodes are processes of this machine and share its processors with the benchmark. Bulk is timed from the first record that comes to the node until it is in step and has every content, synced to its disk; bare TLS carries as many bytes in the same run and throws them away.'
      ]
    }
  }
}

/** From the call on one node until a watcher on the other is told. */
async function measureVisible(
  context: BenchContext,
  home: BenchNode,
  box: BenchNode
): Promise<readonly Figure[]> {
  const count = context.isQuick ? 200 : 1000
  await home.call('file.mkdir', { path: '/visible' })
  await waitFor(async () => await isFound(box, '/visible'), 'the directory')
  const seen = new Map<string, number>()
  const waiting = new Map<string, () => void>()
  const subscription = await box.client.subscribe(
    'file.watch',
    { path: '/visible', recursive: true },
    {
      onEvent({ path }) {
        if (path === undefined || seen.has(path)) return
        seen.set(path, performance.now())
        waiting.get(path)?.()
      }
    }
  )
  const data = new Uint8Array(100)
  const times: number[] = []
  const bare: number[] = []
  const beside = openSync(join(context.directory, 'beside'), 'w')
  for (let index = 0; index < count + 50; index++) {
    const path = `/visible/file-${index}`
    const arrived = new Promise<void>((resolve) => waiting.set(path, resolve))
    const started = performance.now()
    await Promise.all([home.call('file.create', { path, data }), arrived])
    if (index >= 50) times.push((seen.get(path) ?? Number.NaN) - started)
    bare.push(await timeBareSync(beside))
    await sleep(2)
  }
  subscription.unsubscribe()
  closeSync(beside)
  return [
    {
      name: 'small write to seen on the other node, p50',
      value: median(times),
      unit: 'ms',
      target: { bound: 'below', value: 5 }
    },
    {
      name: 'small write to seen on the other node, p99',
      value: percentile(times, 0.99),
      unit: 'ms',
      target: { bound: 'below', value: 25 }
    },
    {
      name: 'beside it, 2,000 bytes written and synced to the same disk, p50',
      value: median(bare),
      unit: 'ms'
    },
    {
      name: 'beside it, 2,000 bytes written and synced to the same disk, p99',
      value: percentile(bare, 0.99),
      unit: 'ms'
    }
  ]
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}

/** What the disk alone takes for a small write. */
async function timeBareSync(file: number): Promise<number> {
  const started = performance.now()
  writeSync(file, new Uint8Array(2000))
  await new Promise<void>((resolve, reject) => {
    fdatasync(file, (error) => (error === null ? resolve() : reject(error)))
  })
  return performance.now() - started
}

async function measureBulk(
  context: BenchContext,
  home: BenchNode,
  box: BenchNode
): Promise<readonly Figure[]> {
  const corpus = prepareCorpus(context.corpora, 'mixed', context.isQuick)
  const copies = context.isQuick ? 1 : 4
  await box.stop()
  for (let copy = 0; copy < copies; copy++) {
    context.progress(
      `importing ${Math.round(corpus.bytes / mebibyte)} MiB of mixed files, ${copy + 1} of ${copies}`
    )
    refuseProblems(
      await home.call('transfer.import', { source: corpus.directory, destination: `/bulk-${copy}` })
    )
  }
  const before = (await home.call('node.status', {})).tree.headers
  context.progress('replicating them')
  await box.start()
  const start = await box.call('node.status', {})
  let started = 0
  await waitFor(
    async () => {
      if (started === 0 && (await box.call('node.status', {})).tree.headers > start.tree.headers)
        started = performance.now()
      if (started === 0) return false
      return (await isInStep(box)) && (await box.call('node.status', {})).tree.headers >= before
    },
    'all contents',
    1_200_000,
    25 // each question costs the receiver half a millisecond
  )
  const seconds = (performance.now() - started) / 1000
  const bytes = corpus.bytes * copies
  const rate = bytes / megabyte / seconds
  const bare = await measureBareTls(context)
  return [
    { name: 'mixed files replicated', value: bytes / mebibyte, unit: 'MiB' },
    { name: 'replication', value: rate, unit: 'MB/s' },
    {
      name: 'replication against bare TLS',
      value: rate / bare,
      unit: 'x',
      target: { bound: 'at least', value: 0.7 }
    },
    {
      name: 'resident memory of the receiver afterwards',
      value: readMemory(box.pid ?? 0).residentMiB,
      unit: 'MiB'
    }
  ]
}
