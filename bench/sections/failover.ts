/** How long nobody can write under a lock when the leader of three real nodes is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { allVote, type BenchNode, leaderOf, startThree } from '../joined-nodes.ts'
import { median } from '../measure.ts'
import type { Figure, Measured, Section } from '../section.ts'

const heldLeaseMs = 1000 // the shortest there is
const limitMs = 60_000

export const failoverSection: Section = {
  name: 'failover',
  title: 'The leader is killed',
  async run(context): Promise<Measured> {
    await using harness = createHarness<NodeMethods>({
      table: nodeMethodTable,
      environment: { BLOCKTREE_LOG_LEVEL: 'warn' }
    })
    context.progress('three nodes')
    const nodes = await startThree(harness)
    const [one] = nodes
    await one?.call('file.mkdir', { path: '/locks' })
    for (const name of ['free', 'held', 'load'])
      await one?.call('file.create', { path: `/locks/${name}`, data: new Uint8Array(100) })
    for (const node of nodes) await untilThere(node, '/locks/load')
    const steady = await measureSteady(one)
    const kills = context.runs ?? (context.isQuick ? 3 : 12)
    const rounds: Round[] = []
    for (let kill = 0; kill < kills; kill++) {
      context.progress(`kill ${kill + 1} of ${kills}`)
      rounds.push(await killLeader(nodes))
    }
    return {
      figures: [
        ...figuresOf(
          'write under another lock',
          kills,
          rounds.map(({ freeMs }) => freeMs)
        ),
        ...figuresOf(
          'write under the lock that it held for 1 s',
          kills,
          rounds.map(({ heldMs }) => heldMs)
        ),
        { name: 'lock, write and unlock before, median', value: median(steady), unit: 'ms' }
      ],
      tables: [],
      notes: [
        'Three processes on loopback, all with a vote; the one that leads gets SIGKILL while clients of the two others write under locks in turn. Counted from the signal until the answer to the write, on a node that lives, on the disk there. The lock that the dead node held ends by its time, which the new leader counts anew; the shortest is 1 s.'
      ]
    }
  }
}

interface Round {
  readonly freeMs: number
  readonly heldMs: number
}

function figuresOf(what: string, kills: number, times: readonly number[]): readonly Figure[] {
  const target = { bound: 'below', value: 3000 } as const
  return [
    { name: `kill to ${what}, median of ${kills}`, value: median(times), unit: 'ms', target },
    { name: `kill to ${what}, longest of ${kills}`, value: Math.max(...times), unit: 'ms', target }
  ]
}

async function killLeader(nodes: readonly BenchNode[]): Promise<Round> {
  const leader = await leaderOf(nodes)
  const survivors = nodes.filter((node) => node !== leader)
  const [left = leader, right = leader] = survivors
  const ended = new AbortController()
  const load = survivors.map((node) => writeInTurn(node, ended.signal))
  await sleep(300)
  await leader.call('lock.acquire', { path: '/locks/held', ttlMs: heldLeaseMs, waitMs: limitMs })
  const killedAt = performance.now()
  leader.kill()
  const [freeMs, heldMs] = await Promise.all([
    writeLocked(left, '/locks/free').then(() => performance.now() - killedAt),
    writeLocked(right, '/locks/held').then(() => performance.now() - killedAt)
  ])
  ended.abort()
  await Promise.all(load)
  await leader.exit
  await leader.start()
  await allVote(nodes)
  return { freeMs, heldMs }
}

/** The others stay busy; what is refused meanwhile is tried again. */
async function writeInTurn(node: BenchNode, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) await writeLocked(node, '/locks/load')
}

/** Until it has been done. */
async function writeLocked(node: BenchNode, path: string): Promise<void> {
  const until = performance.now() + limitMs
  for (;;) {
    try {
      const { token } = await node.call('lock.acquire', { path, ttlMs: heldLeaseMs, waitMs: limitMs })
      await node.call('file.write', { path, offset: 0, data: new Uint8Array(100), fence: token })
      await node.call('lock.release', { path, token })
      return
    } catch (error) {
      if (performance.now() > until) throw error
    }
  }
}

async function measureSteady(node: BenchNode | undefined): Promise<readonly number[]> {
  const times: number[] = []
  if (node === undefined) return times
  for (let round = 0; round < 30; round++) {
    const started = performance.now()
    await writeLocked(node, '/locks/free')
    times.push(performance.now() - started)
  }
  return times
}

async function untilThere(node: BenchNode, path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const found = await node.call('file.stat', { path }).catch(() => undefined)
    if (found !== undefined) return
    if (tries > 1000) throw new Error(`${path} does not come to ${node.name}`)
    await sleep(20)
  }
}
