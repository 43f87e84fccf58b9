/** The leader dies again and again while clients of all nodes write: one lock for all, nothing acknowledged is lost. */
import { join } from 'node:path'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { type LoadHistory, startLockLoad } from '../lock-load.ts'
import { allInStep, expectSameContent, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

const limitMs = 120_000
const lockedPaths = ['/locked/one.txt', '/locked/two.txt', '/locked/three.txt']

export const leaderKilled: Scenario = {
  name: 'leader-killed',
  summary:
    'The leader is killed and stopped while all write under locks: one holder each, rising numbers, nothing lost',
  async run({ harness, step, report, random, scale }) {
    const one = await harness.startNode('one', { environment: await loopback() })
    const nodes = [one, await joinNode(harness, one, 'two'), await joinNode(harness, one, 'three')]
    await step('three nodes that all have a vote, and files that all will lock', async () => {
      await one.call('file.mkdir', { path: '/locked' })
      await one.call('file.mkdir', { path: '/free' })
      for (const path of [...lockedPaths, '/locked/stopped.txt', '/numbers'])
        await writeText(one, path, 'nobody yet')
      await allVote(nodes)
      await allInStep(nodes)
    })
    const load = startLockLoad({
      nodes,
      lockedPaths,
      numbersPath: '/numbers',
      freePath: '/free',
      random
    })
    await using _ending = load
    const times: number[] = []
    for (let round = 0; round < 2 * scale; round++) {
      await step(`the leader is killed under load, ${round + 1}`, async () => {
        await load.untilLocked(performance.now())
        const leader = await leaderOf(nodes)
        load.noteKilled(leader)
        const killedAt = performance.now()
        leader.kill()
        times.push(await load.untilLocked(killedAt))
        await leader.exit
        await leader.start()
        await allVote(nodes)
      })
    }
    report('from the kill to a write under a lock, ms', times.map(Math.round).join(', '))
    await step('a leader that slept is refused by the store when it wakes up with its old token', () =>
      wakeWithOldToken(nodes)
    )
    await step('one order fits all answers about locks and numbers', async () => {
      await load.untilLocked(performance.now())
      await load.end()
      load.history.expectLinearizable()
      report('numbers given', load.history.numbers.filter(({ returned }) => returned !== undefined).length)
      report('refused or unanswered', JSON.stringify(Object.fromEntries(load.history.refusals)))
    })
    await step('every acknowledged write is on every node', async () => {
      await allInStep(nodes)
      for (const node of nodes) await load.history.expectKept(node)
      expectTrue(load.history.files.length > 0, 'files were written without a lock')
      const versions = [...load.history.versions.values()].flat()
      expectEqual(new Set(versions).size, versions.length, 'versions that were written once')
      report('writes under a lock', versions.length)
      report('files on each', await expectSameContent(nodes, '/free'))
    })
    await step('two of three are lost for good: the owner lets the last one begin anew', () =>
      beginAnew(nodes)
    )
    await step('a lost one that comes back after all follows it', async () => {
      const [first = one, back = one] = nodes
      await back.start()
      const follows = async (): Promise<boolean> => {
        const { coordinator } = await back.call('node.status', {})
        const { coordinator: leading } = await first.call('node.status', {})
        return coordinator?.leader !== undefined && coordinator.term === leading?.term
      }
      await waitUntil(follows, `${back.name} follows`, limitMs)
      const { first: number } = await back.call('lock.sequence', { path: '/numbers' })
      expectTrue(number > highestNumber(load.history), `number ${number} is higher than all before`)
    })
    await step('one that has a single directory locks like all, and has no vote', async () => {
      const guest = await joinNode(harness, one, 'guest', { path: '/free' })
      const path = load.history.files[0] ?? ''
      const isGiven = (): Promise<boolean> =>
        guest.call('lock.acquire', { path, ttlMs: 1000, waitMs: limitMs }).then(
          ({ token }) => token > 0,
          () => false // the tree comes first
        )
      await waitUntil(isGiven, 'a lock for the guest', limitMs)
      await nodes[2]?.start()
      await allVote(nodes)
      const { coordinator } = await guest.call('node.status', {})
      expectEqual(coordinator?.role, 'learner', 'the part of the guest')
    })
  }
}

async function beginAnew([survivor, ...lost]: readonly Node[]): Promise<void> {
  if (survivor === undefined) return
  const path = '/locked/one.txt'
  const confused = survivor.call('lock.reset', { confirm: true })
  await expectRefused(confused, ['ERR_LOCK_RESET'], 'a new beginning while a majority is there')
  const before = await survivor.call('lock.acquire', { path, ttlMs: 1000, waitMs: limitMs })
  for (const node of lost) {
    node.kill()
    await node.exit
  }
  await expectRefused(survivor.call('lock.reset', {}), ['ERR_CONFIRMATION_ABSENT'], 'without confirmation')
  const { voters } = await survivor.call('lock.reset', { confirm: true })
  expectEqual(voters.length, 1, 'voters after the new beginning')
  const after = await survivor.call('lock.acquire', { path, ttlMs: 60_000, waitMs: limitMs })
  expectTrue(after.token > before.token + 2 ** 32, `token ${after.token} is far above ${before.token}`)
  await write(survivor, path, after.token)
  await expectRefused(write(survivor, path, before.token), ['ERR_LOCK_FENCED'], 'the old token')
  await changeUnderFence(survivor, path, { old: before.token, fresh: after.token })
}

/** Whatever else changes a file is judged as a write is: refused under the old token, done under the new one. */
async function changeUnderFence(
  node: Node,
  path: string,
  { old, fresh }: { readonly old: number; readonly fresh: number }
): Promise<void> {
  const away = `${path}.away`
  const source = join(node.directory, 'node.json')
  const changes: readonly (readonly [string, (fence: number) => Promise<unknown>])[] = [
    ['an import', (fence) => node.call('transfer.import', { source, destination: path, fence })],
    ['a move', (fence) => node.call('file.move', { source: path, destination: away, fence })],
    ['a move back', (fence) => node.call('file.move', { source: away, destination: path, fence })]
  ]
  for (const [what, change] of changes) {
    await expectRefused(change(old), ['ERR_LOCK_FENCED'], `${what} under the old token`)
    await change(fresh)
  }
  const copy = { source: '/numbers', destination: path, replace: true }
  await expectRefused(node.call('file.copy', { ...copy, fence: old }), ['ERR_LOCK_FENCED'], 'a copy over it')
  const link = { path, target: '/numbers', replace: true }
  await expectRefused(node.call('file.symlink', { ...link, fence: old }), ['ERR_LOCK_FENCED'], 'a link')
}

function highestNumber({ numbers }: LoadHistory): number {
  return Math.max(...numbers.flatMap(({ returned }) => returned?.output ?? []))
}

/** The lock passes on while its holder sleeps; what the sleeper was asked meanwhile and is asked later is refused. */
async function wakeWithOldToken(nodes: readonly Node[]): Promise<void> {
  const path = '/locked/stopped.txt'
  const sleeper = await leaderOf(nodes)
  const others = nodes.filter((node) => node !== sleeper)
  const [other = sleeper] = others
  const old = await sleeper.call('lock.acquire', { path, ttlMs: 1000, waitMs: limitMs })
  sleeper.pause()
  const asked = write(sleeper, path, old.token)
  asked.catch(() => undefined)
  const fresh = await other.call('lock.acquire', { path, ttlMs: limitMs, waitMs: limitMs })
  expectTrue(fresh.token > old.token, `token ${fresh.token} is higher than ${old.token}`)
  await write(other, path, fresh.token)
  sleeper.resume()
  await refusedInTheEnd(() => asked, 'what was asked while it slept')
  await refusedInTheEnd(() => write(sleeper, path, old.token), 'what is asked when it is awake')
  await write(other, path, fresh.token)
  await other.call('lock.release', { path, token: fresh.token })
  await allVote(nodes)
}

function write(node: Node, path: string, fence: number): Promise<unknown> {
  return node.call('file.create', { path, data: encodeText(`under ${fence}`), replace: true, fence })
}

/** Until it hears of the others it may answer that it does not know; it never writes. */
async function refusedInTheEnd(attempt: () => Promise<unknown>, what: string): Promise<void> {
  await expectRefused(attempt(), ['ERR_LOCK_FENCED', 'ERR_COORDINATOR_NO_MAJORITY'], what)
}

/** All three have votes and know who leads, so that one of them may be lost. */
async function allVote(nodes: readonly Node[]): Promise<void> {
  const isReady = async (node: Node): Promise<boolean> => {
    const { coordinator } = await node.call('node.status', {})
    const hasVote = coordinator?.role === 'leader' || coordinator?.role === 'follower'
    return hasVote && coordinator.hasMajority && coordinator.voters.length === nodes.length
  }
  for (const node of nodes) await waitUntil(() => isReady(node), `a vote for ${node.name}`, limitMs)
}

async function leaderOf(nodes: readonly Node[]): Promise<Node> {
  let found: Node | undefined
  const isFound = async (): Promise<boolean> => {
    for (const node of nodes)
      if ((await node.call('node.status', {})).coordinator?.role === 'leader') found = node
    return found !== undefined
  }
  await waitUntil(isFound, 'a leader', limitMs)
  if (found === undefined) throw new Error('no leader')
  return found
}
