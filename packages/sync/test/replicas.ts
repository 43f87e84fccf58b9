/**
 * Nodes in one process, over the network in memory and stores in memory: for tests of replication. Time is virtual, so a
 * minute costs nothing and every run of a seed is the same.
 */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import {
  createMemoryNetwork,
  createVirtualTime,
  type MemoryNetwork,
  type VirtualTime
} from '@blocktree/network/memory'
import type { Connection, Network } from '@blocktree/network'
import {
  type BlockStore,
  type Id,
  type Principal,
  type TreeState,
  authorityRoot,
  createTreeState,
  right,
  zoneRoots
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Author, type Fixture, crypto } from './tree-fixture.ts'
import { type TreeSyncOptions, TreeSync } from '../src/tree-sync.ts'

export interface ReplicaNode {
  readonly name: string
  readonly principal: Principal
  readonly store: BlockStore
  readonly tree: TreeState
  sync: TreeSync
  readonly network: Network
  readonly connections: Set<Connection>
  readonly notes: string[]
  readonly openSync: () => Promise<TreeSync>
  /** Whether it promises anything now; true unless a test says otherwise. */
  promises: boolean
}

export type NodeOptions = Partial<Omit<TreeSyncOptions, 'ports' | 'treeId'>> & { readonly store?: BlockStore }

