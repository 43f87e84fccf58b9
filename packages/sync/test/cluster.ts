/** Nodes with all rights over one tree; the first holds everything made so far. */
import type { AnyRecord } from '@blocktree/tree'
import { type NodeOptions, type ReplicaNode, Replicas } from './replicas.ts'
import { type Author, Fixture } from './tree-fixture.ts'

export interface Cluster {
  readonly fixture: Fixture
  readonly replicas: Replicas
  readonly nodes: readonly ReplicaNode[]
  readonly authors: readonly Author[]
  readonly node: (index: number) => ReplicaNode
  readonly author: (index: number) => Author
}

export async function startCluster(
  seed: string,
  count: number,
  options: { readonly blocks?: number; readonly node?: NodeOptions; readonly number?: number } = {}
): Promise<Cluster> {
  const fixture = new Fixture(seed)
  const authors = Array.from({ length: count }, (_, index) =>
    fixture.cap(fixture.root, `node ${index}`, fixture.rootPlace)
  )
  for (let block = 0; block < (options.blocks ?? 3); block++) fixture.create(fixture.root, fixture.rootPlace)
  const replicas = new Replicas(fixture, options.number)
  const nodes: ReplicaNode[] = []
  for (const [index, author] of authors.entries())
    nodes.push(await replicas.add(`node${index}`, author, options.node))
  const pick = <Item>(items: readonly Item[], index: number): Item => {
    const item = items[index]
    if (item === undefined) throw new RangeError(`there is no node ${index}`)
    return item
  }
  const cluster = {
    fixture,
    replicas,
    nodes,
    authors,
    node: (index: number) => pick(nodes, index),
    author: (index: number) => pick(authors, index)
  }
  await give(cluster.node(0), fixture)
  return cluster
}

/** Records and sectors as if they had been written at this node. */
export async function give(
  node: ReplicaNode,
  fixture: Fixture,
  records: readonly AnyRecord[] = fixture.records
): Promise<void> {
  await node.store.commit({ sectors: fixture.sectors })
  await node.tree.offer(fixture.offer(records), { peer: 'test', from: 'host' })
}
