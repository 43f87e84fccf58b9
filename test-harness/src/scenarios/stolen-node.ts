/** A laptop is stolen: its owner removes it, and from then on it neither writes nor reads anything new. */
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { allInStep, arrives, dataAt, rewriteText, textAt, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

export const stolenNode: Scenario = {
  name: 'stolen-node',
  summary:
    'The owner removes a node: what it had it keeps, but it writes nothing and reads nothing new, restarted or not',
  async run({ harness, step, report, random }) {
    const home = await harness.startNode('home', { environment: await loopback() })
    await home.call('file.mkdir', { path: '/private' })
    await writeText(home, '/private/before.txt', 'known to all')
    const box = await joinNode(harness, home, 'box')
    const laptop = await joinNode(harness, home, 'laptop')
    const rest = [home, box]
    await step('three nodes are in step', async () => {
      await arrives([box, laptop], '/private/before.txt', 'known to all')
      await writeText(laptop, '/private/mine.txt', 'written in good faith')
      await arrives(rest, '/private/mine.txt', 'written in good faith')
      await allInStep([home, box, laptop])
    })
    await step('a removal has to be meant', async () => {
      await expectRefused(
        home.call('node.remove', { principal: 'laptop' }),
        ['ERR_CONFIRMATION_ABSENT'],
        'without a word'
      )
      await expectRefused(
        home.call('node.remove', { principal: 'nobody', confirm: true }),
        ['ERR_PRINCIPAL_UNKNOWN'],
        'of nobody'
      )
      expectEqual((await home.call('peer.list', {})).peers.length, 2, 'peers of home')
    })
    const { id: laptopId } = await laptop.call('session.show', {})
    await step('the owner removes the laptop; every connection with it ends', async () => {
      const answer = await home.call('node.remove', { principal: 'laptop', confirm: true })
      expectEqual([answer.caps, answer.quarantined], [1, 0], 'caps that ended, and versions set aside')
      expectTrue(answer.zonesRekeyed > 0, 'the keys have changed')
      const isShutOut = async (): Promise<boolean> =>
        (await Promise.all(rest.map((node) => isConnected(node, laptopId)))).every((one) => !one)
      report('shut out of both after, ms', Math.round(await waitUntil(isShutOut, 'no connection with it')))
      expectEqual(await textAt(home, '/private/mine.txt'), 'written in good faith', 'what it wrote before')
    })
    const secret = random.bytes(300_000)
    await step('it reads nothing new', async () => {
      await writeText(home, '/private/after.txt', 'not for thieves')
      await box.call('file.create', { path: '/private/after.bin', data: secret })
      await rewriteText(home, '/private/before.txt', 'KNOWN to us!')
      await arrives(rest, '/private/after.txt', 'not for thieves')
      await arrives(rest, '/private/before.txt', 'KNOWN to us!')
      await expectNothingNew(laptop)
    })
    await step('it writes nothing', async () => {
      await laptop
        .call('file.create', { path: '/private/virus.txt', data: random.bytes(100) })
        .catch(() => undefined)
      await rewriteText(laptop, '/private/mine.txt', 'written by a THIEF...').catch(() => undefined)
      await expectUntouched(rest)
    })
    await step('nor after a restart, when it dials everybody again, and is told why', async () => {
      await laptop.restart()
      const isTold = async (): Promise<boolean> =>
        (await laptop.call('node.doctor', {})).findings.some(({ code }) => code === 'DOCTOR_NODE_REFUSED')
      report(
        'told after, ms',
        Math.round(await waitUntil(isTold, 'the laptop is told that its rights have ended'))
      )
      await laptop
        .call('file.create', { path: '/private/again.txt', data: random.bytes(100) })
        .catch(() => undefined)
      for (const node of rest) await writeText(node, `/private/still-${node.name}.txt`, 'still going')
      await arrives(rest, '/private/still-home.txt', 'still going')
      await arrives(rest, '/private/still-box.txt', 'still going')
      await expectUntouched(rest)
      await expectNothingNew(laptop)
    })
    await step('nor when the others start again and know it from disk alone', async () => {
      await home.restart()
      await box.restart()
      await laptop.restart()
      await writeText(home, '/private/last.txt', 'the last word')
      await arrives(rest, '/private/last.txt', 'the last word')
      await expectUntouched(rest)
      await expectNothingNew(laptop)
    })
    await step('its owner may invite a machine in its place', async () => {
      const fresh = await joinNode(harness, home, 'new-laptop')
      await arrives([fresh], '/private/after.txt', 'not for thieves')
      await arrives([fresh], '/private/mine.txt', 'written in good faith')
      const isWhole = async (): Promise<boolean> =>
        Buffer.from((await dataAt(fresh, '/private/after.bin')) ?? []).equals(secret)
      await waitUntil(isWhole, 'the content of after.bin')
    })
  }
}

async function isConnected(node: Node, principal: string): Promise<boolean> {
  return (await node.call('peer.list', {})).peers.some((peer) => peer.principal === principal)
}

async function expectNothingNew(laptop: Node): Promise<void> {
  for (const path of ['/private/after.txt', '/private/after.bin', '/private/last.txt'])
    expectEqual(await textAt(laptop, path), undefined, `${path} on the stolen laptop`)
  const shown = await textAt(laptop, '/private/before.txt')
  expectTrue(shown?.startsWith('KNOWN') !== true, 'a new version of a known file on the stolen laptop')
}

async function expectUntouched(rest: readonly Node[]): Promise<void> {
  for (const node of rest) {
    for (const path of ['/private/virus.txt', '/private/again.txt'])
      expectEqual(await textAt(node, path), undefined, `${path} on ${node.name}`)
    expectEqual(await textAt(node, '/private/mine.txt'), 'written in good faith', `its file on ${node.name}`)
  }
}
