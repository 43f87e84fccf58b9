/**
 * What the parts of a stored tree work on together: the ports, the authority records in memory, the cap chains over
 * them and the held headers and rows. Made once by ./stored-tree.ts.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { AcceptanceContext } from './acceptance.ts'
import { Authority } from './authority.ts'
import { blockId, decodeBirth } from './birth.ts'
import { CapChains } from './cap-chain.ts'
import { HeldIndex } from './held-index.ts'
import type { BlockStore, Clock } from './ports.ts'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'
import type { NameKeys, TreeStateOptions } from './tree-state.ts'

const headerCacheCountDefault = 4096

export interface TreeParts {
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly clock: Clock
  /** When this release was built; 0 when nobody said. */
  readonly releasedMs: number
  readonly names: NameKeys | undefined
  readonly authority: Authority
  readonly chains: CapChains
  readonly held: HeldIndex
  /** What the static check of a record looks at. */
  readonly context: AcceptanceContext
}

export function createTreeParts(options: TreeStateOptions): TreeParts {
  const { store, crypto, clock, names, releasedMs = 0, headerCacheCount = headerCacheCountDefault } = options
  const authority = new Authority()
  const chains = new CapChains(authority, crypto)
  const held = new HeldIndex({ store, crypto, headerCacheCount }, authority, chains)
  const context: AcceptanceContext = {
    authority,
    chains,
    crypto,
    homeOf: (block) => held.blockRow(block)?.zone
  }
  return { store, crypto, clock, releasedMs, names, authority, chains, held, context }
}

/** Takes the birth of a zone into memory. @returns the zone when it is new and of this tree */
export function addZoneBirth({ authority, crypto }: TreeParts, bytes: Uint8Array): Id | undefined {
  const birth = decodeBirth(bytes)
  const zone = blockId(crypto, bytes)
  if (!birth.zoneRoot || authority.zoneBirth(zone) !== undefined) return undefined
  const { tree } = authority
  if (tree !== undefined && !equalBytes(birth.tree, tree.id)) return undefined
  if (birth.zone === undefined && tree !== undefined && !equalBytes(birth.creator, tree.body.root))
    return undefined
  authority.addZoneBirth({ zone, birth, bytes })
  return zone
}

/** For what a row of the index names and the store does not hold. */
export function missingRecord(what: string): TreeError {
  return new TreeError('ERR_RECORD_MISSING', `${what} is not held: run check --rebuild-index`)
}

export function includesId(ids: readonly Id[], id: Id): boolean {
  return ids.some((other) => equalBytes(other, id))
}
