/** What has to be true of an app when everything works again. */
import { hash } from 'node:crypto'
import { appPlace } from '@blocktree/node/app-host'
import { untilAgreed } from '../invariants.ts'
import type { SimulatedNode } from '../node.ts'
import type { Violation } from '../summary.ts'
import type { AppCluster } from './app-cluster.ts'

/** Lets time pass until all nodes hold the same, then looks at everything. */
export async function judgeApp(cluster: AppCluster): Promise<readonly Violation[]> {
  const { simulation } = cluster
  const found: Violation[] = [...(await untilAgreed(simulation))]
  for (const name of simulation.names) {
    if (cluster.seat(name) === undefined)
      found.push({ rule: 'every node starts when its machine works', what: name })
  }
  for (const node of simulation.running()) {
    found.push(...writesThere(cluster, node), ...(await runsWell(cluster, node)))
  }
  found.push(...(await sameContent(cluster)))
  return found
}

function writesThere({ writes }: AppCluster, { identity, tree }: SimulatedNode): readonly Violation[] {
  return writes
    .filter(({ version }) => tree.header(version, false) === undefined)
    .map(({ node, path }) => ({
      rule: 'no acknowledged write is lost',
      what: `${identity.name} has not what ${node} wrote to ${path}`
    }))
}

const askMs = 60_000

async function runsWell(cluster: AppCluster, { identity }: SimulatedNode): Promise<readonly Violation[]> {
  const { name } = identity
  const host = cluster.seat(name)?.host
  if (host === undefined) return []
  const state = host.stateOf(cluster.name)
  const instance = host.status(cluster.name).instance
  if (instance === undefined || !['running', 'idle'].includes(state))
    return [{ rule: 'the app runs on every node', what: `${name}: it is ${state}` }]
  try {
    const problem = await cluster.simulation.time.until(instance.health(), askMs)
    return problem === undefined
      ? []
      : [{ rule: 'the app says that it is well', what: `${name}: ${problem}` }]
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return [{ rule: 'the app says that it is well', what: `${name}: ${what}` }]
  }
}

async function sameContent(cluster: AppCluster): Promise<readonly Violation[]> {
  const [first, ...others] = cluster.simulation.running()
  if (first === undefined) return []
  const expected = await contentOf(cluster, first)
  const found: Violation[] = []
  for (const node of others) {
    const there = await contentOf(cluster, node)
    for (const path of new Set([...expected.keys(), ...there.keys()])) {
      const [here, other] = [expected.get(path), there.get(path)]
      if (here === other) continue
      const what = `${path}: ${here ?? 'absent'} on ${first.identity.name}, ${other ?? 'absent'} on ${node.identity.name}`
      found.push({ rule: 'replicas converge', what })
    }
  }
  return found
}

/** All of the app's files by path, each as the hash of its bytes. */
export async function contentOf(
  cluster: AppCluster,
  node: SimulatedNode
): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>()
  await readBelow(node, appPlace(cluster.name).data, contents)
  return contents
}

async function readBelow(node: SimulatedNode, path: string, contents: Map<string, string>): Promise<void> {
  const { files, owner } = node
  let cursor: string | undefined
  do {
    const page = await files.list(owner, path, { order: 'name', ...(cursor === undefined ? {} : { cursor }) })
    for (const { name, kind } of page.entries) {
      const below = `${path}/${name}`
      if (kind === 'directory') await readBelow(node, below, contents)
      else contents.set(below, readHash(node, below))
    }
    cursor = page.cursor
  } while (cursor !== undefined)
}

function readHash({ files, owner }: SimulatedNode, path: string): string {
  try {
    return hash('sha256', files.read(owner, path).bytes).slice(0, 16)
  } catch (error) {
    return error instanceof Error ? `unreadable (${error.message})` : 'unreadable'
  }
}
