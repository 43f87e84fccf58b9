/** Ids as keys of maps. */
import type { Id } from '@blocktree/tree'

export function idKey(id: Id): string {
  return id.toHex()
}
