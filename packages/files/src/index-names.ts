/** Names of blocks that came from elsewhere: opened with the actor's keys and registered in the name index. */
import type { Id } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type FilesContext, type Located, locate, openFor } from './files-context.ts'
import { indexedName } from './shown-name.ts'

const yieldEvery = 512

/**
 * @param blocks which; without it every block that has no name yet
 * @returns how many names were registered; blocks that the actor cannot open are left for another one
 */
export async function indexNames(
  context: FilesContext,
  actor: Actor,
  blocks?: Iterable<Id> | AsyncIterable<Id>,
  signal?: AbortSignal
): Promise<number> {
  let registered = 0
  let seen = 0
  for await (const block of blocks ?? context.tree.unnamedBlocks()) {
    signal?.throwIfAborted()
    if (indexName(context, actor, block)) registered++
    // long lists must not hold up everybody else
    if (++seen % yieldEvery === 0) await Promise.resolve()
  }
  return registered
}

function indexName(context: FilesContext, actor: Actor, block: Id): boolean {
  const located = locate(context, block)
  const key = located === undefined ? undefined : nameKeyFor(context, actor, located)
  if (key === undefined) return false
  context.tree.registerName(block, key)
  return true
}

/** The key under which the name of a block belongs in the index; undefined for the root and where it does not open. */
export function nameKeyFor(context: FilesContext, actor: Actor, located: Located): Uint8Array | undefined {
  if (located.summary.parent === undefined) return undefined
  const opened = openFor(context, actor, located.header)
  if (opened === undefined) return undefined
  return context.names.keyOf(located.summary.zone, indexedName(opened.name, located.summary.block))
}
