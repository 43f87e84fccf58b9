/**
 * New files in bulk: everything that costs time (sealing, hashing, signing) as a pure function over plain values, so
 * that worker threads build thousands of small files and the main thread only checks names and commits.
 */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import {
  type BlockMetadata,
  type HeaderRecord,
  type Id,
  type Signer,
  type StoredSector,
  blockKind
} from '@blocktree/tree'
import type { WriteKey } from './actor.ts'
import { payloadAead, sealContent } from './content.ts'
import { nameKey } from './name-key.ts'
import type { WriterCap } from './writer-caps.ts'
import { newBirth, signFirstVersion } from './write-version.ts'

/** Where and under what a batch of files is made. Holds a zone key: hand it to own workers only. */
export interface BulkTarget {
  readonly tree: Id
  readonly directory: Id
  /** The zone of the directory's children. */
  readonly zone: Id
  readonly isPublic: boolean
  readonly cap: WriterCap
  readonly writeKey: WriteKey
}

export interface FileRecipe {
  /** In NFC and checked: what `isValidName` accepts. */
  readonly name: string
  readonly metadata: BlockMetadata
  readonly kind: 'file' | 'symlink'
  /** The content, or for a symbolic link the UTF-8 of its target. */
  readonly bytes: Uint8Array
  readonly sectorLog2: number
}

export interface PreparedFile {
  readonly block: Id
  readonly name: string
  readonly size: number
  readonly header: HeaderRecord
  readonly inline: Uint8Array | undefined
  readonly sectors: readonly StoredSector[]
  readonly nameKey: Uint8Array
}

/** @param nameSecret the secret of the node's name index, as given to `createFiles` */
export function buildFileRecords(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  signer: Signer,
  nameSecret: Uint8Array,
  target: BulkTarget,
  recipe: FileRecipe
): PreparedFile {
  const block = {
    tree: target.tree,
    zone: target.zone,
    parent: target.directory,
    kind: recipe.kind === 'file' ? blockKind.file : blockKind.symlink,
    cap: target.cap,
    writeKey: target.writeKey,
    name: recipe.name,
    metadata: recipe.metadata
  }
  const birth = newBirth(deps, signer.id, block)
  const content = sealContent(
    deps,
    { block: birth.block, aead: payloadAead(target.isPublic), sectorLog2: recipe.sectorLog2 },
    recipe.bytes
  )
  const { header } = signFirstVersion(deps, signer, block, birth, content)
  return {
    block: birth.block,
    name: recipe.name,
    size: content.size,
    header,
    inline: content.inline,
    sectors: content.sectors,
    nameKey: nameKey(deps.crypto, nameSecret, target.zone, recipe.name)
  }
}
