/** Ids as keys of maps: one character per byte, cheaper than any text form and never shown. */
import type { Id } from '@blocktree/tree'

export function idKey(id: Id): string {
  return String.fromCharCode(...id)
}
