/** A tree with its root, a device and a reader, made from fixed seeds, for tests of the formats. */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import * as tree from '../src/index.ts'

export const crypto: CryptoProvider = createNativeProvider()

/** SHA-256 in counter mode: the same seed gives the same bytes. */
export function seededRandom(seed: string): Random {
  let counter = 0
  return {
    bytes(length) {
      const out = new Uint8Array(length)
      for (let offset = 0; offset < length; offset += 32) {
        const block = crypto.sha256(new TextEncoder().encode(`${seed}/${counter++}`))
        out.set(block.subarray(0, length - offset), offset)
      }
      return out
    }
  }
}

export const random: Random = seededRandom('tree tests')

export function principal(name: string): tree.Principal {
  const seeds = seededRandom(name)
  return tree.createPrincipal(crypto, { signSeed: seeds.bytes(32), kemSeed: seeds.bytes(32) })
}

export const root: tree.Principal = principal('root')
export const device: tree.Principal = principal('device')
export const reader: tree.Principal = principal('reader')
export const treeRecord: tree.TreeRecord = tree.createTree(crypto, root, {
  recovery: undefined,
  insecure: true,
  nonce: new Uint8Array(16).fill(7)
})
export const treeId: tree.Id = treeRecord.id

export interface Born {
  readonly birth: tree.Birth
  readonly birthBytes: Uint8Array
  readonly block: tree.Id
}

export function born(birth: tree.Birth): Born {
  const birthBytes = tree.encodeBirth(birth)
  return { birth, birthBytes, block: tree.blockId(crypto, birthBytes) }
}

export const rootBlock: Born = born(tree.rootBirth(treeId, root.id))

export function child(parent: Born, options: Partial<tree.Birth> = {}): Born {
  return born({
    tree: treeId,
    zone: tree.zoneOfChildren(parent.birth, parent.block),
    parent: parent.block,
    creator: root.id,
    kind: tree.blockKind.file,
    zoneRoot: false,
    public: false,
    rank: 0,
    nonce: random.bytes(16),
    ...options
  })
}

export function zoneBelow(parent: Born): Born {
  return child(parent, { kind: tree.blockKind.directory, zoneRoot: true })
}

export const epoch: { readonly record: tree.EpochRecord; readonly key: Uint8Array } = tree.createEpoch(
  { crypto, random },
  root,
  { tree: treeId, zone: rootBlock.block, previous: [], inherit: undefined, cap: undefined }
)

export const file: Born = child(rootBlock)
export const fileKey: tree.BlockKey = tree.blockKey(crypto, epoch.key, file.block, 0)

export const emptyPrivate: Omit<tree.HeaderPrivate, 'ext'> = {
  name: 'a.txt',
  metadata: tree.noMetadata,
  size: 0,
  rootKey: undefined
}

export function header(options: Partial<tree.HeaderDraft> = {}, of: Born = file): tree.HeaderRecord {
  const draft: tree.HeaderDraft = {
    birthBytes: of.birthBytes,
    birth: of.birth,
    block: of.block,
    version: 1,
    prev: [],
    state: tree.blockState.live,
    parent: of.birth.parent,
    epoch: epoch.record.id,
    keyVersion: 0,
    payload: undefined,
    cap: undefined,
    ...options
  }
  const key = tree.blockKey(crypto, epoch.key, of.block, draft.keyVersion)
  return tree.createHeader({ crypto, random }, root, draft, emptyPrivate, key)
}

export function cap(
  subject: tree.Principal,
  options: Partial<tree.CapBody> = {},
  from?: {
    readonly parent: tree.CapRecord
    readonly signer: tree.Principal
    readonly births?: readonly Born[]
  }
): tree.CapRecord {
  const draft = {
    tree: treeId,
    rootGeneration: 0,
    subject: subject.id,
    scopeType: tree.scopeType.zone,
    scopeBirth: rootBlock.birthBytes,
    rights: 0xff,
    depth: from === undefined ? 5 : from.parent.body.depth - 1,
    notBefore: undefined,
    notAfter: undefined,
    quota: undefined,
    nonce: random.bytes(16),
    ...options
  }
  if (from === undefined) return tree.issueCap(crypto, root, draft)
  return tree.issueCap(crypto, from.signer, draft, {
    parent: from.parent,
    zoneBirth: (zone) => from.births?.find(({ block }) => block.toHex() === zone.toHex())?.birth
  })
}

/** The code of the error that `run` throws; fails when it throws none of this package's or the codec's. */
export function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
  return 'nothing was thrown'
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  const index = (bit >> 3) % copy.length
  copy[index] = (copy[index] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Sectors by the hexadecimal form of their hash. */
export class SectorMap {
  readonly sectors: Map<string, Uint8Array> = new Map()
  readonly emit = (sector: tree.StoredSector): void => {
    this.sectors.set(sector.reference.toHex(), sector.bytes)
  }
  readonly read = (hash: tree.Id): Uint8Array | undefined => this.sectors.get(hash.toHex())
  get bytes(): number {
    let sum = 0
    for (const bytes of this.sectors.values()) sum += bytes.length
    return sum
  }
}
