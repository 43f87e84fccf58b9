/** Two nodes that are told to keep their locks in an etcd: the same answers as without it, and none while it is away. */
import { join } from 'node:path'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { etcdProgram, startEtcd } from '../etcd-process.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { allInStep, arrives, textAt, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

const limitMs = 120_000
const path = '/shared.txt'

export const etcdLocks: Scenario = {
  name: 'etcd-locks',
  summary: 'Two nodes keep their locks in etcd: one holder, rising tokens and numbers, none while it is away',
  missing: () => (etcdProgram() === undefined ? 'needs etcd-server' : undefined),
  async run({ harness, step }) {
    await using etcd = await startEtcd(join(harness.directory, 'etcd'))
    const settings = async (): Promise<Readonly<Record<string, string>>> => ({
      ...(await loopback()),
      BLOCKTREE_CLUSTER_COORDINATOR: 'etcd',
      BLOCKTREE_CLUSTER_ETCD_ENDPOINTS: etcd.url
    })
    const one = await harness.startNode('one', { environment: await settings() })
    const two = await joinNode(harness, one, 'two', { environment: await settings() })
    const held = await step('one node locks, the other is refused and waits', async () => {
      await writeText(one, path, 'nobody yet')
      await arrives([two], path, 'nobody yet')
      const first = await one.call('lock.acquire', { path, ttlMs: 60_000, waitMs: limitMs })
      await expectRefused(two.call('lock.acquire', { path }), ['ERR_COORDINATOR_HELD'], 'a held lock')
      const waiting = two.call('lock.acquire', { path, ttlMs: 60_000, waitMs: limitMs })
      await writeUnder(one, first.token)
      await one.call('lock.release', { path, token: first.token })
      const second = await waiting
      expectTrue(second.token > first.token, `token ${second.token} is higher than ${first.token}`)
      await expectRefused(writeUnder(one, first.token), ['ERR_LOCK_FENCED'], 'the former holder')
      await writeUnder(two, second.token)
      return second
    })
    await step('numbers are given once, and both say who keeps them', async () => {
      const given = await Promise.all(
        [one, two, one, two].map(async (node) => (await node.call('lock.sequence', { path })).first)
      )
      expectEqual(
        given.toSorted((left, right) => left - right),
        [1, 2, 3, 4],
        'numbers'
      )
      for (const node of [one, two])
        expectEqual((await node.call('node.status', {})).coordinator?.kind, 'etcd', `locks of ${node.name}`)
    })
    await step('a new beginning is a matter of its own tools', () =>
      expectRefused(one.call('lock.reset', { confirm: true }), ['ERR_LOCK_RESET'], 'a reset')
    )
    await step('while it is away nothing is locked; writes without a lock go on', async () => {
      await etcd.kill()
      await expectRefused(one.call('lock.acquire', { path }), ['ERR_COORDINATOR_NO_MAJORITY'], 'a lock')
      await writeText(one, '/meanwhile.txt', 'without a lock')
      await arrives([one, two], '/meanwhile.txt', 'without a lock')
    })
    await step('when it is back, locks go on with higher tokens', async () => {
      await etcd.start()
      await two.call('lock.release', { path, token: held.token })
      const isGiven = async (): Promise<boolean> =>
        await one.call('lock.acquire', { path, ttlMs: 60_000, waitMs: limitMs }).then(
          ({ token }) => token > held.token,
          () => false
        )
      await waitUntil(isGiven, 'a lock with a higher token', limitMs)
      await allInStep([one, two])
      expectEqual(await textAt(one, path), await textAt(two, path), 'the file')
    })
  }
}

function writeUnder(node: Node, fence: number): Promise<unknown> {
  return node.call('file.create', { path, data: encodeText(`under ${fence}`), replace: true, fence })
}
