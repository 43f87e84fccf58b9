/**
 * Where the links of a tree lead, worked out inside the tree alone: a link whose way leaves it, by itself or through
 * other links, must not be made on a real file system, where reading or writing through it would reach other files.
 */
import type { TreeIndexItem } from './tree-index.ts'
import { type TreePath, formatTreePath } from './tree-path.ts'

/** As many links in a row as Linux follows. */
const linksFollowedMax = 40

/** The links that lead out of the tree, or would after other links were followed; empty when extraction is safe. */
export function escapingLinks(items: readonly TreeIndexItem[]): TreePath[] {
  const targets = new Map<string, string>()
  for (const { path, entry } of items) {
    if (entry.kind === 'symlink') targets.set(formatTreePath(path), entry.target)
  }
  return items
    .filter(({ path, entry }) => entry.kind === 'symlink' && leaves(path, targets))
    .map(({ path }) => path)
}

/** Follows the way as a file system does: names one by one, a link replaced by its target. */
function leaves(path: TreePath, targets: ReadonlyMap<string, string>): boolean {
  const waiting = [...path].toReversed() // next name last
  const reached: string[] = []
  let followed = 0
  while (waiting.length > 0) {
    const name = waiting.pop()
    if (name === undefined || name === '' || name === '.') continue
    if (name === '..') {
      if (reached.pop() === undefined) return true
      continue
    }
    reached.push(name)
    const target = targets.get(reached.join('/'))
    if (target === undefined) continue
    if (target.startsWith('/')) return true
    if (++followed > linksFollowedMax) return false // a circle leads nowhere
    reached.pop()
    waiting.push(...target.split('/').toReversed())
  }
  return false
}
