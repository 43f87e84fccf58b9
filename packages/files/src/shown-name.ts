/**
 * Names as the view shows them (MODEL B.9.5). Of blocks with one name in one directory the first in clash order has
 * it, the others are `stem (conflict XXXXXXXX).ext`. A stored name that no path may hold is shown, found and indexed
 * as `invalid-XXXXXXXX`, never raw (A13).
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import {
  type BlockSummary,
  type Id,
  freeConflictName,
  hasIdPrefix,
  invalidName,
  isValidName,
  parseConflictName
} from '@blocktree/tree'
import { type FilesContext, zoneOfChildren } from './files-context.ts'

/** The name under which a block is indexed, and shown when nothing clashes. */
export function indexedName(name: string, block: Id): string {
  return isValidName(name) ? name : invalidName(block)
}

/** @param name as sealed in the winner; undefined when the actor cannot open it */
export function shownName(context: FilesContext, summary: BlockSummary, name: string | undefined): string {
  if (name === undefined) return invalidName(summary.block)
  const indexed = indexedName(name, summary.block)
  if (summary.shownParent === undefined) return indexed
  const key = summary.nameKey ?? context.names.keyOf(summary.zone, indexed)
  const sameName = context.tree.findByName(summary.shownParent, key)
  const first = sameName[0]
  if (sameName.length < 2 || first === undefined || equalBytes(first, summary.block)) return indexed
  const names = conflictNames(context, summary.shownParent, summary.zone, indexed, sameName.slice(1))
  return names.find(({ block }) => equalBytes(block, summary.block))?.name ?? indexed
}

/** The child that is shown under `name`; one look-up but for conflict names. */
export function blockByShownName(
  context: FilesContext,
  directory: Pick<BlockSummary, 'block' | 'zone' | 'zoneRoot'>,
  name: string
): Id | undefined {
  const zone = zoneOfChildren(directory)
  const direct = context.tree.findByName(directory.block, context.names.keyOf(zone, name))[0]
  if (direct !== undefined) return direct
  const parsed = parseConflictName(name)
  if (parsed === undefined) return undefined
  const sameName = context.tree.findByName(directory.block, context.names.keyOf(zone, parsed.name))
  if (!sameName.slice(1).some((block) => hasIdPrefix(block, parsed.idPrefix))) return undefined
  const names = conflictNames(context, directory.block, zone, parsed.name, sameName.slice(1))
  return names.find((loser) => loser.name === name)?.block
}

/** Names of the losers, given out by block id; a name that is taken makes the tag longer. */
function conflictNames(
  context: FilesContext,
  directory: Id,
  zone: Id,
  name: string,
  losers: readonly Id[]
): readonly { readonly block: Id; readonly name: string }[] {
  const given: { readonly block: Id; readonly name: string }[] = []
  for (const block of losers.toSorted(compareBytes)) {
    const free = freeConflictName(
      name,
      block,
      (candidate) =>
        given.some((other) => other.name === candidate) ||
        context.tree.findByName(directory, context.names.keyOf(zone, candidate)).length > 0
    )
    given.push({ block, name: free })
  }
  return given
}
