/** As many nodes as fit on one machine: each learns of every write, over no more connections than it needs. */
import { readFileSync } from 'node:fs'
import { availableParallelism, freemem } from 'node:os'
import { expectEqual } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { arrives, countAt, expectSameContent, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

const nodeBytes = 160 * 1024 * 1024

/** Twenty in nightly runs, six otherwise: a laptop is to survive `npm test`. */
const countAtScale = (scale: number): number => (scale > 1 ? 20 : 6)

export const twentyNodes: Scenario = {
  name: 'twenty-nodes',
  summary:
    'Twenty nodes of one tree on one machine (six unless --scale is more than 1): what any writes is on all',
  missing: () =>
    freemem() < 6 * nodeBytes ? 'needs 1 GiB of free memory for the processes of its nodes' : undefined,
  async run({ harness, step, report, random, scale }) {
    const count = countAtScale(scale)
    if (freemem() < count * nodeBytes)
      throw new Error(`${count} nodes need ${Math.round((count * nodeBytes) / 2 ** 20)} MiB of free memory`)
    const limitMs = 30_000 * count
    report('nodes', count)
    report('processors', availableParallelism())
    const first = await harness.startNode('node-0', { environment: await loopback() })
    await first.call('file.mkdir', { path: '/all' })
    const nodes: Node[] = [first]
    await step('they join, each invited by one that is there already', async () => {
      const started = performance.now()
      while (nodes.length < count) {
        const inviter = nodes[random.below(nodes.length)] ?? first
        await waitUntil(async () => (await membersOf(inviter)) >= 1, 'the inviter is a member')
        nodes.push(await joinNode(harness, inviter, `node-${nodes.length}`))
      }
      report('a node joins in, ms', Math.round((performance.now() - started) / (count - 1)))
    })
    await step('each is connected with all others', async () => {
      const isMesh = async (): Promise<boolean> =>
        (await Promise.all(nodes.map((node) => peersOf(node)))).every((peers) => peers === count - 1)
      report('all connected after, ms', Math.round(await waitUntil(isMesh, 'a full mesh', limitMs)))
    })
    await step('what each writes is on all', async () => {
      await waitUntil(
        async () => (await Promise.all(nodes.map(hasFolder))).every(Boolean),
        'the folder',
        limitMs
      )
      const started = performance.now()
      await Promise.all(nodes.map((node) => writeText(node, `/all/${node.name}.txt`, `from ${node.name}`)))
      const isThere = async (node: Node): Promise<boolean> => (await countAt(node, '/all')) === count
      await Promise.all(
        nodes.map((node) => waitUntil(() => isThere(node), `all files on ${node.name}`, limitMs))
      )
      report(`${count} files on ${count} nodes after, ms`, Math.round(performance.now() - started))
    })
    await step('one file at a time', async () => {
      const times: number[] = []
      for (let round = 0; round < 5; round++) {
        const writer = nodes[random.below(count)] ?? first
        const path = `/all/one-${round}.txt`
        await writeText(writer, path, `one ${round}`)
        times.push(await arrives(nodes, path, `one ${round}`))
      }
      report('one file on all after, longest of 5, ms', Math.round(Math.max(...times)))
    })
    await step('a third of them is killed, writes go on, all are whole again', async () => {
      const killed = nodes.filter((_, index) => index % 3 === 1)
      for (const node of killed) node.kill()
      await Promise.all(killed.map((node) => node.exit))
      const rest = nodes.filter((node) => !killed.includes(node))
      for (const [index, node] of rest.entries())
        await writeText(node, `/all/without-${index}.txt`, 'without them')
      for (const node of killed) await node.start()
      const expected = count + 5 + rest.length
      const isWhole = async (node: Node): Promise<boolean> => (await countAt(node, '/all')) === expected
      const waits = nodes.map((node) => waitUntil(() => isWhole(node), `all files on ${node.name}`, limitMs))
      report('whole again after, ms', Math.round(Math.max(...(await Promise.all(waits)))))
      await waitUntil(async () => await isSame(nodes), 'equal contents', limitMs)
      expectEqual(await expectSameContent(nodes, '/all'), expected, 'files')
    })
    const memory = nodes.map((node) => residentMiB(node.pid ?? 0)).toSorted((left, right) => left - right)
    report('resident MiB of a node, median', memory[Math.floor(count / 2)] ?? 0)
    report('resident MiB of a node, most', memory.at(-1) ?? 0)
  }
}

async function isSame(nodes: readonly Node[]): Promise<boolean> {
  return await expectSameContent(nodes, '/all').then(
    () => true,
    () => false
  )
}

const hasFolder = (node: Node): Promise<boolean> =>
  node.call('file.stat', { path: '/all' }).then(
    () => true,
    () => false
  )
const membersOf = async (node: Node): Promise<number> => (await node.call('node.members', {})).members.length
const peersOf = async (node: Node): Promise<number> => (await node.call('peer.list', {})).peers.length

/** 0 where the system does not say. */
function residentMiB(pid: number): number {
  try {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return Math.round(Number(found?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
