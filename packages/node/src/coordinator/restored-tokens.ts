/** What a node that came out of a backup remembers of fencing tokens: they begin above all that were given before. */
import type { BlockStore } from '@blocktree/tree'

const restoredKey = new TextEncoder().encode('node/restored-tokens')

/** Row of a store that came out of a backup: tokens of this node begin above the number. */
export function restoredFloorRow(floor: number): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: restoredKey, value: new TextEncoder().encode(String(floor)) }
}

/** Undefined on a node that was not restored. */
export function restoredFloor({ local }: Pick<BlockStore, 'local'>): number | undefined {
  const stored = local.get(restoredKey)
  return stored === undefined ? undefined : Number(new TextDecoder().decode(stored))
}
