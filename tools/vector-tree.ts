/** A small tree made from fixed seeds, for the vectors of the records, the payload and the keys. */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import * as tree from '@blocktree/tree'
import { hex } from './vector-page.ts'

export const crypto: CryptoProvider = createNativeProvider()

/** Bytes of SHA-256(seed "/" counter), counter from 0 in decimal: reproducible in any language. */
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

export interface SeededPrincipal extends tree.Principal {
  readonly signSeed: Uint8Array
  readonly kemSeed: Uint8Array
}

export function seededPrincipal(name: string): SeededPrincipal {
  const seeds = seededRandom(name)
  const secret = { signSeed: seeds.bytes(32), kemSeed: seeds.bytes(32) }
  return { ...tree.createPrincipal(crypto, secret), ...secret }
}

export const root: SeededPrincipal = seededPrincipal('root')
export const device: SeededPrincipal = seededPrincipal('device')
export const reader: SeededPrincipal = seededPrincipal('reader')
export const treeRecord: tree.TreeRecord = tree.createTree(crypto, root, {
  recovery: tree.recoveryCommitment(crypto, reader.id),
  insecure: true,
  nonce: filled(16, 7)
})

export interface Born {
  readonly birth: tree.Birth
  readonly birthBytes: Uint8Array
  readonly block: tree.Id
}

export function born(birth: tree.Birth): Born {
  const birthBytes = tree.encodeBirth(birth)
  return { birth, birthBytes, block: tree.blockId(crypto, birthBytes) }
}

export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value)
}

export function childOf(parent: Born, kind: tree.BlockKind, nonce: number, isZone = false): Born {
  return born({
    tree: treeRecord.id,
    zone: tree.zoneOfChildren(parent.birth, parent.block),
    parent: parent.block,
    creator: root.id,
    kind,
    zoneRoot: isZone,
    public: false,
    rank: 0,
    nonce: filled(16, nonce)
  })
}

export const rootBlock: Born = born(tree.rootBirth(treeRecord.id, root.id))
export const folder: Born = childOf(rootBlock, tree.blockKind.directory, 1, true)
export const file: Born = childOf(rootBlock, tree.blockKind.file, 2)

export type MadeEpoch = ReturnType<typeof tree.createEpoch>

const epochRandom = seededRandom('epochs')
export function makeEpoch(options: Partial<tree.EpochDraft>): MadeEpoch {
  return tree.createEpoch({ crypto, random: epochRandom }, root, {
    tree: treeRecord.id,
    zone: rootBlock.block,
    previous: [],
    inherit: undefined,
    cap: undefined,
    ...options
  })
}

export const firstEpoch: MadeEpoch = makeEpoch({})

/** Bytes as hexadecimal, absent as null, arrays and objects element by element. */
export function plain(value: unknown): unknown {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object' && value !== null ? plainFields(value) : value
}

/** The fields of an object, each as `plain` gives it. */
export function plainFields(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

/** The code of the error that `run` throws; an error when it throws none. */
export function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
