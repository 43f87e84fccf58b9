/** Three nodes whose clocks are hours apart: locks, invitations, order of writes and expiry are as the specification says. */
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { fakeTime, fakeTimeLibrary } from '../fake-time.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { allInStep, arrives, expectSameConflicts, expectSameContent, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

const hourMs = 3_600_000
const limitMs = 120_000

export const clocks: Scenario = {
  name: 'clocks',
  summary:
    'One clock is five hours ahead, one seven behind: joining, locks and order hold, expiry is local, all are warned',
  missing: () => (fakeTimeLibrary() === undefined ? 'needs faketime' : undefined),
  async run({ harness, step, report }) {
    const home = await harness.startNode('home', { environment: await loopback() })
    const ahead = await step('a node whose clock is five hours ahead joins', async () =>
      joinNode(harness, home, 'ahead', { environment: { ...(await loopback()), ...fakeTime('+5h') } })
    )
    const behind = await step(
      'it invites one whose clock is seven hours behind: a code ends by the clock of who made it',
      async () =>
        joinNode(harness, ahead, 'behind', { environment: { ...(await loopback()), ...fakeTime('-7h') } })
    )
    const nodes = [home, ahead, behind]
    await step('clocks are what they are meant to be; the nodes are in step', async () => {
      expectEqual(await hoursOff(ahead), 5, 'hours ahead')
      expectEqual(await hoursOff(behind), -7, 'hours behind')
      await allInStep(nodes)
    })
    await step('each is told of the others', async () => {
      for (const node of nodes) {
        const { findings } = await node.call('node.doctor', {})
        const found = findings.filter(({ code }) => code === 'DOCTOR_CLOCK_OFFSET')
        expectEqual(found.length, 1, `findings of ${node.name} about clocks`)
        const warned = node.log.filter(({ text }) => text.includes('the clock of another node differs'))
        expectTrue(warned.length > 0, `a line of the log of ${node.name}`)
      }
    })
    await step('the later write wins, whatever its time says; nothing is in conflict', async () => {
      for (const [index, node] of [ahead, behind, home, behind, ahead].entries()) {
        const text = `${index}, written on ${node.name}`
        const data = encodeText(text)
        await node.call('file.create', { path: '/order.txt', data, replace: true })
        await arrives(nodes, '/order.txt', text)
      }
      expectEqual(await expectSameConflicts(nodes), [], 'conflicts')
    })
    await step('a lock lasts as long as it was given for, by no clock on the wall', () => lockInTurn(nodes))
    await step('what a cap ends at is judged by each for itself', () => expireEach(home, ahead, behind))
    await step('after a checkpoint of the owner they are still in step', async () => {
      await home.call('checkpoint.create', {})
      for (const node of nodes) await writeText(node, `/after-${node.name}.txt`, `after, on ${node.name}`)
      for (const node of nodes) await arrives(nodes, `/after-${node.name}.txt`, `after, on ${node.name}`)
      await allInStep(nodes)
      expectEqual(await expectSameConflicts(nodes), [], 'conflicts')
      report('files on each', await expectSameContent(nodes, '/'))
    })
    await step('a node whose clock was set right is no longer warned of', async () => {
      await ahead.stop()
      await behind.stop()
      const right = harness.prepareNode('right', {
        directory: ahead.directory,
        environment: await loopback()
      })
      await right.start()
      const isQuiet = async (): Promise<boolean> => {
        const { peers } = await home.call('peer.list', {})
        const { findings } = await home.call('node.doctor', {})
        return peers.length === 1 && !findings.some(({ code }) => code === 'DOCTOR_CLOCK_OFFSET')
      }
      await waitUntil(isQuiet, 'no finding about clocks', limitMs)
      await writeText(right, '/right.txt', 'the right time')
      await arrives([home, right], '/right.txt', 'the right time')
    })
  }
}

async function hoursOff(node: Node): Promise<number> {
  const { timeMs } = await node.call('node.ping', {})
  return Math.round((timeMs - Date.now()) / hourMs)
}

/** Each takes it from the one before, who does not give it back: not before its time is over, and it does come. */
async function lockInTurn(nodes: readonly Node[]): Promise<void> {
  const path = '/order.txt'
  const ttlMs = 2000
  let before: { readonly token: number; readonly askedAt: number; readonly node: Node } | undefined
  for (const node of [...nodes, ...nodes.slice(0, 1)]) {
    const askedAt = performance.now()
    const { token, expiresInMs } = await node.call('lock.acquire', { path, ttlMs, waitMs: limitMs })
    const givenAt = performance.now()
    expectTrue(expiresInMs <= ttlMs, `${expiresInMs} ms left on ${node.name}`)
    if (before !== undefined) {
      const { token: oldToken, node: former } = before
      expectTrue(token > oldToken, `token ${token} on ${node.name} is higher than ${oldToken}`)
      const kept = givenAt - before.askedAt
      expectTrue(kept >= ttlMs * 0.95, `the lock of ${former.name} passed on after ${kept} ms`)
      const late = { path, data: encodeText('too late'), replace: true, fence: oldToken }
      await expectRefused(former.call('file.create', late), ['ERR_LOCK_FENCED'], `late on ${former.name}`)
    }
    before = { token, askedAt, node }
  }
}

/** One cap ends in an hour and one ended an hour ago: each node says of both what its own clock says. */
async function expireEach(home: Node, ahead: Node, behind: Node): Promise<void> {
  await home.call('principal.create', { name: 'guest' })
  const issue = (notAfterMs: number): Promise<{ readonly id: string }> =>
    home.call('cap.issue', { path: '/', to: 'guest', rights: ['write', 'create'], notAfterMs })
  const later = await issue(Date.now() + hourMs)
  const earlier = await issue(Date.now() - hourMs)
  const stateAt = async (node: Node, cap: string): Promise<string | undefined> => {
    const { caps } = await node.call('cap.list', { all: true })
    return caps.find(({ id }) => id === cap)?.state
  }
  const expected = [
    [home, 'live', 'expired'],
    [ahead, 'expired', 'expired'],
    [behind, 'live', 'live']
  ] as const
  for (const [node, ofLater, ofEarlier] of expected) {
    await waitUntil(
      async () => (await stateAt(node, earlier.id)) !== undefined,
      `the caps on ${node.name}`,
      limitMs
    )
    expectEqual(await stateAt(node, later.id), ofLater, `the cap that ends in an hour, on ${node.name}`)
    expectEqual(await stateAt(node, earlier.id), ofEarlier, `the cap that ended an hour ago, on ${node.name}`)
  }
}
