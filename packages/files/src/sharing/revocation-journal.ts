/**
 * Revocations of caps whose consequences are still to be drawn, in the store's local rows: written together with the
 * revocation, struck out when lost blocks are restored and keys changed. Value: canonical `[1]`; all else follows from
 * the records.
 */
import { CanonicalWriter, concatBytes } from '@blocktree/codec'
import type { BlockStore, Id, IndexRow } from '@blocktree/tree'

const prefix: Uint8Array = new TextEncoder().encode('sharing/revoke-cap/')
const end: Uint8Array = new TextEncoder().encode('sharing/revoke-cap0') // the byte after '/'
const format = 1
const idBytes = 32

export function revocationRow(cap: Id): IndexRow {
  return { key: concatBytes(prefix, cap), value: new CanonicalWriter(8).array(1).uint(format).finish() }
}

export function revocationDoneRow(cap: Id): IndexRow {
  return { key: concatBytes(prefix, cap), value: undefined }
}

/** Caps whose revocation is not finished. */
export async function openRevocations(store: BlockStore): Promise<readonly Id[]> {
  const caps: Id[] = []
  for await (const [key] of store.local.range({ from: prefix, to: end })) {
    const cap = key.slice(prefix.length)
    if (cap.length === idBytes) caps.push(cap)
  }
  return caps
}
