/**
 * Fencing tokens that grow over restarts: numbers are reserved in the local rows of the store a block at a time, before
 * any of the block is given out, so that none is given twice however the node ended.
 */
import type { BlockStore } from '@blocktree/tree'

const rowKey: Uint8Array = new TextEncoder().encode('node/fencing-token')
const reservedAtOnce = 100_000 // one row for so many locks; skipped numbers cost nothing

/** @returns the next token, synchronously */
export async function openFencingTokens(store: BlockStore): Promise<() => number> {
  const bytes = store.local.get(rowKey)
  let last = bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))
  let reserved = last
  let reserving: Promise<void> | undefined
  const reserve = async (): Promise<void> => {
    const until = reserved + reservedAtOnce
    await store.commit({ local: [{ key: rowKey, value: new TextEncoder().encode(String(until)) }] })
    reserved = until
    reserving = undefined
  }
  await reserve()
  return () => {
    last += 1
    if (reserved - last < reservedAtOnce / 2) reserving ??= reserve()
    if (last > reserved) throw new Error('fencing tokens are given out faster than they can be reserved')
    return last
  }
}
