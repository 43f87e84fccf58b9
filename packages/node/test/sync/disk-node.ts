/** A node reduced to what replication needs, over a real store on disk; joined to others over the network in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatId } from '@blocktree/codec'
import { type CryptoProvider, createPrincipalSecret } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  type Actor,
  type IssuedGrant,
  allRights,
  createActor,
  createFiles,
  createSharing,
  createTree
} from '@blocktree/files'
import type { Connection, Network } from '@blocktree/network'
import type { MemoryNetwork } from '@blocktree/network/memory'
import { createStore, nodeDrivers, openStore } from '@blocktree/store'
import { createPrincipal, createTreeState, type Id, type Principal } from '@blocktree/tree'
import { collectStore } from '../../src/collect-store.ts'
import type { HeldTree } from '../../src/hosted-trees.ts'
import { createLog } from '../../src/log.ts'
import { NodeSync, type SyncSettings } from '../../src/sync/node-sync.ts'
import { createTreeReindex } from '../../src/tree-reindex.ts'

export const crypto: CryptoProvider = createNativeProvider()
const clock = { now: Date.now }

export function newPrincipal(): Principal {
  return createPrincipal(crypto, createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32)))
}

export interface DiskNode {
  readonly name: string
  readonly principal: Principal
  readonly directory: string
  readonly held: HeldTree
  readonly actor: Actor
  readonly network: Network
  readonly sync: NodeSync
  readonly connections: Set<Connection>
  /** Closes everything; the data stays. */
  stop(): Promise<void>
  /** Removes the data too. */
  remove(): void
}

export interface DiskNodeOptions {
  readonly name: string
  readonly hub: MemoryNetwork
  /** Tells who is behind a transport key. */
  readonly known: Map<string, Id>
  readonly principal?: Principal
  /** Of the tree to hold; undefined: a new one is made. */
  readonly tree?: Id
  readonly directory?: string
  readonly settings?: Partial<SyncSettings>
  /** Whether its store is collected when content was let go; default true. */
  readonly collects?: boolean
}

export async function startDiskNode(options: DiskNodeOptions): Promise<DiskNode> {
  const { name, hub, known } = options
  const principal = options.principal ?? newPrincipal()
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), `blocktree-sync-${name}-`))
  const reindex = createTreeReindex({ crypto, clock })
  const drivers = nodeDrivers(directory)
  const store =
    options.directory === undefined
      ? await createStore(drivers, { reindex, reserveBytes: 0 })
      : await openStore(drivers, { reindex, reserveBytes: 0 })
  const tree = await createTreeState({
    store,
    crypto,
    clock,
    ...(options.tree === undefined ? {} : { tree: options.tree })
  })
  const nameSecret = crypto.sha256(principal.id)
  const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret })
  if (options.tree === undefined && tree.tree === undefined)
    await createTree({ crypto, random: crypto.random, tree }, { root: newPrincipal(), node: principal })
  const id = options.tree ?? tree.tree
  if (id === undefined) throw new Error('no tree was made')
  const actor = createActor({ tree, crypto, clock, principal, keepsFormerKeys: true })
  const held: HeldTree = {
    id,
    name: formatId(id),
    isOwn: true,
    store,
    tree,
    files,
    sharing: createSharing(files.context),
    transfer: {
      get: () => Promise.reject(new Error('no transfer in this test')),
      sealer: { seal: () => undefined },
      close: () => Promise.resolve()
    },
    actorOf: (own) => own
  }
  await files.settleArrivals(actor)
  const sync = new NodeSync({
    trees: { own: held, held: () => Promise.resolve(held), hosted: { names: [], isHosted: () => false } },
    principals: { holdsKeyOf: () => false, node: actor, nameOf: formatId },
    crypto,
    clock,
    log: createLog({ level: 'error', format: 'json', now: Date.now, write: () => undefined }),
    collect: async (tree_, signal) => {
      if (options.collects === false) return 0
      const bulkWrites = { during: (work: () => Promise<never>) => work(), idle: () => Promise.resolve() }
      const choice = { minimumLive: 0.75, dropRemoved: false }
      return (await collectStore({ bulkWrites, crypto }, tree_, choice, { signal })).freedBytes
    },
    settings: {
      content: 'all',
      cacheBytes: 1024 ** 3,
      absentMs: 86_400_000,
      uploadRate: 0,
      downloadRate: 0,
      receipts: true,
      ...options.settings
    }
  })
  const localKey = crypto.sha256(principal.id)
  known.set(localKey.toHex(), principal.id)
  const network = hub.join({ name, localKey })
  const connections = new Set<Connection>()
  const node: DiskNode = {
    name,
    principal,
    directory,
    held,
    actor,
    network,
    sync,
    connections,
    async stop() {
      await sync.close()
      await network.close()
      await store.flush()
      files.close()
      tree.close()
      actor.close()
      await store.close()
    },
    remove: () => rmSync(directory, { recursive: true, force: true })
  }
  network.onConnection((connection) => greet(node, known, connection))
  return node
}

/** In place of the hello: the test knows who is behind a key. */
function greet(node: DiskNode, known: Map<string, Id>, connection: Connection): void {
  const principal = known.get(connection.remoteKey.toHex())
  if (principal === undefined) throw new Error('a connection of nobody')
  node.connections.add(connection)
  void connection.closed.then(() => node.connections.delete(connection))
  connection.serve(node.sync.handlersFor({ connection, principal }))
  node.sync.addPeer({ connection, principal })
}

export async function connect(from: DiskNode, to: DiskNode, known: Map<string, Id>): Promise<void> {
  const [address] = to.network.addresses()
  if (address === undefined) throw new Error('the node has no address')
  greet(from, known, await from.network.dial(address))
}

/** What `node join` does: caps and keys for another node of the same owner. */
export async function admit(owner: DiskNode, other: Principal): Promise<IssuedGrant> {
  await owner.held.tree.commitLocal({ records: [{ record: other.record }] })
  await owner.held.sharing.issueWriteCap(owner.actor, { path: '/', to: other.record, rights: allRights & ~8 })
  return await owner.held.sharing.issueGrant(owner.actor, { path: '/', to: { principal: other.record } })
}
