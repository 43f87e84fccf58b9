/** Nodes of one tree on loopback, joined as a person joins them; each keeps its port over restarts. */
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { blocktreeBinary, type Harness, type NodeProcess } from '@blocktree/harness'
import type { NodeMethods } from '@blocktree/node/method-table'

export type BenchNode = NodeProcess<NodeMethods>

/** Makes the settings of a further node. */
type Settings = () => Promise<Readonly<Record<string, string>>>

export async function freePort(): Promise<Readonly<Record<string, string>>> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return { BLOCKTREE_NETWORK_PORT: String(typeof address === 'object' ? address?.port : 0) }
}

export async function joinNode(
  harness: Harness<NodeMethods>,
  home: BenchNode,
  name: string,
  settings: Settings = freePort
): Promise<BenchNode> {
  const { code } = await home.call('node.invite', { approved: true, name })
  const directory = join(harness.directory, name)
  const environment = await settings()
  const foreign = Object.entries(process.env).filter(([variable]) => !variable.startsWith('BLOCKTREE_'))
  const env = { ...Object.fromEntries(foreign), BLOCKTREE_NETWORK_HOST: '127.0.0.1', ...environment }
  const words = [blocktreeBinary, 'node', 'join', code, '--data', directory, '--name', name]
  await promisify(execFile)(process.execPath, words, { env })
  return await harness.startNode(name, { directory, environment })
}

/** Three nodes in step with each other, each with a vote. */
export async function startThree(
  harness: Harness<NodeMethods>,
  settings: Settings = freePort
): Promise<readonly BenchNode[]> {
  const one = await harness.startNode('one', { environment: await settings() })
  const nodes = [one]
  for (const name of ['two', 'three']) nodes.push(await joinNode(harness, one, name, settings))
  await allVote(nodes)
  for (const node of nodes) await waitFor(() => isInStep(node, nodes.length - 1), `${node.name} in step`)
  return nodes
}

export async function allVote(nodes: readonly BenchNode[]): Promise<void> {
  for (const node of nodes) {
    const isReady = async (): Promise<boolean> => {
      const { coordinator, network } = await node.call('node.status', {})
      const { role, hasMajority = false, voters = [] } = coordinator ?? {}
      const isConnected = network.connected === nodes.length - 1
      return isConnected && hasMajority && role !== 'candidate' && voters.length === nodes.length
    }
    await waitFor(isReady, `a vote for ${node.name}`)
  }
}

export async function leaderOf(nodes: readonly BenchNode[]): Promise<BenchNode> {
  for (;;) {
    for (const node of nodes)
      if ((await node.call('node.status', {})).coordinator?.role === 'leader') return node
    await sleep(20)
  }
}

/** Every content that it wants has come, and so many peers have the same records. */
export async function isInStep(node: BenchNode, peers = 1): Promise<boolean> {
  const { trees } = await node.call('sync.status', {})
  const [own] = trees
  return (
    own !== undefined &&
    own.peers.filter(({ state }) => state === 'in step').length >= peers &&
    own.contentsWanted === 0
  )
}

export async function isFound(node: BenchNode, path: string): Promise<boolean> {
  return await node.call('file.stat', { path }).then(
    () => true,
    () => false
  )
}

export async function waitFor(
  isSo: () => Promise<boolean>,
  what: string,
  limitMs = 120_000,
  everyMs = 20
): Promise<void> {
  const started = performance.now()
  while (!(await isSo())) {
    if (performance.now() - started > limitMs) throw new Error(`not in time: ${what}`)
    await sleep(everyMs)
  }
}
