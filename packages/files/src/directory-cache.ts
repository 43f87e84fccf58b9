/**
 * Directories by the text of their path, so that a thousand creations in one directory resolve it once. An entry is
 * right as long as no directory or link changes and no name is claimed twice; each such change empties the cache.
 */
import { equalBytes } from '@blocktree/codec'
import type { BlockChange, BlockSummary, Id, TreeState } from '@blocktree/tree'
import { blockKind } from '@blocktree/tree'
import { LruCache } from './lru-cache.ts'

const cached = 1024
const textMax = 4096
const idBytes = 32
const noBlocks = new Uint8Array(0)

export class DirectoryCache {
  readonly #tree: TreeState
  readonly #directories = new LruCache<string, BlockSummary>(cached)
  /** Files whose creation comes next, 32 bytes each. */
  #own: Uint8Array = noBlocks

  constructor(tree: TreeState) {
    this.#tree = tree
  }

  get(text: string): BlockSummary | undefined {
    return this.#directories.get(text)
  }

  set(text: string, directory: BlockSummary): void {
    if (text.length <= textMax) this.#directories.set(text, directory)
  }

  /** The next change is the creation of this file, whose name was free: it concerns no directory. */
  expect(file: Id): void {
    this.#own = file
  }

  /** The same of several, in this order; of none, when they do not come after all. */
  expectFiles(blocks: Uint8Array): void {
    this.#own = blocks
  }

  /** To be called with every change of the tree. */
  take(change: BlockChange): void {
    const own = this.#own
    const isOwn = own.length > 0 && equalBytes(own.subarray(0, idBytes), change.block)
    this.#own = isOwn ? own.subarray(idBytes) : noBlocks
    if (isOwn) return
    if (this.#directories.size > 0 && this.#mayMatter(change)) this.#directories.clear()
  }

  #mayMatter(change: BlockChange): boolean {
    if (change.kind === blockKind.directory || change.kind === blockKind.symlink) return true
    // a file that came from elsewhere may take a name from a directory, or give it back
    const isNew = change.change === 'created' || change.change === 'changed'
    if (change.shownParent === undefined || !isNew) return true
    const nameKey = this.#tree.blockSummary(change.block)?.nameKey
    return nameKey === undefined || this.#tree.findByName(change.shownParent, nameKey).length > 1
  }
}
