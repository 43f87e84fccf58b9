/**
 * The summary trie (B.11): 16-ary over the nibbles of 32-byte keys, each leaf at the shallowest place where it is
 * alone, so the root depends on the set of rows and not on history. Built from sorted rows in constant memory.
 * Leaf = SHA-256(0x00 | key | value), inner = SHA-256(0x01 | u16 bitmap | child hashes), empty = 32 zero bytes.
 */
import { compareBytes, concatBytes, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { zeroId } from './domain.ts'
import type { ManifestRow } from './manifest.ts'
import type { Id } from './records.ts'
import { TreeError } from './tree-error.ts'

const leafTag = Uint8Array.of(0)
const innerTag = 1
const nibbles = 64

/** One inner node on the way to a key, from the root down. */
export interface TrieStep {
  readonly bitmap: number // bit n: a child at nibble n
  readonly siblings: readonly Uint8Array[] // hashes of the children but the one on the way, ascending by nibble
}

/** Proves that a key has a value, or that it is absent: then `leaf` is what stands in its place, if anything. */
export interface TrieProof {
  readonly steps: readonly TrieStep[]
  readonly leaf: { readonly key: Uint8Array; readonly value: Uint8Array } | undefined
}

interface OpenNode {
  bitmap: number
  readonly children: { readonly nibble: number; readonly hash: Uint8Array }[]
}

interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export class TrieBuilder {
  readonly #crypto: CryptoProvider
  readonly #target: Uint8Array | undefined
  /** Inner nodes on the path of the last leaf placed, by depth. */
  readonly #open: OpenNode[] = []
  /** The row that waits for its successor: only then is its depth known. */
  #waiting: Row | undefined
  /** Nibbles that the waiting row shares with the one before it; -1 when it is the first. */
  #sharedBefore = -1
  #count = 0
  #steps: TrieStep[] = []
  #leaf: Row | undefined

  /** @param target a key to prove: `proof` then returns what stands for it */
  constructor(crypto: CryptoProvider, target?: Uint8Array) {
    this.#crypto = crypto
    this.#target = target
  }

  get count(): number {
    return this.#count
  }

  /** @param key 32 bytes, greater than all before, else ERR_TRIE_ORDER; kept until the next call */
  add(key: Uint8Array, value: Uint8Array): void {
    if (key.length !== 32) throw new TreeError('ERR_TRIE_ORDER', `a trie key has ${key.length} bytes, not 32`)
    const shared = this.#waiting === undefined ? -1 : sharedNibbles(this.#waiting.key, key)
    if (this.#waiting !== undefined) {
      if (compareBytes(this.#waiting.key, key) >= 0) {
        throw new TreeError('ERR_TRIE_ORDER', 'rows for a trie must be strictly ascending by key')
      }
      this.#place(this.#waiting, Math.max(this.#sharedBefore, shared))
      this.#close(shared + 1, this.#waiting.key)
    }
    this.#waiting = { key, value }
    this.#sharedBefore = shared
    this.#count++
  }

  /** The root: 32 zero bytes for no rows. Call once, after all rows. */
  finish(): Uint8Array {
    const last = this.#waiting
    if (last === undefined) return zeroId
    if (this.#sharedBefore < 0) {
      this.#leaf = this.#target && last
      return leafHash(this.#crypto, last.key, last.value)
    }
    this.#place(last, this.#sharedBefore)
    this.#close(1, last.key)
    const root = this.#open.pop()
    return root === undefined ? zeroId : this.#hashNode(root, 0, last.key)
  }

  /** After `finish`: the proof for the target given at the start. */
  proof(): TrieProof {
    return { steps: this.#steps.toReversed(), leaf: this.#leaf }
  }

  /** Hangs a leaf below the inner node at `depth` on its path. */
  #place(row: Row, depth: number): void {
    while (this.#open.length <= depth) this.#open.push({ bitmap: 0, children: [] })
    this.#addChild(depth, row.key, leafHash(this.#crypto, row.key, row.value))
    if (this.#target !== undefined && sharedNibbles(this.#target, row.key) > depth) this.#leaf = row
  }

  #addChild(depth: number, path: Uint8Array, hash: Uint8Array): void {
    const node = this.#open[depth]
    const nibble = nibbleAt(path, depth)
    if (node === undefined) return
    node.bitmap |= 1 << nibble
    node.children.push({ nibble, hash })
  }

  /** Closes the open nodes at `depth` and below; `path` is a key under them. */
  #close(depth: number, path: Uint8Array): void {
    while (this.#open.length > Math.max(depth, 1)) {
      const at = this.#open.length - 1
      const node = this.#open.pop()
      if (node !== undefined) this.#addChild(at - 1, path, this.#hashNode(node, at, path))
    }
  }

  #hashNode(node: OpenNode, depth: number, path: Uint8Array): Uint8Array {
    const target = this.#target
    if (target !== undefined && sharedNibbles(target, path) >= depth) {
      const onPath = nibbleAt(target, depth)
      const siblings = node.children.filter(({ nibble }) => nibble !== onPath).map(({ hash }) => hash)
      this.#steps.push({ bitmap: node.bitmap, siblings })
    }
    return innerHash(
      this.#crypto,
      node.bitmap,
      node.children.map(({ hash }) => hash)
    )
  }
}

function leafHash(crypto: CryptoProvider, key: Uint8Array, value: Uint8Array): Uint8Array {
  return crypto.sha256(concatBytes(leafTag, key, value))
}

function innerHash(crypto: CryptoProvider, bitmap: number, children: readonly Uint8Array[]): Uint8Array {
  return crypto.sha256(concatBytes(Uint8Array.of(innerTag, bitmap >> 8, bitmap & 0xff), ...children))
}

function nibbleAt(key: Uint8Array, index: number): number {
  const byte = key[index >> 1] ?? 0
  return index % 2 === 0 ? byte >> 4 : byte & 0x0f
}

function sharedNibbles(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < nibbles; index++) {
    if (nibbleAt(left, index) !== nibbleAt(right, index)) return index
  }
  return nibbles
}

/** The trie over rows that are sorted by key. */
export function trieRoot(
  crypto: CryptoProvider,
  rows: Iterable<readonly [Uint8Array, Uint8Array]>
): Uint8Array {
  const builder = new TrieBuilder(crypto)
  for (const [key, value] of rows) builder.add(key, value)
  return builder.finish()
}

const noValue = new Uint8Array(0)

/** The trie over a sorted set of ids, as for graves and authority records: every value is empty. */
export function idSetRoot(crypto: CryptoProvider, ids: Iterable<Id>): Uint8Array {
  const builder = new TrieBuilder(crypto)
  for (const id of ids) builder.add(id, noValue)
  return builder.finish()
}

export function proveTrieKey(
  crypto: CryptoProvider,
  rows: Iterable<readonly [Uint8Array, Uint8Array]>,
  key: Uint8Array
): TrieProof {
  const builder = new TrieBuilder(crypto, key)
  for (const [rowKey, value] of rows) builder.add(rowKey, value)
  builder.finish()
  return builder.proof()
}

/**
 * Checks a proof against a root.
 * @returns the value of `key`, or undefined when the proof shows that it is absent
 * @throws ERR_TRIE_PROOF when the proof does not lead to the root
 */
export function verifyTrieProof(
  crypto: CryptoProvider,
  root: Uint8Array,
  key: Uint8Array,
  proof: TrieProof
): Uint8Array | undefined {
  const { leaf, steps } = proof
  if (leaf !== undefined && (leaf.key.length !== 32 || sharedNibbles(leaf.key, key) < steps.length)) {
    throw new TreeError('ERR_TRIE_PROOF', 'the leaf of the proof does not lie on the way to the key')
  }
  let hash: Uint8Array | undefined = leaf && leafHash(crypto, leaf.key, leaf.value)
  for (let depth = steps.length - 1; depth >= 0; depth--) {
    const step = steps[depth]
    if (step !== undefined) hash = foldStep(crypto, step, nibbleAt(key, depth), hash)
  }
  if (!equalBytes(hash ?? zeroId, root)) {
    throw new TreeError('ERR_TRIE_PROOF', 'the proof does not lead to the root')
  }
  return leaf !== undefined && equalBytes(leaf.key, key) ? leaf.value : undefined
}

function foldStep(
  crypto: CryptoProvider,
  step: TrieStep,
  nibble: number,
  hash: Uint8Array | undefined
): Uint8Array {
  const before = bitCount(step.bitmap & ((1 << nibble) - 1))
  const isPresent = (step.bitmap & (1 << nibble)) !== 0
  const wellFormed =
    isPresent === (hash !== undefined) &&
    step.bitmap > 0 &&
    step.bitmap <= 0xffff &&
    step.siblings.length === bitCount(step.bitmap) - (isPresent ? 1 : 0) &&
    step.siblings.every((sibling) => sibling.length === 32)
  if (!wellFormed) throw new TreeError('ERR_TRIE_PROOF', 'a step of the proof is malformed')
  const children = hash === undefined ? step.siblings : step.siblings.toSpliced(before, 0, hash)
  return innerHash(crypto, step.bitmap, children)
}

function bitCount(bitmap: number): number {
  let count = 0
  for (let rest = bitmap; rest !== 0; rest &= rest - 1) count++
  return count
}

/** The value of a block in its directory's trie: a hash of its head record ids, ascending. */
export function headsValue(crypto: CryptoProvider, heads: ManifestRow['heads']): Uint8Array {
  return crypto.sha256(concatBytes(...heads.map(({ id }) => id)))
}

/** What a checkpoint says of the rows of its manifest. */
export interface ManifestRoots {
  readonly headsRoot: Uint8Array
  readonly blocks: number
  readonly graveRoot: Uint8Array
  readonly graves: number
}

/** `headsRoot` of a zone, from manifest rows in their order: a trie of directories over tries of blocks. */
export class HeadsRootBuilder {
  readonly #crypto: CryptoProvider
  readonly #graves: TrieBuilder
  #graveCount = 0
  readonly #directories: TrieBuilder
  #directory: Id | undefined
  #blocks: TrieBuilder
  #count = 0

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
    this.#directories = new TrieBuilder(crypto)
    this.#blocks = new TrieBuilder(crypto)
    this.#graves = new TrieBuilder(crypto)
  }

  /** ERR_TRIE_ORDER unless rows ascend by directory, then block. */
  add(row: ManifestRow): void {
    if (row.heads.length === 0) {
      this.#graves.add(row.block, noValue)
      this.#graveCount++
      return
    }
    if (this.#directory === undefined || !equalBytes(this.#directory, row.directory)) {
      this.#closeDirectory()
      this.#directory = row.directory
      this.#blocks = new TrieBuilder(this.#crypto)
    }
    this.#blocks.add(row.block, headsValue(this.#crypto, row.heads))
    this.#count++
  }

  finish(): ManifestRoots {
    this.#closeDirectory()
    this.#directory = undefined
    return {
      headsRoot: this.#directories.finish(),
      blocks: this.#count,
      graveRoot: this.#graves.finish(),
      graves: this.#graveCount
    }
  }

  #closeDirectory(): void {
    if (this.#directory !== undefined) this.#directories.add(this.#directory, this.#blocks.finish())
  }
}
