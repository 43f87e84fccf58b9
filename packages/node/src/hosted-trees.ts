/**
 * Trees of other owners that this node keeps because an access line for them was accepted. Each has a store of its own
 * in `hosted/<tree id>/`, opened at its first use and closed with the node. Nothing of a tree that nobody accepted is
 * ever stored.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { formatId, parseId } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type Actor,
  createActor,
  createFiles,
  createSharing,
  type Files,
  type Sharing
} from '@blocktree/files'
import { createStore, type DiskStore, nodeDrivers, openStore } from '@blocktree/store'
import { type Clock, createTreeState, type Id, type Principal, type TreeState } from '@blocktree/tree'
import type { Configuration } from './configuration.ts'
import { type DataDirectory, syncDirectory } from './data-directory.ts'
import { namePaths } from './hosted-paths.ts'
import { createLazyTransfer, type LazyTransfer } from './lazy-transfer.ts'
import type { Log } from './log.ts'
import { NodeError, reasonOf } from './node-error.ts'
import type { PrincipalDirectory } from './principal-directory.ts'
import { addReceipts } from './receipt-signing.ts'
import { createTreeReindex } from './tree-reindex.ts'
import { releasedMs } from './version.ts'

const hostedTreesMax = 256 // each open one takes a few megabytes and a dozen file handles

/** A tree that is kept here, with all that works on it. */
export interface HeldTree {
  readonly id: Id
  /** Text of the id. */
  readonly name: string
  readonly isOwn: boolean
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly sharing: Sharing
  readonly transfer: LazyTransfer
  /** The same principal as in the own tree, with what it holds in this one. */
  actorOf(own: Actor): Actor
}

