/** The tree that every run begins with: a root, and nodes with every right over it, all of which hold the same records. */
import type { CryptoProvider } from '@blocktree/crypto'
import { createFiles, createSharing, createTree } from '@blocktree/files'
import { createStore } from '@blocktree/store'
import { type Id, type Principal, createPrincipal, createTreeState, right } from '@blocktree/tree'
import { Machine } from './machine.ts'
import { type SeededRandom, createSeededRandom } from '@blocktree/crypto/seeded-random'

export interface Founding {
  readonly treeId: Id
  readonly rootBlock: Id
  readonly principals: ReadonlyMap<string, Principal>
  /** A file on which locks are taken. */
  readonly lockedBlock: Id
  /** Directories that are moved about. */
  readonly movedBlocks: readonly Id[]
  /** A machine with all of it, to be copied. */
  readonly machine: Machine
}

export const storeOptions: { readonly segmentBytes: number; readonly reserveBytes: number } = {
  segmentBytes: 64 * 1024,
  reserveBytes: 0
}
export const lockedPath = '/shared/locked'
export const sectorLog2 = 12
export const nameSecret: Uint8Array = new Uint8Array(32).fill(7)
const allRights: number = Object.values(right).reduce((sum, bit) => sum | bit, 0)

export async function found(
  names: readonly string[],
  crypto: CryptoProvider,
  seed: string,
  startMs: number
): Promise<Founding> {
  const random = createSeededRandom(`${seed} founding`)
  const clock = { now: () => startMs }
  const principals = new Map(names.map((name) => [name, principalNamed(crypto, name)]))
  const [first] = principals.values()
  if (first === undefined) throw new RangeError('a cluster has at least one node')
  const machine = new Machine()
  const store = await createStore(machine.drivers(random), storeOptions)
  const tree = await createTreeState({ store, crypto, clock })
  const root = principalNamed(crypto, 'root 0')
  const made = await createTree(
    { tree, crypto, random },
    { root, node: first, insecure: true, recovery: principalNamed(crypto, 'recovery 0').id }
  )
  const files = createFiles({ tree, store, crypto, random, clock, nameSecret, limits: { sectorLog2 } })
  const sharing = createSharing(files.context)
  const owner = files.actor(root)
  for (const principal of principals.values()) {
    if (principal === first) continue
    await sharing.issueGrant(owner, { path: '/', to: { principal: principal.record } })
    await sharing.issueWriteCap(owner, { path: '/', to: principal.record, rights: allRights, depth: 3 })
  }
  await files.makeDirectory(owner, '/own')
  await files.makeDirectory(owner, '/shared')
  await files.makeDirectory(owner, '/guests') // a share of its own, as all below the root
  const { block: lockedBlock } = await files.create(owner, lockedPath, new Uint8Array(0))
  const movedBlocks: Id[] = []
  for (const name of ['a', 'b', 'c', 'd']) {
    await files.makeDirectory(owner, `/shared/${name}`)
    movedBlocks.push(files.stat(owner, `/shared/${name}`).block)
  }
  files.close()
  tree.close()
  await store.close()
  return { treeId: made.tree.id, rootBlock: made.rootBlock, principals, lockedBlock, movedBlocks, machine }
}

/** The same name is the same principal, in every run. */
export function principalNamed(crypto: CryptoProvider, name: string): Principal {
  const random: SeededRandom = createSeededRandom(`principal ${name}`)
  return createPrincipal(crypto, { signSeed: random.bytes(32), kemSeed: random.bytes(32) })
}
