/**
 * What every operation works with: the tree and store, the ports, the caches and the settings, and the few
 * look-ups that all of them share. Made once by `createFiles`; holds no key of its own.
 */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import type {
  BlockStore,
  BlockSummary,
  Clock,
  Durability,
  HeaderPrivate,
  HeaderRecord,
  Id,
  PayloadReader,
  TreeState
} from '@blocktree/tree'
import { TreeError, blockKind, openHeader } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { CreateLane } from './create-lane.ts'
import type { DirectoryCache } from './directory-cache.ts'
import type { Exposure } from './exposure.ts'
import { FilesError } from './files-error.ts'
import { idKey } from './id-key.ts'
import type { LruCache } from './lru-cache.ts'
import type { NameKeyMaker } from './name-key.ts'

/** @returns the plaintext with its padding; ERR_SECTOR_SEALED (a TreeError) when it does not open */
export type OpenSector = (aead: number, key: Uint8Array, sealed: Uint8Array) => Promise<Uint8Array>

export interface FilesContext {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly clock: Clock
  readonly names: NameKeyMaker
  readonly durability: Durability
  /** Opened private parts by header record id. */
  readonly opened: LruCache<string, HeaderPrivate>
  /** Readers of the versions that were read last, by header record id; ranged reads go on with them. */
  readonly readers: LruCache<string, PayloadReader>
  readonly sectorLog2: number
  readonly exposure: Exposure
  /** As `Actor.writeKey`, after the key was changed where that is due and the actor's to do. */
  readonly safeWriteKey: (actor: Actor, zone: Id, path: string) => ReturnType<Actor['writeKey']>
  /** Records of one batch of a long operation. */
  readonly batchRecords: number
  /** Opens sealed sectors in another thread; see `FilesOptions.openSector`. */
  readonly openSector: OpenSector | undefined
  readonly directories: DirectoryCache
  /** Seals many small new files in another thread; see `FilesOptions.sealer`. */
  readonly lane: CreateLane | undefined
}

/** A block as the index knows it and its winning header, not yet opened. */
export interface Located {
  readonly summary: BlockSummary
  readonly header: HeaderRecord
  /** Effective version of the winner. */
  readonly version: number
}

export function rootBlock(context: FilesContext): Id {
  const root = context.tree.rootBlock
  if (root === undefined)
    throw new FilesError('ERR_FILE_NOT_FOUND', 'there is no tree here yet: create or import one first')
  return root
}

/**
 * undefined when no valid header of the block is held.
 * @param keep false passes by the caches: for one who reads very many, each once
 */
export function locate(context: FilesContext, block: Id, keep = true): Located | undefined {
  const summary = context.tree.blockSummary(block)
  const winner = summary?.heads[0]
  if (summary === undefined || winner === undefined) return undefined
  const header = context.tree.header(winner.id, keep)
  return header === undefined ? undefined : { summary, header, version: winner.version }
}

/**
 * The private part of a header, for this actor; undefined when it holds no key for it. The opened text is shared
 * between actors, the check that this one holds the key is not.
 * @param keep as for `locate`
 */
export function openFor(
  context: FilesContext,
  actor: Actor,
  header: HeaderRecord,
  keep = true
): HeaderPrivate | undefined {
  const isPublic = header.body.epoch === undefined
  if (!isPublic && !actor.canOpen(header.body)) return undefined
  const cacheKey = idKey(header.id)
  const known = context.opened.get(cacheKey)
  if (known !== undefined) return known
  try {
    const opened = openHeader(context.crypto, header.body, isPublic ? undefined : actor.blockKey(header.body))
    if (keep) context.opened.set(cacheKey, opened)
    return opened
  } catch (error) {
    // a hostile writer may seal what no reader can use: shown as unreadable, never a reason to fail a listing
    if (error instanceof TreeError) return undefined
    throw error
  }
}

/**
 * True when the actor may be told that this block is there: it reads the directory that shows it, what is in it, or the
 * block itself. Whoever passes through directories that are closed to it learns nothing of them on the way.
 */
export function mayKnowOf(context: FilesContext, actor: Actor, summary: BlockSummary): boolean {
  if (summary.shownParent === undefined || canReadZone(context, actor, summary.zone)) return true
  if (summary.kind === blockKind.directory && canReadZone(context, actor, zoneOfChildren(summary)))
    return true
  const located = locate(context, summary.block)
  return located !== undefined && openFor(context, actor, located.header) !== undefined
}

/** In the same words whether it is there or not. */
export function accessDenied(path: string): FilesError {
  return new FilesError('ERR_ACCESS_DENIED', `"${path}": no grant of yours opens it: ask its owner for one`, {
    path
  })
}

/** The zone of the children of a directory, from its summary alone. */
export function zoneOfChildren(summary: Pick<BlockSummary, 'block' | 'zone' | 'zoneRoot'>): Id {
  return summary.zoneRoot ? summary.block : summary.zone
}

/** True when headers in this zone stand in clear. */
export function isPublicZone(context: FilesContext, zone: Id): boolean {
  return context.tree.authority.zoneBirth(zone)?.birth.public ?? false
}

/** True when the actor can read what is in the zone, or was: a current epoch opens, or else any. */
export function canReadZone(context: FilesContext, actor: Actor, zone: Id): boolean {
  if (isPublicZone(context, zone) || actor.writeKey(zone) !== undefined) return true
  return context.tree.authority.epochsOf(zone).some((epoch) => actor.zoneKey(epoch.id) !== undefined)
}
