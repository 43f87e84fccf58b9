/** A node whose disk is put back to an earlier day (spec 28.11). */
import { cpSync, renameSync, rmSync } from 'node:fs'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { type FaultNetwork, createFaultNetwork, faultNetworkMissing } from '../fault-network.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import {
  allInStep,
  arrives,
  expectSameConflicts,
  expectSameContent,
  rewriteText,
  textAt,
  writeText
} from '../replicas.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'

const kept = '/work/kept.txt'
const limitMs = 120_000

export const putBackNode: Scenario = {
  name: 'put-back',
  summary:
    'The disk of a node is put back to an old copy: the others see it, and it writes nothing until it has caught up',
  missing: faultNetworkMissing,
  async run(context) {
    const { harness, step } = context
    await using network = createFaultNetwork()
    const home = await harness.startNode('home', { environment: await network.place('home') })
    network.add(home)
    const join = async (name: string): Promise<Node> => {
      const node = await joinNode(harness, home, name, { environment: await network.place(name) })
      network.add(node)
      return node
    }
    const nodes = await step('three nodes of one tree are in step', async () => {
      await home.call('file.mkdir', { path: '/work' })
      await writeText(home, kept, `${kept} at first`)
      const all = { home, box: await join('box'), laptop: await join('laptop') }
      await allInStep(Object.values(all))
      return all
    })
    await putBack(context, network, nodes)
  }
}

interface Nodes {
  readonly home: Node
  readonly box: Node
  readonly laptop: Node
}

async function putBack(
  { step, random, report }: ScenarioContext,
  network: FaultNetwork,
  { home, box, laptop }: Nodes
): Promise<void> {
  const nodes = [home, box, laptop]
  const copy = `${laptop.directory}-copy`
  const files = 100
  await step('the laptop is copied, goes on, and all have what it writes', async () => {
    await laptop.stop()
    cpSync(laptop.directory, copy, { recursive: true })
    await laptop.start()
    await laptop.call('file.mkdir', { path: '/lost' })
    for (let file = 0; file < files; file++)
      await laptop.call('file.create', { path: `/lost/${file}.bin`, data: random.bytes(200) })
    await allInStep(nodes)
  })
  await step('its disk is put back to the copy: the others see it, and it is told', async () => {
    await laptop.stop()
    rmSync(laptop.directory, { recursive: true })
    renameSync(copy, laptop.directory)
    network.around('laptop', { bytesPerSecond: 8000 })
    await laptop.start()
    const isSeen = async (): Promise<boolean> => {
      const [mine, ...others] = await Promise.all(
        [laptop, home, box].map((node) => node.call('sync.status', {}))
      )
      const seen = others.some(({ trees }) => trees.some(({ peers }) => peers.some((peer) => peer.wentBack)))
      return seen && mine?.trees.some(({ holdsWrites }) => holdsWrites) === true
    }
    report(
      'seen and told, ms',
      Math.round(await waitUntil(isSeen, 'the laptop is known to be back', limitMs))
    )
    network.around('laptop', { isCut: true })
  })
  await step('it writes nothing before it has caught up, restarted or not', async () => {
    for (const isAgain of [false, true]) {
      if (isAgain) await laptop.restart()
      expectTrue(await isHeld(laptop), 'a finding of its own doctor')
      await expectRefused(writeText(laptop, '/work/too-soon.txt', 'x'), ['ERR_TREE_WENT_BACK'], 'a new file')
      await expectRefused(rewriteText(laptop, kept, 'OVER'), ['ERR_TREE_WENT_BACK'], 'a new version')
      expectEqual(await textAt(laptop, kept), `${kept} at first`, 'what it reads meanwhile')
    }
  })
  await step('it catches up, and writes again', async () => {
    network.heal()
    report('caught up, ms', Math.round(await waitUntil(async () => !(await isHeld(laptop)), 'free', limitMs)))
    await writeText(laptop, '/work/again.txt', 'up to date')
    await arrives(nodes, '/work/again.txt', 'up to date')
    await allInStep(nodes)
    expectEqual(await expectSameContent(nodes, '/lost'), files, 'files that it had lost')
    await expectSameContent(nodes, '/')
    expectEqual(await expectSameConflicts(nodes), [], 'conflicts')
    for (const node of [home, box]) {
      const { trees } = await node.call('sync.status', {})
      expectEqual(
        trees.flatMap(({ peers }) => peers.filter(({ wentBack }) => wentBack)),
        [],
        'known to be back'
      )
    }
  })
}

async function isHeld(node: Node): Promise<boolean> {
  const { findings } = await node.call('node.doctor', {})
  return findings.some(({ code }) => code === 'DOCTOR_WENT_BACK')
}
