/**
 * Nodes of a summary trie over sorted rows (spec 28, section 4): 16-ary over the nibbles of 32-byte keys, a leaf at the
 * shallowest place where it is alone. Same hashes as the tries of checkpoints (MODEL B.11), worked out for any place.
 */
import { concatBytes, newBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Id } from '@blocktree/tree'

/** What stands below one place: its number of rows and one hash over them; 32 zero bytes for none. */
export interface TrieNode {
  readonly count: number
  readonly hash: Uint8Array
}

/** One row; `value` is what the leaf commits to. */
export interface TrieRow {
  readonly key: Id
  readonly value: Uint8Array
}

export const emptyNode: TrieNode = { count: 0, hash: new Uint8Array(32) }
export const nibblesMax = 64

const leafTag = Uint8Array.of(0)
const innerTag = 1

export function leafHash(crypto: CryptoProvider, { key, value }: TrieRow): Uint8Array {
  return crypto.sha256(concatBytes(leafTag, key, value))
}

/** The node above 16 children: with one row below it, that row's leaf; none: empty. */
export function nodeAbove(crypto: CryptoProvider, children: readonly TrieNode[]): TrieNode {
  let count = 0
  let bitmap = 0
  let present = 0
  let last = emptyNode
  for (const [nibble, child] of children.entries()) {
    if (child.count === 0) continue
    count += child.count
    bitmap |= 1 << nibble
    present++
    last = child
  }
  if (count <= 1) return last
  const bytes = newBytes(3 + present * 32)
  bytes[0] = innerTag
  bytes[1] = bitmap >> 8
  bytes[2] = bitmap & 0xff
  let offset = 3
  for (const child of children) {
    if (child.count === 0) continue
    bytes.set(child.hash, offset)
    offset += 32
  }
  return { count, hash: crypto.sha256(bytes) }
}

/** The node at `depth` over rows that share their first `depth` nibbles and are sorted by key. */
export function nodeOfRows(crypto: CryptoProvider, rows: readonly TrieRow[], depth: number): TrieNode {
  const [first] = rows
  if (first === undefined) return emptyNode
  if (rows.length === 1 || depth >= nibblesMax) return { count: rows.length, hash: leafHash(crypto, first) }
  return nodeAbove(
    crypto,
    rowsByNibble(rows, depth).map((some) => nodeOfRows(crypto, some, depth + 1))
  )
}

/** Sixteen parts of sorted rows, by the nibble at `depth`. */
export function rowsByNibble(rows: readonly TrieRow[], depth: number): readonly (readonly TrieRow[])[] {
  const parts: (readonly TrieRow[])[] = []
  let start = 0
  for (let nibble = 0; nibble < 16; nibble++) {
    let end = start
    for (let row = rows[end]; row !== undefined && nibbleAt(row.key, depth) === nibble; row = rows[end]) end++
    parts.push(rows.slice(start, end))
    start = end
  }
  return parts
}

export function nibbleAt(key: Uint8Array, index: number): number {
  const byte = key[index >> 1] ?? 0
  return index % 2 === 0 ? byte >> 4 : byte & 0x0f
}

/** A place: nibbles from the root, one a byte. */
export type TriePath = Uint8Array

/** First key below a place, and the first one behind it (absent: the end). */
export function rangeOfPath(path: TriePath): { readonly from: Uint8Array; readonly to?: Uint8Array } {
  const from = newBytes((path.length + 1) >> 1)
  for (const [index, nibble] of path.entries()) {
    const at = index >> 1
    from[at] = (from[at] ?? 0) | (index % 2 === 0 ? nibble << 4 : nibble)
  }
  const to = keyAfter(from, path.length)
  return to === undefined ? { from } : { from, to }
}

/** Adds one at the last nibble, with carry. */
function keyAfter(from: Uint8Array, nibbles: number): Uint8Array | undefined {
  const to = from.slice()
  let carry = nibbles % 2 === 0 ? 1 : 16
  for (let at = to.length - 1; at >= 0; at--) {
    const sum = (to[at] ?? 0) + carry
    to[at] = sum & 0xff
    if (sum <= 0xff) return to
    carry = 1
  }
  return undefined
}

export function isBelow(key: Uint8Array, path: TriePath): boolean {
  return path.every((nibble, index) => nibbleAt(key, index) === nibble)
}

export function childPath(path: TriePath, nibble: number): TriePath {
  const child = newBytes(path.length + 1)
  child.set(path)
  child[path.length] = nibble
  return child
}
