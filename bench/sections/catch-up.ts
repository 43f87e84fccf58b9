/** Two nodes of one owner on loopback and a large tree: its first replication, and what a node pays that was away for a while. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { refuseProblems } from '../blocktree-peer.ts'
import { type BenchNode, freePort, isFound, isInStep, joinNode, waitFor } from '../joined-nodes.ts'
import { median } from '../measure.ts'
import { readCpuSeconds, readMemory } from '../process-figures.ts'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'

const mebibyte = 1 << 20
const filesPerDirectory = 10_000
const changes = 100

export const catchUpSection: Section = {
  name: 'catch-up',
  title: 'Catching up in a large tree',
  async run(context): Promise<Measured> {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn', BLOCKTREE_NETWORK_HOST: '127.0.0.1' }
    })
    const home = await harness.startNode('home', { environment: await freePort() })
    const box = await joinNode(harness, home, 'box')
    await waitFor(() => isInStep(box), 'the second node is in step')
    await box.stop()
    await makeTree(context, home)
    const figures = [
      ...(await measureFirst(context, home, box)),
      ...(await measureCatchingUp(context, home, box))
    ]
    return {
      figures,
      tables: [],
      notes: [
        `The files of the tree have 100 bytes. For catching up the node is stopped, ${changes} files are written on the other one, it is started again; timed from its first answer to a request until the last of them is found by its path and it is in step. Traffic is what both connections of the pair counted. Sizes: 20,000 files with --quick, a million with --size 1g, else 200,000.`
      ]
    }
  }
}

async function makeTree(context: BenchContext, home: BenchNode): Promise<void> {
  const directories = context.isQuick ? 2 : context.isLarge ? 100 : 20
  const source = join(context.directory, 'flat')
  mkdirSync(source, { recursive: true })
  const content = new Uint8Array(100)
  for (let index = 0; index < filesPerDirectory; index++) {
    new DataView(content.buffer).setUint32(0, index)
    writeFileSync(join(source, `file-${index}`), content)
  }
  for (let directory = 0; directory < directories; directory++) {
    context.progress(`importing ${filesPerDirectory} files, ${directory + 1} of ${directories}`)
    refuseProblems(await home.call('transfer.import', { source, destination: `/tree/part-${directory}` }))
  }
  rmSync(source, { recursive: true })
}

async function measureFirst(
  context: BenchContext,
  home: BenchNode,
  box: BenchNode
): Promise<readonly Figure[]> {
  const { headers, blocks } = (await home.call('node.status', {})).tree
  context.progress('replicating them')
  await box.start()
  const started = performance.now()
  await waitFor(
    async () => (await isInStep(box)) && (await box.call('node.status', {})).tree.headers >= headers,
    'the large tree',
    7_200_000,
    200
  )
  return [
    { name: 'blocks in the large tree', value: blocks, unit: '' },
    {
      name: 'first replication of the large tree',
      value: (performance.now() - started) / 1000,
      unit: 's'
    },
    {
      name: 'processor time of the receiver for it, for 1,000 blocks',
      value: (readCpuSeconds(box.pid ?? 0) * 1_000_000) / blocks,
      unit: 'ms'
    },
    {
      name: 'resident memory of the receiver after it',
      value: readMemory(box.pid ?? 0).residentMiB,
      unit: 'MiB'
    }
  ]
}

async function measureCatchingUp(
  context: BenchContext,
  home: BenchNode,
  box: BenchNode
): Promise<readonly Figure[]> {
  const seconds: number[] = []
  const traffic: number[] = []
  const rounds = context.runs ?? 3
  for (let round = 0; round < rounds; round++) {
    context.progress(`catching up, ${round + 1} of ${rounds}`)
    await box.stop()
    const data = new Uint8Array(100)
    await home.call('file.mkdir', { path: `/away-${round}` })
    for (let index = 0; index < changes; index++)
      await home.call('file.create', { path: `/away-${round}/file-${index}`, data })
    await box.start()
    await box.call('node.status', {})
    const started = performance.now()
    const last = `/away-${round}/file-${changes - 1}`
    await waitFor(async () => await isFound(box, last), 'the last file', 120_000, 5)
    await waitFor(async () => await isInStep(box), 'in step', 120_000, 5)
    seconds.push((performance.now() - started) / 1000)
    const { peers } = await box.call('peer.list', {})
    traffic.push(peers.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0) / mebibyte)
  }
  return [
    {
      name: `catching up with ${changes} files`,
      value: median(seconds),
      unit: 's',
      target: { bound: 'below', value: 2 }
    },
    {
      name: 'traffic of catching up',
      value: median(traffic),
      unit: 'MiB',
      target: { bound: 'below', value: 1 }
    }
  ]
}
