/** Keys of what replication keeps in the store's local rows: a word, then ids. */
import { concatBytes } from '@blocktree/codec'
import type { BlockStore } from '@blocktree/tree'

const encoder = new TextEncoder()

type LocalRowKind =
  | 'summary'
  | 'wanted'
  | 'receipt'
  | 'promise'
  | 'given'
  | 'cached'
  | 'dropped'
  | 'seen'
  | 'policy'

export const localPrefix: Readonly<Record<LocalRowKind, Uint8Array>> = {
  /** Saved summaries (./summary-file.ts). */
  summary: encoder.encode('sync/summary/'),
  /** Records whose sectors are still to be fetched (./wanted-payloads.ts). */
  wanted: encoder.encode('sync/wanted/'),
  /** Receipts of others over records held here (./promise-book.ts). */
  receipt: encoder.encode('sync/receipt/'),
  promise: encoder.encode('sync/promise/'),
  /** Versions that a peer gave us last (./given-records.ts). */
  given: encoder.encode('sync/given/'),
  /** Contents that are here and not kept for others, and those that were let go (./content-rows.ts). */
  cached: encoder.encode('sync/cached/'),
  dropped: encoder.encode('sync/dropped/'),
  /** Members, and when they were connected last (./member-presence.ts). */
  seen: encoder.encode('sync/seen/'),
  /** One row: whether a directory of this tree has a policy, or had one (./content-keeper.ts). */
  policy: encoder.encode('sync/policy/')
}

export function localKey(prefix: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(prefix, ...parts)
}

/** Local rows below a prefix: what follows it in the key, and the value. */
export async function* localRows(
  store: BlockStore,
  prefix: Uint8Array
): AsyncGenerator<readonly [rest: Uint8Array, value: Uint8Array]> {
  const to = prefix.slice()
  to[to.length - 1] = (to.at(-1) ?? 0) + 1
  for await (const [key, value] of store.local.range({ from: prefix, to }))
    yield [key.slice(prefix.length), value]
}
