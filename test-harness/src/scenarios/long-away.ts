/** A node that is away while the others give up what it builds upon (ADR 0034). */
import { expectEqual, expectTrue } from '../expect.ts'
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

/** Written by both sides; of the first the laptop's version is taken over in the end, of the second the others'. */
const [taken, dropped] = ['/work/taken.txt', '/work/dropped.txt']
/** Removed by the others: buried, only signed for, and not even that. The laptop writes all three. */
const [buried, signed, fresh] = ['/work/buried.txt', '/work/signed.txt', '/work/fresh.txt']
/** Nobody wrote them but who removed them: the others, and the laptop. */
const [forgotten, thrown] = ['/work/forgotten.txt', '/work/thrown.txt']
const [kept, own, later] = ['/work/kept.txt', '/work/own.txt', '/work/later.txt']
const atFirst = [taken, dropped, buried, signed, fresh, forgotten, thrown, kept]

const limitMs = 120_000

export const longAway: Scenario = {
  name: 'long-away',
  summary: 'A node writes far away while the others remove, sign, prune and bury: all agree when it is back',
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
      for (const path of atFirst) await writeText(home, path, `${path} at first`)
      const all = { home, box: await join('box'), laptop: await join('laptop') }
      await allInStep(Object.values(all))
      return all
    })
    await awayFromPruning(context, network, nodes)
    await settle(context, nodes)
    await neverCorrected(nodes)
  }
}

interface Nodes {
  readonly home: Node
  readonly box: Node
  readonly laptop: Node
}

async function awayFromPruning(
  { step, scale, report }: ScenarioContext,
  network: FaultNetwork,
  { home, box, laptop }: Nodes
): Promise<void> {
  const nodes = [home, box, laptop]
  const rest = [home, box]
  await step('the laptop is away, and writes', async () => {
    network.around('laptop', { isCut: true })
    await waitUntil(async () => (await laptop.call('peer.list', {})).peers.length === 0, 'it is alone')
    await writeText(laptop, own, 'written far away')
    for (const path of [taken, dropped, buried, signed, fresh])
      await rewriteText(laptop, path, `${path} FAR AWAY`)
    await laptop.call('file.remove', { path: thrown })
  })
  await step('the others write and remove meanwhile, and give up all that is old', async () => {
    for (let round = 0; round < 4 * scale; round++)
      for (const path of [taken, dropped]) await rewriteText(home, path, `${path} AT HOME ${round}`)
    for (const path of [buried, forgotten]) await home.call('file.remove', { path })
    for (const path of [taken, dropped]) await arrives(rest, path, `${path} AT HOME ${4 * scale - 1}`)
    await waitUntil(async () => (await textAt(box, forgotten)) === undefined, 'removed on the box', limitMs)
    const sums = await pruned(home)
    expectEqual([sums.graves, sums.buried], [2, 2], 'buried, and given up for good')
    // what there was before the last version of two files, and a version and a removal of two more
    expectEqual(sums.versions, 2 * 4 * scale + 4, 'old versions given up')
    // the second one began when the first had ended
    for (let count = 0; count < 2; count++) await comparedAnew(box)
    expectTrue((await pruned(box)).versions > 0, 'old versions given up by the box')
    await home.call('file.remove', { path: signed })
    await home.call('checkpoint.create', {})
    await home.call('file.remove', { path: fresh })
    await writeText(box, later, 'after all that')
    await arrives(rest, later, 'after all that')
  })
  await step('the laptop is back: all say the same, and nothing removed lives again', async () => {
    network.heal()
    await arrives(nodes, own, 'written far away')
    await arrives(nodes, later, 'after all that')
    report('back in step, ms', Math.round(await allInStep(nodes)))
    report('files', await expectSameContent(nodes, '/'))
    for (const node of nodes) {
      for (const path of [taken, dropped])
        expectEqual(await textAt(node, path), `${path} AT HOME ${4 * scale - 1}`, `${path} on ${node.name}`)
      expectEqual(await textAt(node, kept), `${kept} at first`, `${kept} on ${node.name}`)
      for (const path of [buried, signed, forgotten, thrown])
        expectEqual(await textAt(node, path), undefined, `${path} on ${node.name}`)
      const accused = node.log.filter(({ text }) => text.includes('went back'))
      expectEqual(accused, [], `who gives old versions up has not gone back, for ${node.name}`)
    }
  })
}

