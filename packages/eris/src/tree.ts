/**
 * Directory trees as content: every file is encoded for itself, so equal files are stored once and one file is read
 * without the others; the index of them is content too, and its capability names the tree.
 */
import type { BlockKernel, BlockWorkers } from '@blocktree/crypto'
import type { OpeningOptions } from './block-opening.ts'
import type { Block } from './block.ts'
import { type BlockSize, chooseBlockSize } from './block-size.ts'
import { readWhole } from './content.ts'
import { type EncoderOptions, encodeContent } from './encoder.ts'
import { ErisError } from './eris-error.ts'
import { treeEntriesMax, treeIndexBytesMax } from './limits.ts'
import type { ReadCapability } from './read-capability.ts'
import { type TreeIndexItem, decodeTreeIndex, encodeTreeIndex } from './tree-index.ts'
import { type TreePath, formatTreePath } from './tree-path.ts'

/** One thing to be put into a tree. Directories are what paths say; empty ones cannot be expressed. */
export type TreeSource =
  | {
      readonly path: TreePath
      readonly kind: 'file' | 'executable'
      /** When known; decides the block size. */
      readonly contentBytes?: number | undefined
      readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
    }
  | { readonly path: TreePath; readonly kind: 'symlink'; readonly target: string }

export interface TreeEncodingOptions {
  readonly kernel: BlockKernel
  readonly workers?: BlockWorkers | undefined
  /** For every file and the index; by custom by the length of each when absent. */
  readonly blockSize?: BlockSize | undefined
  readonly secret: Uint8Array
  readonly put: (blocks: readonly Block[]) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface EncodedTree {
  readonly capability: ReadCapability
  readonly items: readonly TreeIndexItem[]
  /** Of all files, without the index. */
  readonly contentBytes: number
  readonly blockCount: number
}

/** Encodes files in the order they come, then the index. @throws what `encodeTreeIndex` and the encoder throw */
export async function encodeTree(
  options: TreeEncodingOptions,
  sources: AsyncIterable<TreeSource> | Iterable<TreeSource>
): Promise<EncodedTree> {
  const items: TreeIndexItem[] = []
  let contentBytes = 0
  let blockCount = 0
  for await (const source of sources) {
    if (items.length === treeEntriesMax) {
      throw new ErisError('ERR_ERIS_TREE', `a tree of more than ${treeEntriesMax} entries`)
    }
    const { path, kind } = source
    if (kind === 'symlink') {
      items.push({ path, entry: { kind, target: source.target } })
      continue
    }
    const encoded = await encodeContent(encoderOptions(options, source.contentBytes), source.content)
    contentBytes += encoded.contentBytes
    blockCount += encoded.blockCount
    items.push({ path, entry: { kind, capability: encoded.capability } })
  }
  const index = encodeTreeIndex(items)
  const encoded = await encodeContent(encoderOptions(options, index.length), [index])
  return { capability: encoded.capability, items, contentBytes, blockCount: blockCount + encoded.blockCount }
}

function encoderOptions(
  { blockSize, ...options }: TreeEncodingOptions,
  contentBytes: number | undefined
): EncoderOptions {
  return { ...options, blockSize: blockSize ?? chooseBlockSize(contentBytes) }
}

export interface Tree {
  readonly items: readonly TreeIndexItem[]
  /** @returns undefined for a path that is none or a directory */
  find(path: TreePath): TreeIndexItem | undefined
}

/** Reads the index of a tree; files are read by `readContent` with the capability of their entry. */
export async function openTree(options: OpeningOptions, capability: ReadCapability): Promise<Tree> {
  const items = decodeTreeIndex(await readWhole(options, capability, treeIndexBytesMax))
  const byPath = new Map(items.map((item) => [formatTreePath(item.path), item]))
  return { items, find: (path) => byPath.get(formatTreePath(path)) }
}