export interface HostedTrees {
  /** Texts of ids. */
  readonly names: readonly string[]
  isHosted(name: string): boolean
  /** undefined while it was not opened. */
  opened(name: string): HeldTree | undefined
  /** @throws ERR_TREE_NOT_HOSTED */
  open(name: string): Promise<HeldTree>
  /** Opens it, and makes an empty one first where there is none. @throws ERR_TREE_LIMIT */
  accept(tree: Id): Promise<HeldTree>
  /** Removes it with everything in it. @throws ERR_TREE_NOT_HOSTED, ERR_STORE_BUSY while it is in use */
  forget(name: string): Promise<void>
  /** Counts a use, during which the tree is not forgotten. */
  use<Result>(name: string, work: () => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export interface HostedTreesOptions {
  readonly directory: DataDirectory
  readonly configuration: Configuration
  readonly crypto: CryptoProvider
  readonly clock: Clock
  readonly log: Log
  readonly nameSecret: Uint8Array
  readonly principals: PrincipalDirectory
}

interface OpenTree extends HeldTree {
  close(): Promise<void>
}

export function createHostedTrees(options: HostedTreesOptions): HostedTrees {
  const folder = options.directory.hosted
  const names = new Set(listFolder(folder))
  const loading = new Map<string, Promise<OpenTree>>()
  const open = new Map<string, OpenTree>()
  const uses = new Map<string, number>()

  async function load(name: string): Promise<OpenTree> {
    const known = loading.get(name)
    if (known !== undefined) return known
    const opening = openTree(options, join(folder, name), name)
    loading.set(name, opening)
    try {
      const opened = await opening
      open.set(name, opened)
      return opened
    } catch (error) {
      loading.delete(name)
      throw error
    }
  }

  return {
    get names() {
      return [...names].sort()
    },
    isHosted: (name) => names.has(name),
    opened: (name) => open.get(name),
    async open(name) {
      if (!names.has(name)) throw notHosted(name)
      return load(name)
    },
    async accept(tree) {
      const name = formatId(tree)
      if (names.has(name)) return load(name)
      if (names.size >= hostedTreesMax) {
        throw new NodeError(
          'ERR_TREE_LIMIT',
          `${names.size} trees of others are kept here already; forget one first`
        )
      }
      makeFolder(folder, name)
      names.add(name)
      return load(name)
    },
    async forget(name) {
      if (!names.has(name)) throw notHosted(name)
      if ((uses.get(name) ?? 0) > 0)
        throw new NodeError('ERR_STORE_BUSY', `the tree ${name} is in use; forget it when that has ended`)
      names.delete(name)
      const opened = await loading.get(name)?.catch(() => undefined)
      loading.delete(name)
      open.delete(name)
      await opened?.close()
      removeFolder(folder, name)
    },
    async use(name, work) {
      uses.set(name, (uses.get(name) ?? 0) + 1)
      try {
        return await work()
      } finally {
        uses.set(name, (uses.get(name) ?? 1) - 1)
      }
    },
    async close() {
      for (const opening of loading.values()) await (await opening.catch(() => undefined))?.close()
      loading.clear()
      open.clear()
    }
  }
}

function notHosted(name: string): NodeError {
  return new NodeError(
    'ERR_TREE_NOT_HOSTED',
    `the tree ${name} is not kept here; accept an access line for it first ("blocktree accept LINE")`
  )
}

const forgottenPrefix = '.forgotten-'

/** Trees that are there; what was being removed when the node was killed goes now. */
function listFolder(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  const found: string[] = []
  for (const name of readdirSync(folder)) {
    if (name.startsWith(forgottenPrefix)) rmSync(join(folder, name), { recursive: true, force: true })
    else if (isTreeName(name)) found.push(name)
  }
  return found
}

export function isTreeName(text: string): boolean {
  if (text.length !== treeNameLength) return false
  try {
    return formatId(parseId(text)) === text
  } catch {
    return false
  }
}

/** Characters of a tree id as text: multibase base32 of a SHA-256 multihash. */
export const treeNameLength = 56

function makeFolder(folder: string, name: string): void {
  mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
  syncDirectory(folder)
}

function removeFolder(folder: string, name: string): void {
  const doomed = join(folder, forgottenPrefix + name)
  rmSync(doomed, { recursive: true, force: true })
  renameSync(join(folder, name), doomed)
  syncDirectory(folder)
  rmSync(doomed, { recursive: true, force: true })
}

async function openTree(options: HostedTreesOptions, place: string, name: string): Promise<OpenTree> {
  const { crypto, clock, log, configuration, principals } = options
  const id = parseId(name)
  const store = await openHostedStore(options, place)
  try {
    const tree = await createTreeState({ store, crypto, clock, releasedMs, refusesInsecure: true, tree: id })
    const nameSecret = crypto.hmacSha256(options.nameSecret, [
      new TextEncoder().encode('blocktree/local/hosted/1\0'),
      id
    ])
    const { durability, workers } = configuration.store
    const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret, durability })
    const transfer = createLazyTransfer({
      files,
      store,
      storeDirectory: place,
      dataDirectory: options.directory.path,
      nameSecret,
      ...(workers === undefined ? {} : { workers })
    })
    const actors = new HostedActors((principal) =>
      createActor({ tree, crypto, clock, principal, keepsFormerKeys: true })
    )
    const node = actors.of(principals.node)
    addReceipts(tree, { crypto, clock, node: () => actors.of(principals.node) })
    const held = {
      id,
      name,
      isOwn: false,
      store,
      tree,
      files,
      sharing: createSharing(files.context),
      transfer
    }
    if (tree.rootBlock !== undefined) await recover(held, node, log)
    return {
      ...held,
      actorOf: (own) => actors.of(own),
      async close() {
        await transfer.close()
        await store.flush()
        files.close()
        tree.close()
        await store.close()
        actors.close()
      }
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openHostedStore(
  { crypto, clock, log, configuration }: HostedTreesOptions,
  place: string
): Promise<DiskStore> {
  const options = {
    reindex: createTreeReindex({ crypto, clock }),
    segmentBytes: configuration.store.segmentBytes,
    reserveBytes: 0, // the own store keeps one on the same disk
    onFinding: (finding: object) =>
      log.error('damage was found in the store of a hosted tree', { place, finding })
  }
  try {
    return await openStore(nodeDrivers(place), options)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STORE_MISSING')) throw error
    return createStore(nodeDrivers(place), options)
  }
}

/** What a crash cut short, as far as this node may go on with it. */
async function recover(
  held: Pick<HeldTree, 'name' | 'store' | 'tree' | 'files' | 'sharing'>,
  node: Actor,
  log: Log
): Promise<void> {
  const { store, tree, files, sharing, name } = held
  try {
    await namePaths({ store, tree, files })
    await files.settleArrivals(node)
    for (const { error } of await files.resumeJobs(node)) {
      log.warn('recovery of a hosted tree', {
        tree: name,
        action: error === undefined ? 'finished a job' : reasonOf(error)
      })
    }
    await sharing.resume(node)
  } catch (error) {
    log.warn('a hosted tree could not go on with what was cut short', { tree: name, error })
  }
}

/** One actor in this tree for each in the own tree; they end with their key. */
class HostedActors {
  readonly #actorFor: (principal: Principal) => Actor
  readonly #actors = new Map<string, { readonly own: Actor; readonly here: Actor }>()

  constructor(actorFor: (principal: Principal) => Actor) {
    this.#actorFor = actorFor
  }

  of(own: Actor): Actor {
    const key = formatId(own.id)
    const known = this.#actors.get(key)
    if (known?.own === own) return known.here
    known?.here.close() // its key was locked and unlocked since
    const here = this.#actorFor(own.principal)
    this.#actors.set(key, { own, here })
    return here
  }

  close(): void {
    for (const { here } of this.#actors.values()) here.close()
    this.#actors.clear()
  }
}
