/** Chance that a seed repeats: SHA-256 over seed and counter. */
import { hash } from 'node:crypto'
import type { Random } from '@blocktree/crypto'

export interface SeededBytes extends Random {
  /** In [0, 1). */
  number(): number
  /** A whole number in [0, bound). */
  below(bound: number): number
  chance(probability: number): boolean
  /** One of them; there has to be one. */
  pick<Item>(items: readonly Item[]): Item
}

export function seededBytes(seed: string): SeededBytes {
  let pool = Buffer.alloc(0)
  let counter = 0
  function bytes(length: number): Uint8Array {
    const parts = [pool]
    for (let held = pool.length; held < length; held += 32)
      parts.push(hash('sha256', `${seed}/${counter++}`, 'buffer'))
    const all = Buffer.concat(parts)
    pool = all.subarray(length)
    return new Uint8Array(all.subarray(0, length))
  }
  const number = (): number => Buffer.from(bytes(6)).readUIntLE(0, 6) / 2 ** 48
  const below = (bound: number): number => Math.floor(number() * bound)
  return {
    bytes,
    number,
    below,
    chance: (probability) => number() < probability,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('nothing to choose from')
      return item
    }
  }
}
