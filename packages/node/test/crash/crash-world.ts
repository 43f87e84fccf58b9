/** The whole core as the node joins it, over a machine in memory, with the small tree that every sequence begins with. */
import type { Id, Principal, TreeState } from '@blocktree/tree'
import { createPrincipal, createTreeState, right } from '@blocktree/tree'
import type { CryptoProvider } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  type Actor,
  createFiles,
  createSharing,
  createTree,
  type Files,
  type Sharing
} from '@blocktree/files'
import { createStore, type DiskStore, openStore, type StoreOptions } from '@blocktree/store'
import { namePaths } from '../../src/hosted-paths.ts'
import { createTreeReindex } from '../../src/tree-reindex.ts'
import { driversOf, emptyMachine, type Image, imageOf, type Machine, startFrom } from './memory-machine.ts'
import { type SeededRandom, createSeededRandom } from '@blocktree/crypto/seeded-random'

export const crypto: CryptoProvider = createNativeProvider()
export type PrincipalName = 'root' | 'node' | 'reader' | 'second' | 'writer' | 'recovery' | 'heir'
export const people: Readonly<Record<PrincipalName, Principal>> = makePeople()

let now = 1_800_000_000_000
export const clock = { now: (): number => now++ }

export interface World {
  readonly machine: Machine
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly sharing: Sharing
  readonly random: SeededRandom
  /** The node's own principal, with every right; in a hosted tree the member. */
  readonly owner: Actor
}

/** Content that its seed repeats. */
export function content(seed: string, length: number): Uint8Array {
  return createSeededRandom(`content ${seed}`).bytes(length)
}

const storeOptions: StoreOptions = {
  reindex: createTreeReindex({ crypto, clock }),
  segmentBytes: 12_000, // a few sectors, so that sequences begin new segments and collections free some
  reserveBytes: 0
}
export const sectorLog2 = 12

/** Somebody else's tree, kept for one of its members. */
export interface Hosting {
  readonly tree: Id
  readonly member: Principal
}

/**
 * Opens what lies on the machine; the first steps of a start, without the resumption of jobs.
 * @param isNew makes the store, and the tree in it unless that is of somebody else
 */
export async function openWorld(
  machine: Machine,
  seed: string,
  isNew = false,
  hosting?: Hosting
): Promise<World> {
  const random = createSeededRandom(`${seed} process ${machine.process}`)
  const store = await (isNew ? createStore : openStore)(driversOf(machine, random), storeOptions)
  const tree = await createTreeState({ store, crypto, clock, ...(hosting && { tree: hosting.tree }) })
  if (isNew && hosting === undefined) {
    const { root, node, recovery } = people
    await createTree({ tree, crypto, random }, { root, node, recovery: recovery.id })
  }
  const nameSecret = new Uint8Array(32).fill(7)
  const files = createFiles({ tree, store, crypto, random, clock, nameSecret, limits: { sectorLog2 } })
  return {
    machine,
    store,
    tree,
    files,
    sharing: createSharing(files.context),
    random,
    owner: files.actor(hosting?.member ?? people.node)
  }
}

/** A start after a crash, with everything that the node does then (`finishRecovery`, for a hosted tree `recover`). */
export async function recoverWorld(machine: Machine, seed: string, hosting?: Hosting): Promise<World> {
  const world = await openWorld(machine, seed, false, hosting)
  const { files, sharing, owner, tree } = world
  if (tree.rootBlock === undefined) return world
  if (hosting !== undefined) await namePaths(world)
  await files.settleArrivals(owner)
  for (const { error } of await files.resumeJobs(owner))
    if (error !== undefined) throw new Error('a job could not be resumed', { cause: error })
  await sharing.resume(owner)
  return world
}

/** `/plain` with two files and a filled directory, `/zone` shared with a reader and open to a writer. */
export async function firstImage(): Promise<Image> {
  const world = await openWorld(emptyMachine(), 'first', true)
  const { files, sharing, owner, store } = world
  await files.makeDirectory(owner, '/plain', { plain: true })
  await files.create(owner, '/plain/a', content('a1', 60))
  await files.write(owner, '/plain/a', 0, content('a2', 60))
  await files.create(owner, '/plain/b', content('b', 6000))
  await files.makeDirectory(owner, '/plain/d')
  for (const name of ['x', 'y']) await files.create(owner, `/plain/d/${name}`, content(name, 50))
  await files.makeDirectory(owner, '/zone', { zone: true })
  await files.create(owner, '/zone/s', content('s', 50))
  await sharing.issueGrant(owner, { path: '/zone', to: { principal: people.reader.record } })
  for (const who of ['second', 'writer'] as const)
    await sharing.issueGrant(owner, { path: '/zone', to: { principal: people[who].record } })
  await sharing.issueWriteCap(owner, {
    path: '/zone',
    to: people.writer.id,
    rights: right.write | right.create
  })
  await files.create(files.actor(people.writer), '/zone/w', content('w', 50))
  // An upload that was cut short: sectors that nothing names.
  const garbage = Array.from({ length: 4 }, (_, index) => content(`garbage ${index}`, 4000))
  await store.commit({ sectors: garbage.map((bytes) => ({ reference: crypto.sha256(bytes), bytes })) })
  await files.create(owner, '/plain/c', content('c', 5000))
  await store.close()
  return imageOf(world.machine)
}

export async function nextProcess(image: Image, seed: string, hosting?: Hosting): Promise<World> {
  return openWorld(await startFrom(image), seed, false, hosting)
}

function makePeople(): Readonly<Record<PrincipalName, Principal>> {
  const make = (name: PrincipalName): Principal => {
    const random = createSeededRandom(`principal ${name}`)
    return createPrincipal(crypto, { signSeed: random.bytes(32), kemSeed: random.bytes(32) })
  }
  return {
    root: make('root'),
    node: make('node'),
    reader: make('reader'),
    second: make('second'),
    writer: make('writer'),
    recovery: make('recovery'),
    heir: make('heir')
  }
}
