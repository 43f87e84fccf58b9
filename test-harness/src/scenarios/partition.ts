/** A network that is cut, silent, slow and unreliable between nodes of one tree: both sides go on, and nothing is lost. */
import { expectEqual, expectTrue } from '../expect.ts'
import { createFaultNetwork, faultNetworkMissing } from '../fault-network.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import {
  allInStep,
  arrives,
  countAt,
  dataAt,
  expectSameConflicts,
  expectSameContent,
  rewriteText,
  textAt,
  writeText
} from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

export const partition: Scenario = {
  name: 'partition',
  summary:
    'A proxy cuts, silences, slows and breaks what is between three nodes: both sides write, nothing is lost',
  missing: faultNetworkMissing,
  async run({ harness, step, report, random, scale }) {
    await using network = createFaultNetwork()
    const laptop = await harness.startNode('laptop', { environment: await network.place('laptop') })
    network.add(laptop)
    const join = async (name: string): Promise<Node> => {
      const node = await joinNode(harness, laptop, name, { environment: await network.place(name) })
      network.add(node)
      return node
    }
    const ms = (name: string, value: number): void => report(`${name}, ms`, Math.round(value))
    await laptop.call('file.mkdir', { path: '/work' })
    await writeText(laptop, '/work/both.txt', 'as it was before')
    const [box, server] = await step(
      'two nodes join; the only address they learn is that of a proxy',
      async () => {
        const joined = [await join('box'), await join('server')] as const
        await allInStep([laptop, ...joined])
        for (const name of ['laptop', 'box', 'server'])
          report(`connections to ${name}`, network.traffic(name).connections)
        expectTrue(
          network.traffic('laptop').connections >= 2,
          'the box and the server came through the proxy'
        )
        return joined
      }
    )
    const nodes = [laptop, box, server]
    await arrives(nodes, '/work/both.txt', 'as it was before')

    await step('the laptop is cut off; both sides write, each sees its own', async () => {
      network.around('laptop', { isCut: true })
      await waitUntil(async () => (await connectedTo(laptop)) === 0, 'the laptop is alone')
      for (let file = 0; file < 10 * scale; file++) {
        await writeText(laptop, `/work/laptop-${file}.txt`, `alone ${file}`)
        await writeText(box, `/work/box-${file}.txt`, `together ${file}`)
      }
      await rewriteText(laptop, '/work/both.txt', 'as LAPTOP has it')
      await rewriteText(server, '/work/both.txt', 'as SERVER has it')
      await arrives([box, server], `/work/box-${10 * scale - 1}.txt`, `together ${10 * scale - 1}`)
      await arrives([box], '/work/both.txt', 'as SERVER has it')
      expectEqual(await textAt(laptop, '/work/both.txt'), 'as LAPTOP has it', 'shown on the laptop')
      expectEqual(await textAt(box, '/work/laptop-0.txt'), undefined, 'what the cut holds back')
      const { promise } = await laptop.call('file.mkdir', { path: '/work/pending' })
      expectEqual(promise, { kept: 1, of: 3, wanted: 3, isPending: true }, 'what a write says in a minority')
      const told = await box.call('file.mkdir', { path: '/work/told', wait: { copies: 2 } })
      expectEqual(
        told.promise,
        { kept: 2, of: 3, wanted: 3, isPending: false, isReached: true },
        'what a write says in the majority'
      )
      const { kept } = await laptop.call('sync.wait', { path: '/work/both.txt', copies: 2, timeoutMs: 200 })
      expectEqual(kept, 1, 'copies while it is alone')
    })
    await step('after the cut all have everything, and the conflict is shown on each', async () => {
      network.heal()
      const counts = async (): Promise<readonly number[]> =>
        await Promise.all(nodes.map(async (node) => (await node.call('file.conflicts', {})).conflicts.length))
      ms(
        'healed: conflict known to all',
        await waitUntil(async () => (await counts()).join() === '1,1,1', 'conflict')
      )
      for (let file = 0; file < 10 * scale; file++) {
        await arrives(nodes, `/work/laptop-${file}.txt`, `alone ${file}`)
        await arrives(nodes, `/work/box-${file}.txt`, `together ${file}`)
      }
      expectEqual(await expectSameConflicts(nodes), ['/work/both.txt'], 'paths in conflict')
      expectEqual(await expectSameContent(nodes, '/work'), 20 * scale + 1, 'files')
      const { versions } = await box.call('file.history', { path: '/work/both.txt' })
      expectEqual(
        versions.filter(({ label }) => label === 'winner' || label === 'head').length,
        2,
        'versions that compete'
      )
      await box.call('file.resolve', { path: '/work/both.txt' })
      await waitUntil(async () => (await counts()).join() === '0,0,0', 'no conflict')
    })
    await step('two that do not reach each other hear of everything from the third', async () => {
      network.between('laptop', 'box', { isCut: true })
      await waitUntil(async () => (await connectedTo(laptop)) === 1, 'the laptop has the server alone')
      await writeText(laptop, '/work/round.txt', 'round the corner')
      ms('through the third node', await arrives([box, server], '/work/round.txt', 'round the corner'))
      network.heal()
    })
    await step(
      'a silent network: nothing is refused meanwhile, and all of it passes afterwards',
      async () => {
        await waitUntil(async () => (await connectedTo(laptop)) === 2, 'the laptop has both again', 120_000)
        network.around('server', { isSilent: true })
        await writeText(server, '/work/silent.txt', 'said into the silence')
        await writeText(laptop, '/work/loud.txt', 'said meanwhile')
        await arrives([box], '/work/loud.txt', 'said meanwhile')
        expectEqual(await textAt(laptop, '/work/silent.txt'), undefined, 'what is held back')
        network.heal()
        const times = [
          arrives(nodes, '/work/silent.txt', 'said into the silence'),
          arrives(nodes, '/work/loud.txt', 'said meanwhile')
        ]
        ms('after the silence', Math.max(...(await Promise.all(times))))
      }
    )
    await step('half open connections are found out and replaced', async () => {
      network.around('server', { isHalfOpen: true })
      await writeText(server, '/work/half.txt', 'half of it')
      await writeText(laptop, '/work/other-half.txt', 'the other half')
      network.heal()
      const times = [
        arrives(nodes, '/work/half.txt', 'half of it'),
        arrives(nodes, '/work/other-half.txt', 'the other half')
      ]
      ms('after half open', Math.max(...(await Promise.all(times))))
    })
    await step('a slow line carries a large file without holding up small ones', async () => {
      network.around('server', { bytesPerSecond: 400_000, delayMs: 20 })
      const data = random.bytes(1_000_000)
      await laptop.call('file.create', { path: '/work/large.bin', data })
      await writeText(laptop, '/work/small.txt', 'small')
      ms('a small file over a slow line', await arrives([server], '/work/small.txt', 'small'))
      ms(
        'a megabyte over a slow line',
        await waitUntil(
          async () => (await dataAt(server, '/work/large.bin'))?.length === data.length,
          'large',
          120_000
        )
      )
      expectTrue(Buffer.from((await dataAt(server, '/work/large.bin')) ?? []).equals(data), 'the content')
      network.heal()
    })
    await step('connections that break again and again lose nothing', async () => {
      network.around('box', { dropAfterBytes: 150_000 + random.below(100_000) })
      await waitUntil(
        async () => {
          const data = random.bytes(100_000)
          await laptop.call('file.create', { path: `/work/broken-${random.below(1 << 30)}.bin`, data })
          return network.traffic('box').connections >= 6
        },
        'some connections have broken',
        120_000
      )
      network.heal()
      await writeText(box, '/work/done.txt', 'done')
      ms('after broken connections', await arrives(nodes, '/work/done.txt', 'done'))
      await waitUntil(async () => await sameNumber(nodes), 'all have as many files', 120_000)
      await allInStep(nodes)
      report('files at the end', await expectSameContent(nodes, '/work'))
      expectEqual(await expectSameConflicts(nodes), [], 'conflicts at the end')
    })
  }
}

async function connectedTo(node: Node): Promise<number> {
  return (await node.call('peer.list', {})).peers.length
}

async function sameNumber(nodes: readonly Node[]): Promise<boolean> {
  const totals = await Promise.all(nodes.map((node) => countAt(node, '/work')))
  return new Set(totals).size === 1
}
