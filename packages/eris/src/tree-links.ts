/**
 * Where the links of a tree lead, worked out inside the tree alone: a link whose way leaves it, by itself or through
 * other links, must not be made on a real file system, where reading or writing through it would reach other files.
 */
import type { TreeIndexItem } from './tree-index.ts'
import type { TreePath } from './tree-path.ts'

/** As many links in a row as Linux follows. */
const linksFollowedMax = 40

/** Names on the way of one link, with those of the links it passes; a longer way is taken for one that leaves. */
const namesPassedMax = 1024

/** Names as a file system compares them. */
type Fold = (name: string) => string

/** As Linux does, then as those that tell neither case nor compositions of accents apart. */
const folds: readonly Fold[] = [(name) => name, (name) => name.normalize('NFC').toLowerCase()]

/** A place in the tree with links at it or below. */
interface LinkPlace {
  readonly below: Map<string, LinkPlace>
  target: string | undefined
}

/** The links that lead out of the tree, or would after other links were followed; empty when extraction is safe. */
export function escapingLinks(items: readonly TreeIndexItem[]): TreePath[] {
  const views = folds.map((fold) => ({ fold, root: linkPlaces(items, fold) }))
  return items
    .filter(({ path, entry }) => entry.kind === 'symlink' && views.some((view) => leaves(path, view)))
    .map(({ path }) => path)
}

function linkPlaces(items: readonly TreeIndexItem[], fold: Fold): LinkPlace {
  const root: LinkPlace = { below: new Map(), target: undefined }
  for (const { path, entry } of items) {
    if (entry.kind !== 'symlink') continue
    let place = root
    for (const name of path) {
      const next = place.below.get(fold(name)) ?? { below: new Map(), target: undefined }
      place.below.set(fold(name), next)
      place = next
    }
    place.target = entry.target
  }
  return root
}

/** Follows the way as a file system does: names one by one, a link replaced by its target. */
function leaves(path: TreePath, { fold, root }: { readonly fold: Fold; readonly root: LinkPlace }): boolean {
  const waiting = [...path].toReversed() // next name last
  const reached: (LinkPlace | undefined)[] = [root]
  let followed = 0
  for (let passed = 0; passed < namesPassedMax; passed++) {
    const name = waiting.pop()
    if (name === undefined) return false
    if (name === '' || name === '.') continue
    if (name === '..') {
      reached.pop()
      if (reached.length === 0) return true
      continue
    }
    const place = reached.at(-1)?.below.get(fold(name))
    if (place?.target === undefined) {
      reached.push(place)
      continue
    }
    if (place.target.startsWith('/')) return true
    if (++followed > linksFollowedMax) return false // a circle leads nowhere
    waiting.push(...place.target.split('/').toReversed())
  }
  return true
}
