/** A node that sleeps, is killed, or is away while others write: back in step, at the price of what changed. */
import { expectEqual, expectTrue } from '../expect.ts'
import { createFaultNetwork, faultNetworkMissing } from '../fault-network.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import { allInStep, arrives, countAt, expectSameContent, textAt, writeText } from '../replicas.ts'
import type { Scenario } from '../scenario.ts'

const changes = 100

export const awayAndBack: Scenario = {
  name: 'away-and-back',
  summary:
    'A node sleeps, is killed and is stopped while another writes; back in step for less than a mebibyte',
  missing: faultNetworkMissing,
  async run({ harness, step, report, random, scale }) {
    await using network = createFaultNetwork()
    const home = await harness.startNode('home', { environment: await network.place('home') })
    network.add(home)
    await home.call('file.mkdir', { path: '/kept' })
    for (let file = 0; file < 200 * scale; file++)
      await home.call('file.create', { path: `/kept/file-${file}.bin`, data: random.bytes(10_000) })
    const laptop = await step('a laptop joins a home that keeps two megabytes', async () => {
      const joined = await joinNode(harness, home, 'laptop', { environment: await network.place('laptop') })
      network.add(joined)
      await waitUntil(async () => (await countAt(joined, '/kept')) === 200 * scale, 'all')
      await allInStep([home, joined])
      return joined
    })
    const nodes = [home, laptop]
    const bytesSoFar = (): number => network.traffic('home').bytes + network.traffic('laptop').bytes
    report('traffic of joining, KiB', Math.round(bytesSoFar() / 1024))

    async function whileAway(
      name: string,
      leave: () => Promise<void>,
      back: () => Promise<void>
    ): Promise<void> {
      await leave()
      const before = bytesSoFar()
      await home.call('file.mkdir', { path: `/${name}` })
      for (let file = 0; file < changes; file++)
        await writeText(home, `/${name}/file-${file}.txt`, `${name} ${file}`)
      await back()
      const last = `/${name}/file-${changes - 1}.txt`
      report(`${name}: back in step, ms`, Math.round(await arrives([laptop], last, `${name} ${changes - 1}`)))
      await waitUntil(async () => (await countAt(laptop, `/${name}`)) === changes, 'all')
      await allInStep(nodes)
      const traffic = bytesSoFar() - before
      report(`${name}: traffic of ${changes} changes, KiB`, Math.round(traffic / 1024))
      expectTrue(traffic < 1024 * 1024, `${name}: ${traffic} bytes are less than a mebibyte`)
      expectEqual(await expectSameContent(nodes, `/${name}`), changes, `${name}: files`)
    }

    await step('stopped in good order, started again', () =>
      whileAway(
        'stopped',
        async () => void (await laptop.stop()),
        () => laptop.start()
      )
    )
    await step('killed, started again', () =>
      whileAway(
        'killed',
        async () => {
          laptop.kill()
          await laptop.exit
        },
        () => laptop.start()
      )
    )
    await step('asleep, and awake again with its old connection', () =>
      whileAway(
        'asleep',
        async () => laptop.pause(),
        async () => laptop.resume()
      )
    )
    // the two need not wait for so long in every test run
    if (scale > 1)
      await step(
        'asleep for longer than the other side waits: a new connection, and nothing is missing',
        () =>
          whileAway(
            'long-asleep',
            async () => {
              laptop.pause()
              const isGone = async (): Promise<boolean> =>
                (await home.call('peer.list', {})).peers.length === 0
              report(
                'given up after, ms',
                Math.round(await waitUntil(isGone, 'home gives the laptop up', 120_000))
              )
            },
            async () => laptop.resume()
          )
      )
    await step('what the laptop wrote with nobody there is at home when it is back', async () => {
      network.around('laptop', { isCut: true })
      await waitUntil(async () => (await laptop.call('peer.list', {})).peers.length === 0, 'it is alone')
      await writeText(laptop, '/on-the-train.txt', 'written on the train')
      expectEqual(await textAt(home, '/on-the-train.txt'), undefined, 'what nobody heard of')
      network.heal()
      await arrives(nodes, '/on-the-train.txt', 'written on the train')
    })
  }
}