/** A small generator with a seed: mulberry32. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Replicas {
  readonly fixture: Fixture
  readonly time: VirtualTime
  readonly hub: MemoryNetwork
  readonly nodes: Map<string, ReplicaNode> = new Map()
  readonly #keys: Map<string, string> = new Map()
  readonly #strangers: Map<string, Principal> = new Map()

  constructor(fixture: Fixture, seed = 1) {
    this.fixture = fixture
    this.time = createVirtualTime(1_000_000)
    this.hub = createMemoryNetwork({
      timers: this.time,
      random: seededNumbers(seed),
      conditions: { delayMs: 1 }
    })
  }

  /** A node of this author; it holds nothing but what it is given. */
  async add(name: string, author: Author, options: NodeOptions = {}): Promise<ReplicaNode> {
    const { store = createMemoryStore(), ...rest } = options
    const clock = { now: () => this.time.now() }
    const tree = await createTreeState({ store, crypto, clock, tree: this.fixture.tree.id })
    const localKey = crypto.sha256(new TextEncoder().encode(`transport key of ${name}`))
    const network = this.hub.join({ name, localKey })
    this.#keys.set(localKey.toHex(), name)
    const notes: string[] = []
    const open = async (): Promise<TreeSync> =>
      await TreeSync.open({
        treeId: this.fixture.tree.id,
        ...rest,
        ports: {
          tree,
          store,
          crypto,
          clock,
          random: createSeededRandom(`sync of ${name}`),
          pace: {
            now: () => this.time.now(),
            after: (milliseconds, callback) => this.time.start(milliseconds, callback)
          },
          self: {
            principal: author.principal.id,
            signer: () => author.principal,
            hostCap: (zone) =>
              tree.capFor(author.principal.id, { block: zone, home: zone, rights: right.host }),
            promiseCap: (zone) =>
              this.nodes.get(name)?.promises === false
                ? undefined
                : tree.capFor(author.principal.id, { block: zone, home: zone, rights: right.host })
          },
          onNote: ({ message, details }) => notes.push(`${message} ${JSON.stringify(details)}`)
        }
      })
    const sync = await open()
    const node: ReplicaNode = {
      name,
      promises: true,
      principal: author.principal,
      store,
      tree,
      sync,
      network,
      connections: new Set(),
      notes,
      openSync: open
    }
    network.onConnection((connection) => this.#serve(node, connection))
    this.nodes.set(name, node)
    return node
  }

  /** One node dials the other; both know who the other is. */
  async connect(left: ReplicaNode, right_: ReplicaNode): Promise<void> {
    const [address] = right_.network.addresses()
    if (address === undefined) throw new Error('the node has no address')
    const connection = await this.time.until(left.network.dial(address))
    this.#serve(left, connection)
    await this.time.advance(5)
  }

  /** Whose key it is, of a peer that is no node of these. */
  introduce(key: Uint8Array, principal: Principal): void {
    this.#strangers.set(key.toHex(), principal)
  }

  /** Replication ends as in a crash, and begins again over the same store. */
  async restart(node: ReplicaNode): Promise<void> {
    await this.time.until(node.sync.close())
    node.sync = await node.openSync()
  }

  async connectAll(): Promise<void> {
    const nodes = [...this.nodes.values()]
    for (const [index, left] of nodes.entries())
      for (const other of nodes.slice(index + 1)) await this.connect(left, other)
  }

  async disconnectAll(): Promise<void> {
    for (const { connections } of this.nodes.values())
      for (const connection of connections) void connection.close('cut')
    await this.time.advance(50)
  }

  /** Lets time pass until all nodes hold the same, at most so long. @returns virtual milliseconds that it took */
  async converge(
    limitMs = 300_000,
    nodes: readonly ReplicaNode[] = [...this.nodes.values()]
  ): Promise<number> {
    const start = this.time.now()
    while (this.time.now() - start < limitMs) {
      const states = await Promise.all(nodes.map((node) => stateOf(node.tree, this.fixture.rootPlace.block)))
      if (new Set(states).size === 1) return this.time.now() - start
      await this.time.advance(100)
    }
    throw new Error(
      `no agreement: ${JSON.stringify(nodes.map(({ name, notes }) => ({ name, notes: notes.slice(-5) })))}`
    )
  }

  /** Every test ends with a look at what is kept in memory. */
  async close(): Promise<void> {
    const wrong: string[] = []
    for (const { name, sync, tree } of this.nodes.values()) {
      await tree.settled()
      for (const place of await sync.verifySummaries()) wrong.push(`${name}: ${place}`)
    }
    for (const { sync, network, tree } of this.nodes.values()) {
      await this.time.until(sync.close())
      await this.time.until(network.close())
      tree.close()
    }
    if (wrong.length > 0) throw new Error(`summaries are not those of the rows: ${wrong.join(', ')}`)
  }

  #serve(node: ReplicaNode, connection: Connection): void {
    const name = this.#keys.get(connection.remoteKey.toHex()) ?? ''
    const known = this.nodes.get(name)?.principal ?? this.#strangers.get(connection.remoteKey.toHex())
    const principal: Id | undefined = known?.id
    if (principal === undefined) throw new Error('a connection of nobody')
    node.connections.add(connection)
    void connection.closed.then(() => node.connections.delete(connection))
    const peer = { connection, principal }
    connection.serve(node.sync.handlersFor(peer))
    node.sync.addPeer(peer)
  }
}

/** Everything held, as one text: ids of authority records, of receipts, tips and labels of all blocks, roots of zones. */
export async function stateOf(tree: TreeState, root: Id): Promise<string> {
  const lines: string[] = [authorityRoot(tree, crypto).toHex()]
  for await (const id of tree.receiptIds({ from: new Uint8Array(0) })) lines.push(id.toHex())
  for await (const { block, tips } of tree.blockTips({ from: new Uint8Array(0) })) {
    const state = tree.blockState(block)
    const labels = state?.labels
    const texts = (ids: readonly Id[] = []): readonly string[] => ids.map((id) => id.toHex()).toSorted()
    lines.push(
      [
        block.toHex(),
        texts(tips),
        texts(state?.heads.map(({ id }) => id)),
        state?.winner?.id.toHex(),
        texts(labels?.quarantine),
        texts(labels?.late),
        texts(labels?.pending)
      ].join(' ')
    )
  }
  lines.push((await zoneRoots(tree, crypto, root)).headsRoot.toHex())
  return lines.join('\n')
}
