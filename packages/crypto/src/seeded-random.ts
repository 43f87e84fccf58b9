/**
 * Chance that a seed repeats: SHA-256 over seed and counter. For tests, the simulator and scenarios only; whoever knows
 * the seed knows every byte.
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Random } from './crypto-provider.ts'

export interface SeededRandom extends Random {
  /** In [0, 1). */
  number(): number
  /** A whole number in [0, bound). */
  below(bound: number): number
  chance(probability: number): boolean
  /** One of them. @throws RangeError when there is none */
  pick<Item>(items: readonly Item[]): Item
}

/** The same seed gives the same bytes for ever, however they are asked for in pieces. */
export function createSeededRandom(seed: string): SeededRandom {
  let pool = new Uint8Array(0)
  let counter = 0
  function bytes(length: number): Uint8Array {
    const parts = [pool]
    for (let held = pool.length; held < length; held += 32)
      parts.push(sha256(utf8ToBytes(`${seed}/${counter++}`)))
    const all = concatBytes(...parts)
    pool = all.slice(length)
    return all.slice(0, length)
  }
  const number = (): number => bytes(6).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48
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
