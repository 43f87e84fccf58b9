/**
 * Before a write: whoever may change the key of a zone does so when somebody holds it who may read no longer (MODEL B.5).
 * Who may not change it writes on, and the answer of the write says who is exposed.
 */
import { zoneChain } from '@blocktree/tree'
import type { Id } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { isRotationDue } from './rekey-zones.ts'
import { makeRotation } from './rotate-zone.ts'

/** The key to write with now; what it takes to change it is handed to the store before this returns. */
export function safeWriteKey(
  context: FilesContext,
  actor: Actor,
  zone: Id,
  path: string
): ReturnType<Actor['writeKey']> {
  const current = actor.writeKey(zone)
  if (current === undefined || context.exposure.of(current.epoch).length === 0) return current
  // outermost first: a new key of an inner zone is sealed under that of the zone around it
  for (const around of zoneChain(context.tree.authority, zone).zones.toReversed()) {
    if (isRotationDue(context, actor, around) && !rotate(context, actor, around, path)) break
  }
  return actor.writeKey(zone)
}

function rotate(context: FilesContext, actor: Actor, zone: Id, path: string): boolean {
  try {
    const { records } = makeRotation(context, actor, zone, path)
    // a failure of the store is met by the write that follows: it is refused as well
    context.tree.commitLocal({ records }, { durability: context.durability }).catch(() => undefined)
    return true
  } catch (error) {
    const isDenied =
      error instanceof FilesError && (error.code === 'ERR_ACCESS_DENIED' || error.code === 'ERR_KEY_MISSING')
    if (isDenied) return false
    throw error
  }
}
