/** A tree made by `createTree`, with its files and sharing, and what the tests of sharing need around it. */
import {
  type BlockStore,
  type HeaderRecord,
  type Id,
  type Principal,
  type TreeState,
  ZoneKeyRing,
  createTreeState
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Actor, type Files, type NewTree, createFiles, createTree } from '../../src/index.ts'
import { type Sharing, createSharing } from '../../src/sharing/sharing.ts'
import { crypto, newClock, newPrincipal } from '../files-fixture.ts'

export { asText, crypto, failure, newPrincipal, text } from '../files-fixture.ts'

export interface World {
  readonly files: Files
  readonly sharing: Sharing
  readonly tree: TreeState
  readonly store: BlockStore
  readonly root: Principal
  readonly recovery: Principal
  readonly node: Principal
  /** The node's own principal, with every right. */
  readonly owner: Actor
  readonly rootActor: Actor
  readonly genesis: NewTree
  readonly clock: { now(): number; set(ms: number): void }
}

export async function newWorld(
  options: { readonly withRecovery?: boolean; readonly public?: boolean; readonly store?: BlockStore } = {}
): Promise<World> {
  const store = options.store ?? createMemoryStore()
  const clock = newClock()
  const [root, recovery, node] = [newPrincipal(), newPrincipal(), newPrincipal()]
  const tree = await createTreeState({ store, crypto, clock })
  const genesis = await createTree(
    { tree, crypto, random: crypto.random },
    {
      root,
      node,
      public: options.public ?? false,
      ...(options.withRecovery === true ? { recovery: recovery.id } : {})
    }
  )
  return { ...surround(tree, store, clock, node, root), root, recovery, node, genesis, clock }
}

/** The same store opened again, as after a crash. */
export async function reopen(world: World, store: BlockStore = world.store): Promise<World> {
  const tree = await createTreeState({ store, crypto, clock: world.clock })
  await tree.settled()
  return { ...world, ...surround(tree, store, world.clock, world.node, world.root) }
}

/** An empty node of somebody else. */
export async function newHost(
  world: World,
  principal: Principal
): Promise<Pick<World, 'files' | 'sharing' | 'tree' | 'store' | 'owner'>> {
  const store = createMemoryStore()
  const tree = await createTreeState({ store, crypto, clock: world.clock })
  return surround(tree, store, world.clock, principal, principal)
}

function surround(
  tree: TreeState,
  store: BlockStore,
  clock: World['clock'],
  node: Principal,
  root: Principal
): Pick<World, 'files' | 'sharing' | 'tree' | 'store' | 'owner' | 'rootActor'> {
  const nameSecret = new Uint8Array(32).fill(7)
  const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret })
  return {
    files,
    sharing: createSharing(files.context),
    tree,
    store,
    owner: files.actor(node),
    rootActor: files.actor(root)
  }
}

export async function blockAt({ files, owner }: Pick<World, 'files' | 'owner'>, path: string): Promise<Id> {
  return files.stat(owner, path).block
}

export async function winnerAt(
  world: Pick<World, 'files' | 'owner' | 'tree'>,
  path: string
): Promise<HeaderRecord> {
  const header = world.tree.blockState(await blockAt(world, path))?.winner
  if (header === undefined) throw new Error(`nothing at ${path}`)
  return header
}

/** Everything that the keys which a reader holds now will ever open, also in records that come later. */
export function hoard(world: Pick<World, 'tree'>, reader: Actor): ZoneKeyRing {
  const { authority } = world.tree
  const ring = new ZoneKeyRing(crypto, {
    epoch: (id) => authority.epoch(id),
    successors: (id) => {
      const zone = authority.epoch(id)?.body.zone
      if (zone === undefined) return []
      const name = (other: Id): string => String(other)
      return authority
        .epochsOf(zone)
        .filter(({ body }) => body.prev.some((prev) => name(prev) === name(id)))
        .map((later) => later.id)
    }
  })
  for (const record of world.tree.authorityRecords()) {
    if (record.type !== 6) continue
    const key = reader.zoneKey(record.id)
    if (key !== undefined) ring.add(record, key)
  }
  return ring
}

/** A store that stops for good after some commits, like a process that was killed. */
export function stoppingStore(inner: BlockStore, commits: number): BlockStore {
  let left = commits
  const stopped = (): Promise<void> => Promise.reject(new Error('the store has stopped'))
  return {
    index: inner.index,
    local: inner.local,
    readSector: (reference) => inner.readSector(reference),
    hasSector: (reference) => inner.hasSector(reference),
    readRecord: (id) => inner.readRecord(id),
    hasRecord: (id) => inner.hasRecord(id),
    records: () => inner.records(),
    commit: (batch, options) => {
      if (left-- <= 0) return stopped()
      return inner.commit(batch, options)
    },
    flush: () => (left < 0 ? stopped() : inner.flush()),
    close: () => inner.close()
  }
}