async function settle({ step, scale }: ScenarioContext, { home, box, laptop }: Nodes): Promise<void> {
  const nodes = [home, box, laptop]
  await step(
    'what it wrote upon what is gone is listed as late; a removal it did not know of, as a conflict',
    async () => {
      // Whether somebody still holds the removal of what the laptop never heard of is a matter of who pruned when.
      const listed = (await expectSameConflicts(nodes)).filter((path) => path !== forgotten)
      expectEqual(listed, [buried, dropped, fresh, signed, taken], 'paths in conflict')
      for (const path of [taken, dropped, signed]) {
        const { conflicts } = await box.call('file.conflicts', {})
        const found = conflicts.find((conflict) => conflict.path === path)
        expectEqual(found?.labels, ['late'], `labels of ${path}`)
      }
      expectEqual(
        await textAt(home, fresh),
        `${fresh} FAR AWAY`,
        'a file that was written beside its removal'
      )
    }
  )
  await step('each is settled: taken over, or left aside', async () => {
    const keep = await lateVersion(home, taken)
    await home.call('file.resolve', { path: taken, keep })
    await box.call('file.resolve', { path: dropped, drop: true })
    const { conflicts } = await box.call('file.conflicts', {})
    for (const { id, path } of conflicts)
      if (path === buried || path === forgotten) await box.call('file.settle', { block: id, drop: true })
    await laptop.call('file.resolve', { path: fresh })
    await home.call('file.undelete', { path: signed })
    expectEqual(await textAt(home, signed), `${signed} at first`, 'what was removed, undeleted')
    await home.call('file.resolve', { path: signed, keep: await lateVersion(home, signed) })
    for (const path of [taken, signed, fresh]) await arrives(nodes, path, `${path} FAR AWAY`)
    for (const node of nodes)
      await waitUntil(
        async () => (await node.call('file.conflicts', {})).conflicts.length === 0,
        `no conflict on ${node.name}`,
        limitMs
      )
    await allInStep(nodes)
    await expectSameContent(nodes, '/')
    expectEqual(await textAt(laptop, dropped), `${dropped} AT HOME ${4 * scale - 1}`, 'what was kept')
  })
}

/** In step by a comparison that ended after this call: since an older one a checkpoint may have come. */
async function comparedAnew(node: Node): Promise<void> {
  const asked = performance.now()
  const isSo = async (): Promise<boolean> => {
    const { trees } = await node.call('sync.status', {})
    const sinceMs = performance.now() - asked
    return trees.some(({ peers }) =>
      peers.some(({ state, comparedMsAgo = Infinity }) => state === 'in step' && comparedMsAgo < sinceMs)
    )
  }
  await node.call('sync.compare', {})
  await waitUntil(isSo, `${node.name} has compared`, limitMs)
}

/** The newest one that the laptop wrote. */
async function lateVersion(node: Node, path: string): Promise<string | undefined> {
  const { versions } = await node.call('file.history', { path })
  const late = versions.filter(({ label }) => label === 'late')
  return late.toSorted((left, right) => (right.modifiedMs ?? 0) - (left.modifiedMs ?? 0))[0]?.versionId
}

/** Signs a base and buries, then gives up what was buried. */
async function pruned(node: Node): Promise<Record<'versions' | 'graves' | 'buried', number>> {
  const sums = { versions: 0, graves: 0, buried: 0 }
  for (let round = 0; round < 3; round++) {
    const { zones } = await node.call('store.prune', { olderThanDays: 0, force: true })
    for (const zone of zones) {
      sums.versions += zone.versions
      sums.graves += zone.graves
      sums.buried += zone.buried
    }
  }
  return sums
}

/** Nodes that agree only because a fault was noticed would have it all the same. */
async function neverCorrected({ home, box, laptop }: Nodes): Promise<void> {
  for (const node of [home, box, laptop]) {
    const { trees } = await node.call('sync.status', {})
    const corrected = trees.map(({ summariesCorrected }) => summariesCorrected)
    expectEqual(
      corrected.filter((count) => count > 0),
      [],
      `summaries put right on ${node.name}`
    )
  }
}
