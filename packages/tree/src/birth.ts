/**
 * Births: what a block was born as. The block id is the hash of these bytes, so a block can never change its tree,
 * zone, creator, kind or flags, and nobody can squat on its id (B.3).
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { domain } from './domain.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type { Birth, BlockKind, Id } from './records.ts'
import { blockKind } from './records.ts'
import { TreeError } from './tree-error.ts'

const zoneRootFlag = 1
const publicFlag = 2
const kinds: readonly BlockKind[] = Object.values(blockKind)

/** @throws ERR_BIRTH_FIELD when the fields contradict each other */
export function encodeBirth(birth: Birth): Uint8Array {
  checkBirth(birth)
  const writer = new CanonicalWriter(192).array(8).bin(birth.tree)
  writeOptionalId(writer, birth.zone)
  writeOptionalId(writer, birth.parent)
  writer.bin(birth.creator).uint(birth.kind)
  writer.uint((birth.zoneRoot ? zoneRootFlag : 0) | (birth.public ? publicFlag : 0))
  return writer.uint(birth.rank).bin(birth.nonce).finish()
}

/** @throws CodecError or ERR_BIRTH_FIELD */
export function decodeBirth(bytes: Uint8Array): Birth {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(8)
  const tree = readId(reader)
  const zone = readOptionalId(reader)
  const parent = readOptionalId(reader)
  const creator = readId(reader)
  const kindCode = reader.uint(255)
  const flags = reader.uint(zoneRootFlag | publicFlag)
  const rank = reader.uint(255)
  const nonce = reader.binExact(16)
  reader.end()
  const kind = kinds.find((known) => known === kindCode)
  if (kind === undefined) throw new TreeError('ERR_BIRTH_FIELD', `block kind ${kindCode} is not known`)
  const birth: Birth = {
    tree,
    zone,
    parent,
    creator,
    kind,
    zoneRoot: (flags & zoneRootFlag) !== 0,
    public: (flags & publicFlag) !== 0,
    rank,
    nonce
  }
  checkBirth(birth)
  return birth
}

function checkBirth(birth: Birth): void {
  const problem = birthProblem(birth)
  if (problem !== undefined) throw new TreeError('ERR_BIRTH_FIELD', `a birth is refused: ${problem}`)
}

function birthProblem(birth: Birth): string | undefined {
  if (birth.zoneRoot && birth.kind !== blockKind.directory) return 'only a directory can be a zone root'
  if (birth.public && !birth.zoneRoot) return 'only a zone root can be public'
  if ((birth.zone === undefined) !== (birth.parent === undefined)) {
    return 'zone and parent are absent together, in the root block alone'
  }
  if (birth.zone !== undefined) return undefined
  if (!birth.zoneRoot) return 'the root block is a zone root'
  if (birth.rank !== 0) return 'the root block has rank 0'
  return birth.nonce.every((byte) => byte === 0) ? undefined : 'the nonce of the root block is zero'
}

export function blockId(crypto: CryptoProvider, birthBytes: Uint8Array): Id {
  return crypto.sha256Parts([domain.blockId, birthBytes])
}

/** The birth of the root block is a function of the tree alone; `public` is the one choice. */
export function rootBirth(tree: Id, root: Id, options?: { readonly public?: boolean }): Birth {
  return {
    tree,
    zone: undefined,
    parent: undefined,
    creator: root,
    kind: blockKind.directory,
    zoneRoot: true,
    public: options?.public ?? false,
    rank: 0,
    nonce: new Uint8Array(16)
  }
}

/** The zone that a block belongs to: of the root block, itself. A zone root belongs to the outer zone. */
export function homeZone(birth: Birth, block: Id): Id {
  return birth.zone ?? block
}

/** The zone of the children of a directory. */
export function zoneOfChildren(directory: Birth, block: Id): Id {
  return directory.zoneRoot ? block : homeZone(directory, block)
}
