/** Entries of a directory of the tree, page by page, and the names that they get at the destination. */
import { entryOf } from '@blocktree/files'
import type { BlockSummary, Id } from '@blocktree/tree'
import type { ExportRun } from './export-run.ts'
import { exportPageMax } from './limits.ts'
import { epochName } from './worker/open-headers.ts'

const pageEntries = exportPageMax * 4

export interface ListedPage {
  readonly entries: readonly BlockSummary[]
  /** Keys of names that several have, where the whole directory was looked at. */
  readonly clashes: ReadonlySet<string> | undefined
}

export async function* listPages({ context }: ExportRun, directory: Id): AsyncGenerator<ListedPage> {
  const { tree } = context
  let after: Id | undefined
  for (;;) {
    const entries: BlockSummary[] = []
    let count = 0
    for await (const { block } of tree.children(directory, { limit: pageEntries, ...(after && { after }) })) {
      count++
      after = block
      const summary = tree.blockSummary(block)
      if (summary !== undefined) entries.push(summary)
    }
    const isAll = count < pageEntries
    const isWhole = isAll && entries.length === tree.childCount(directory)
    yield { entries, clashes: isWhole ? repeatedNames(entries) : undefined }
    if (isAll) return
  }
}

/** Keys of the names that more than one of these has. */
function repeatedNames(entries: readonly BlockSummary[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { nameKey } of entries) {
    if (nameKey === undefined) continue
    const key = epochName(nameKey)
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}

/**
 * The name as the view shows it where others have the same, or where it was never registered; undefined where the header
 * says it.
 */
export function shownName(
  { context, actor }: ExportRun,
  directory: Id,
  { block, nameKey }: BlockSummary,
  clashes: ReadonlySet<string> | undefined
): string | undefined {
  const isAlone =
    nameKey !== undefined &&
    (clashes === undefined
      ? context.tree.findByName(directory, nameKey).length < 2
      : clashes.size === 0 || !clashes.has(epochName(nameKey)))
  return isAlone ? undefined : entryOf(context, actor, block)?.name
}
