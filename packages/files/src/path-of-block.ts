/** The path under which the view shows a block, as far as the actor can name it. */
import type { Id } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type FilesContext, locate, openFor } from './files-context.ts'
import { idKey } from './id-key.ts'
import { pathDepthMax } from './limits.ts'
import { shownName } from './shown-name.ts'

/** undefined when the block, or a directory above it, is not held or cannot be opened. */
export function pathOfBlock(context: FilesContext, actor: Actor, block: Id): string | undefined {
  const names: string[] = []
  const seen = new Set<string>()
  let at: Id | undefined = block
  while (at !== undefined) {
    if (seen.size > pathDepthMax || seen.has(idKey(at))) return undefined
    seen.add(idKey(at))
    const located = locate(context, at)
    if (located === undefined) return undefined
    if (located.summary.shownParent === undefined) break
    const opened = openFor(context, actor, located.header)
    if (opened === undefined) return undefined
    names.push(shownName(context, located.summary, opened.name))
    at = located.summary.shownParent
  }
  return `/${names.reverse().join('/')}`
}
