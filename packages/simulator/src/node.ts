/**
 * One process of a node: the real store, tree, files, replication, cluster and coordinator, over a simulated machine, a
 * simulated network and simulated time. Opened as the node opens them; nothing in it knows that it is simulated.
 */
import {
  type AddressStore,
  Gate,
  type LocalNode,
  PeerDirectory,
  RequestRouter,
  type StandingSource,
  openAddressBook
} from '@blocktree/cluster'
import { BuiltinCoordinator, type Coordinator, FileRaftStorage } from '@blocktree/coordinator'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Actor, type Files, type Sharing, createFiles, createSharing } from '@blocktree/files'
import type { Network } from '@blocktree/network'
import type { MemoryNetwork, VirtualTime } from '@blocktree/network/memory'
import {
  ArrivingNames,
  createCoordinatorLink,
  createFileLocks,
  FenceFloor,
  createTreeReindex,
  type FileLocks
} from '@blocktree/node'
import { type DiskStore, openStore } from '@blocktree/store'
import { TreeSync } from '@blocktree/sync'
import { type EndpointRecord, type Principal, type TreeState, createTreeState, right } from '@blocktree/tree'
import { nameSecret, sectorLog2, storeOptions } from './founding.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'
import type { Sabotage } from './sabotage.ts'
import { seededCrypto } from './seeded-crypto.ts'
import { serveSync } from './serve-sync.ts'

export interface NodeIdentity {
  readonly name: string
  readonly principal: Principal
  readonly transportKey: Uint8Array
  readonly endpoint: EndpointRecord
}

export interface NodeWorld {
  readonly time: VirtualTime
  readonly hub: MemoryNetwork
  readonly crypto: CryptoProvider
  readonly treeId: Uint8Array
  readonly rootBlock: Uint8Array
  readonly members: readonly NodeIdentity[]
  /** The code is broken on purpose: the invariants have to notice. */
  readonly sabotage: Sabotage | undefined
  /** Told when one node tells another that it lacks what it gave it before. */
  readonly told: (node: string, lacking: readonly Uint8Array[]) => void
  /** Told of what a node would write into its log as a warning. */
  readonly note: (node: string, message: string) => void
}

export interface SimulatedNode {
  readonly identity: NodeIdentity
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly owner: Actor
  readonly sync: TreeSync
  readonly directory: PeerDirectory
  readonly coordinator: Coordinator
  readonly sharing: Sharing
  /** Locks on files, whose tokens writes are judged by. */
  readonly locks: FileLocks
  /** Wall clock of the machine. */
  readonly clock: { now(): number }
  readonly random: SeededRandom
  /** An orderly end, as of SIGTERM. */
  close(): Promise<void>
}

export interface NodeStart {
  readonly world: NodeWorld
  readonly identity: NodeIdentity
  readonly machine: Machine
  readonly random: SeededRandom
  /** Wall clock of this machine. */
  readonly wallClock: () => number
  /** The node that began the cluster. */
  readonly isFirst: boolean
}

export async function startNode(start: NodeStart): Promise<SimulatedNode> {
  const { world, identity, machine, random } = start
  const crypto = seededCrypto(world.crypto, random)
  const clock = { now: start.wallClock }
  const reindex = createTreeReindex({ crypto, clock })
  const drivers = machine.drivers(random)
  const disk = world.sabotage?.disk?.(drivers.files) ?? drivers.files
  const store = await openStore({ ...drivers, files: disk }, { ...storeOptions, reindex })
  const tree = await createTreeState({ store, crypto, clock })
  const files = createFiles({ tree, store, crypto, random, clock, nameSecret, limits: { sectorLog2 } })
  const owner = files.actor(identity.principal)
  await files.settleArrivals(owner)
  await files.indexNames(owner, tree.unnamedBlocks()) // of arrivals before a crash
  for (const { error } of await files.resumeJobs(owner)) {
    if (error !== undefined) throw new Error('a job that was cut short cannot go on', { cause: error })
  }
  const sharing = createSharing(files.context)
  await sharing.resume(owner)
  const names = new ArrivingNames(
    { tree, store, files },
    () => owner,
    (error) => world.note(identity.name, `names of arrivals: ${String(error)}`),
    (milliseconds, callback) => world.time.start(milliseconds, callback)
  )
  const sync = await openSync(start, { crypto, store, tree, files, owner, names })
  const network = world.hub.join({ name: identity.name, localKey: identity.transportKey })
  const { directory, router } = await openDirectory(start, crypto, tree, network)
  if (world.sabotage?.isDeaf?.(identity.name) !== true) {
    serveSync(router, directory, sync, (lacking) => world.told(identity.name, lacking))
  }
  const link = createCoordinatorLink({ directory, router })
  const coordinator = await BuiltinCoordinator.open({
    self: identity.principal.id.toHex(),
    link,
    storage: new FileRaftStorage(machine.coordinatorFiles()),
    clock: world.time,
    random: () => random.number(),
    first: start.isFirst,
    failed: (error) => world.note(identity.name, `the coordinator stopped: ${String(error)}`)
  })
  directory.addNetwork(network)
  const locks = createFileLocks({
    coordinator: { get: () => Promise.resolve(coordinator) },
    rows: store,
    floor: new FenceFloor(store)
  })
  return {
    identity,
    store,
    tree,
    files,
    owner,
    sync,
    directory,
    coordinator,
    sharing: world.sabotage?.sharing?.(sharing) ?? sharing,
    locks: world.sabotage?.locks?.(locks) ?? locks,
    clock,
    random,
    async close() {
      await coordinator.close()
      link.close()
      await sync.close()
      await names.close()
      await directory.close()
      await network.close()
      await store.flush()
      files.close()
      tree.close()
      await store.close()
    }
  }
}

