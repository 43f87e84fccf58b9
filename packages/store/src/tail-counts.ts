/**
 * How many keys of packed batches end in the same bits. Hundreds of batches may wait for the index; most keys that are
 * asked for are in none of them, and this says so without asking each.
 */
const bits = 18
const counts = 2 ** bits // 512 KiB, in a store that has packed batches; one in nine is taken when 32,768 rows wait
const countMax = 0xffff // stays when it was reached: then batches are asked in vain, never left out

export class TailCounts {
  #counts: Uint16Array | undefined

  /** @param tails the last four bytes of each key, as numbers */
  add(tails: Uint32Array): void {
    const all = (this.#counts ??= new Uint16Array(counts))
    for (const tail of tails) {
      const at = tail & (counts - 1)
      const count = all[at] ?? 0
      if (count < countMax) all[at] = count + 1
    }
  }

  remove(tails: Uint32Array): void {
    const all = this.#counts
    if (all === undefined) return
    for (const tail of tails) {
      const at = tail & (counts - 1)
      const count = all[at] ?? 0
      if (count > 0 && count < countMax) all[at] = count - 1
    }
  }

  /** False when certainly no key with this tail was added. */
  has(tail: number): boolean {
    return this.#counts !== undefined && this.#counts[tail & (counts - 1)] !== 0
  }
}

/** The last four bytes of a key as a number. */
export function tailOf(key: Uint8Array): number {
  const end = key.length
  return (
    (((key[end - 4] ?? 0) << 24) |
      ((key[end - 3] ?? 0) << 16) |
      ((key[end - 2] ?? 0) << 8) |
      (key[end - 1] ?? 0)) >>>
    0
  )
}
