/** A peer with all rights of a node whose program is the test's: what it answers, and what it says without being asked. */
import type { Connection, ConnectionHandlers } from '@blocktree/network'
import { type Cluster, give, startCluster } from './cluster.ts'
import { encodeNodesAnswer, encodeOpenAnswer } from '../src/messages.ts'
import type { NodeOptions, ReplicaNode } from './replicas.ts'
import { type Author, crypto } from './tree-fixture.ts'

export interface Scene {
  readonly cluster: Cluster
  /** The honest node. */
  readonly node: ReplicaNode
  /** The enemy's principal, with its cap. */
  readonly author: Author
  readonly scope: readonly Uint8Array[]
}

export async function startScene(seed: string, options: NodeOptions = {}): Promise<Scene> {
  const cluster = await startCluster(seed, 1, { node: options })
  const author = cluster.fixture.cap(cluster.fixture.root, 'enemy', cluster.fixture.rootPlace)
  await give(cluster.node(0), cluster.fixture)
  return { cluster, node: cluster.node(0), author, scope: [cluster.fixture.rootPlace.block] }
}

export const nothing: { count: number; hash: Uint8Array } = { count: 0, hash: new Uint8Array(32) }
export const top: Uint8Array = new Uint8Array(0)

/** A root that agrees with nobody's. */
export function otherRoot(count: number): { count: number; hash: Uint8Array } {
  return { count, hash: crypto.sha256(Uint8Array.of(count & 255, 7)) }
}

export interface EnemyAnswers extends Partial<ConnectionHandlers> {
  /** What `sync.open` says; nothing at all when left out. */
  readonly roots?: readonly [typeof nothing, typeof nothing, typeof nothing]
}

export async function connectEnemy(
  { cluster, author, scope, node }: Scene,
  { roots = [nothing, nothing, nothing], ...answers }: EnemyAnswers = {},
  name = 'enemy'
): Promise<Connection> {
  const { replicas } = cluster
  const network = replicas.hub.join({ name, localKey: crypto.sha256(new TextEncoder().encode(name)) })
  replicas.introduce(network.localKey, author.principal)
  const connection = await replicas.time.until(network.dial(node.network.addresses()[0] ?? ''))
  connection.serve({
    request: (method) =>
      Promise.resolve(
        method === 'sync.open'
          ? encodeOpenAnswer({ scope, roots })
          : encodeNodesAnswer([{ path: top, kind: 'rows', rows: [] }])
      ),
    event: () => undefined,
    stream: () => noChunks(),
    ...answers
  })
  await replicas.time.advance(200)
  return connection
}

export async function* noChunks(): AsyncGenerator<Uint8Array> {
  // nothing
}

/** The code of the refusal, or `answered`. */
export async function codeOf(scene: Scene, asking: Promise<unknown>, limitMs = 60_000): Promise<unknown> {
  return await scene.cluster.replicas.time.until(
    asking.then(
      () => 'answered',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error))
    ),
    limitMs
  )
}

/** What the honest node says of the enemy in its status. */
export function blameOf({
  node,
  author
}: Scene): { readonly state: string; readonly wrong: unknown } | undefined {
  const id = author.principal.id.toHex()
  return node.sync.status.peers.find(({ principal }) => principal.toHex() === id)
}