interface OpenTree {
  readonly crypto: CryptoProvider
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly owner: Actor
  readonly names: ArrivingNames
}

async function openSync(
  { world, identity, random, wallClock }: NodeStart,
  open: OpenTree
): Promise<TreeSync> {
  const { crypto, store, tree, names } = open
  const { principal } = identity
  return await TreeSync.open({
    treeId: world.treeId,
    ports: {
      tree: world.sabotage?.replicated?.(tree) ?? tree,
      store,
      crypto,
      clock: { now: wallClock },
      random,
      pace: {
        now: () => world.time.now(),
        after: (milliseconds, callback) => world.time.start(milliseconds, callback)
      },
      self: {
        principal: principal.id,
        signer: () => principal,
        promiseCap: (zone) => tree.capFor(principal.id, { block: zone, home: zone, rights: right.host }),
        hostCap: (zone) => tree.capFor(principal.id, { block: zone, home: zone, rights: right.host })
      },
      onArriving: () => names.begin(),
      onArrived: (blocks) => names.add(blocks),
      onNote: ({ message, details }) => world.note(identity.name, `${message} ${JSON.stringify(details)}`)
    }
  })
}

async function openDirectory(
  { world, identity, random, wallClock }: NodeStart,
  crypto: CryptoProvider,
  tree: TreeState,
  network: Network
): Promise<{ directory: PeerDirectory; router: RequestRouter }> {
  const { time } = world
  const timers = { now: wallClock, start: time.start.bind(time) }
  const home = world.rootBlock
  const isHost = (id: Uint8Array): boolean =>
    tree.capFor(id, { block: home, home, rights: right.host }) !== undefined
  const standing: StandingSource = {
    standingOf: (id) => (isHost(id) ? 'member' : 'stranger'),
    share: () => true,
    standingIn: (_tree, id) => (isHost(id) ? 'member' : 'stranger'),
    members: () =>
      world.members.map((one) => one.principal.id).filter((id) => id !== identity.principal.id && isHost(id))
  }
  const book = await openAddressBook({ crypto, now: wallClock, store: forgetfulStore() })
  for (const one of world.members) {
    if (one !== identity) await book.learn(one.principal.record, one.endpoint)
  }
  const gate = new Gate({ now: wallClock, knows: (key) => book.knows(key), opensToStrangers: () => false })
  const router = new RequestRouter({
    standing,
    timers,
    penalize: (peer, penalty) => void gate.penalize(peer.connection.remoteKey, penalty)
  })
  const local: LocalNode = {
    principal: identity.principal,
    endpoint: () => identity.endpoint,
    treesFor: () => [],
    features: []
  }
  expectKey(network, identity)
  const deps = { crypto: { ...crypto, random }, timers, local, standing, book, gate, router }
  return { directory: new PeerDirectory(deps), router }
}

function expectKey(network: Network, identity: NodeIdentity): void {
  if (network.localKey.toHex() !== identity.transportKey.toHex())
    throw new Error('the network has another key')
}

/** Addresses are told at every start. */
function forgetfulStore(): AddressStore {
  return { load: () => Promise.resolve([]), save: () => Promise.resolve() }
}
