/** How soon a node answers after its start, and what it costs when nobody asks anything. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHarness, type NodeProcess } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { median } from '../measure.ts'
import { readCpuSeconds, readMemory, readWrittenBytes } from '../process-figures.ts'
import type { Section } from '../section.ts'

const settleMs = 10_000 // caches are flushed, lazy things are loaded
const idleMs = 10_000

export const startSection: Section = {
  name: 'start',
  title: 'Start and rest',
  async run(context) {
    await using harness = createHarness<NodeMethods>({ table: nodeMethodTable })
    const node = harness.prepareNode('start')
    const firstMs = await timeStart(node)
    await sleep(6000) // the compiled code of the first start is kept for the next ones
    const runs = context.runs ?? (context.isQuick ? 5 : 15)
    const times: number[] = []
    for (let run = 0; run < runs; run++) {
      context.progress(`start ${run + 1} of ${runs}`)
      await node.stop()
      times.push(await timeStart(node))
    }
    context.progress('at rest')
    const rest = await measureRest(node)
    return {
      figures: [
        {
          name: `start to the first answer, median of ${runs}`,
          value: median(times),
          unit: 'ms',
          target: { bound: 'below', value: 200 }
        },
        { name: 'slowest of these starts', value: Math.max(...times), unit: 'ms' },
        { name: 'very first start, with making keys and the tree', value: firstMs, unit: 'ms' },
        {
          name: 'resident memory after 10 s without requests',
          value: rest.residentMiB,
          unit: 'MiB',
          target: { bound: 'below', value: 85 }
        },
        { name: 'anonymous part of it', value: rest.anonymousMiB, unit: 'MiB' },
        {
          name: 'written to the disk in 10 s without requests',
          value: rest.writtenBytes,
          unit: 'bytes',
          target: { bound: 'at most', value: 0 }
        },
        { name: 'processor time in 10 s without requests', value: rest.cpuSeconds * 1000, unit: 'ms' }
      ],
      tables: [],
      notes: [
        'From the start of the process `blocktree start` (bundled runtime, emitted JavaScript, compile cache) until `node.ping`, sent at once on its stdin, is answered. The time npm itself takes for `npm start` is not in it.'
      ]
    }
  }
}

export async function timeStart(node: NodeProcess<NodeMethods>): Promise<number> {
  const started = performance.now()
  await node.start()
  return performance.now() - started
}

async function measureRest(node: NodeProcess<NodeMethods>): Promise<{
  readonly residentMiB: number
  readonly anonymousMiB: number
  readonly writtenBytes: number
  readonly cpuSeconds: number
}> {
  const pid = node.pid
  if (pid === undefined) throw new Error('the node is not running')
  await sleep(settleMs)
  const { residentMiB, anonymousMiB } = readMemory(pid)
  const writtenBefore = readWrittenBytes(pid)
  const cpuBefore = readCpuSeconds(pid)
  await sleep(idleMs)
  return {
    residentMiB,
    anonymousMiB,
    writtenBytes: readWrittenBytes(pid) - writtenBefore,
    cpuSeconds: readCpuSeconds(pid) - cpuBefore
  }
}
