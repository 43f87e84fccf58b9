/** Ids as keys of maps: two bytes a character, cheaper than any text form and never shown. */
import type { Id } from '@blocktree/tree'

/** @param id an even number of bytes: 32 of an id */
export function idKey(id: Id): string {
  let key = ''
  for (let at = 0; at < id.length; at += 16) {
    key += String.fromCharCode(
      unit(id, at),
      unit(id, at + 2),
      unit(id, at + 4),
      unit(id, at + 6),
      unit(id, at + 8),
      unit(id, at + 10),
      unit(id, at + 12),
      unit(id, at + 14)
    )
  }
  return key
}

function unit(id: Id, at: number): number {
  return ((id[at] ?? 0) << 8) | (id[at + 1] ?? 0)
}
