/**
 * The index of ERIS-FS, a directory tree as content (doc/spec/25-eris.md, companion document "ERIS-FS" version 1):
 *
 *   1701996916([1, {* [+ name] => entry}])
 *   entry = [0, 276(capability)] file | [1, 276(capability)] executable | [2, target] symlink
 *
 * Deterministic CBOR: one tree, one index. Paths are written as arrays; text with "/" is read as well, because there are
 * programs that write it.
 */
import { compareBytes } from '@blocktree/codec'
import { type CborItem, CborReader, encodeCbor } from './cbor.ts'
import { ErisError } from './eris-error.ts'
import { linkTargetBytesMax, treeEntriesMax } from './limits.ts'
import { type ReadCapability, decodeCapability, encodeCapability } from './read-capability.ts'
import { type TreePath, formatTreePath, parseTreePath, toTreePath } from './tree-path.ts'

export type TreeEntry =
  | { readonly kind: 'file' | 'executable'; readonly capability: ReadCapability }
  | { readonly kind: 'symlink'; readonly target: string }

export interface TreeIndexItem {
  readonly path: TreePath
  readonly entry: TreeEntry
}

const treeTag = 1_701_996_916 // "erit"
const capabilityTag = 276
const version = 1
const kinds = { file: 0, executable: 1, symlink: 2 } as const

/** First bytes of every index. */
const magic = Uint8Array.of(0xda, 0x65, 0x72, 0x69, 0x74, 0x82)

/** @param head at least the first 6 bytes of a content */
export function beginsTreeIndex(head: Uint8Array): boolean {
  return magic.every((byte, index) => byte === head[index])
}

/** @throws ERR_ERIS_TREE_PATH, ERR_ERIS_TREE for a path that stands twice or below a file, or a bad link target */
export function encodeTreeIndex(items: readonly TreeIndexItem[]): Uint8Array {
  expectTree(items)
  const encoded = items
    .map(({ path, entry }) => ({ key: encodeCbor([{ array: path.length }, ...path]), entry }))
    .sort((left, right) => compareBytes(left.key, right.key))
  const parts = [encodeCbor([{ tag: treeTag }, { array: 2 }, version, { map: items.length }])]
  for (const { key, entry } of encoded) parts.push(key, encodeCbor(entryItems(entry)))
  return join(parts)
}

function entryItems(entry: TreeEntry): CborItem[] {
  const head: CborItem[] = [{ array: 2 }, kinds[entry.kind]]
  if (entry.kind === 'symlink') return [...head, entry.target]
  return [...head, { tag: capabilityTag }, encodeCapability(entry.capability)]
}

/** In the order of the index. @throws ERR_ERIS_TREE and what is said of `encodeTreeIndex` */
export function decodeTreeIndex(bytes: Uint8Array): TreeIndexItem[] {
  const reader = new CborReader(
    bytes,
    (problem) => new ErisError('ERR_ERIS_TREE', `not an ERIS-FS index: ${problem}`)
  )
  if (reader.tag('the tag') !== treeTag) throw notTree('it has another tag')
  if (reader.array('the outer array') !== 2) throw notTree('the outer array has not two items')
  const found = reader.uint('the version')
  if (found !== version) throw notTree(`its version is ${found}, and only ${version} is read`)
  const count = reader.map('the map of paths')
  if (count > treeEntriesMax) throw notTree(`it has more than ${treeEntriesMax} entries`)
  const items: TreeIndexItem[] = []
  for (let index = 0; index < count; index++) items.push({ path: readPath(reader), entry: readEntry(reader) })
  reader.end()
  expectTree(items)
  return items
}

function readPath(reader: CborReader): TreePath {
  if (reader.nextIs('string')) return parseTreePath(reader.text('a path'))
  const names: string[] = []
  const count = reader.array('a path')
  for (let index = 0; index < count; index++) names.push(reader.text('a name'))
  return toTreePath(names)
}

function readEntry(reader: CborReader): TreeEntry {
  if (reader.array('an entry') !== 2) throw notTree('an entry has not two items')
  const kind = reader.uint('the type of an entry')
  if (kind === kinds.symlink) return { kind: 'symlink', target: reader.text('the target of a link') }
  if (kind !== kinds.file && kind !== kinds.executable) throw notTree(`entries of type ${kind} are not known`)
  if (reader.tag('the tag of a capability') !== capabilityTag) throw notTree('a capability has another tag')
  const capability = decodeCapability(reader.bytes('a capability'))
  return { kind: kind === kinds.file ? 'file' : 'executable', capability }
}

/** What a directory could not hold: two things under one name, or names below what is not a directory. */
function expectTree(items: readonly TreeIndexItem[]): void {
  const entries = new Set<string>()
  for (const { path, entry } of items) {
    const text = formatTreePath(path)
    if (entries.has(text)) throw notTree(`${JSON.stringify(text)} stands in it twice`)
    entries.add(text)
    if (entry.kind === 'symlink') expectTarget(text, entry.target)
  }
  for (const { path } of items) {
    for (let length = 1; length < path.length; length++) {
      const above = path.slice(0, length).join('/')
      if (entries.has(above))
        throw notTree(`${JSON.stringify(above)} is not a directory, but has entries below it`)
    }
  }
}

function expectTarget(path: string, target: string): void {
  const { length } = new TextEncoder().encode(target)
  if (length > 0 && length <= linkTargetBytesMax && !target.includes('\0') && target.isWellFormed()) return
  throw notTree(`the link ${JSON.stringify(path)} has no target that could be one`)
}

function notTree(problem: string): ErisError {
  return new ErisError('ERR_ERIS_TREE', `not an ERIS-FS index: ${problem}`)
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
