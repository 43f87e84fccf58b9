/** Randomness that a seed repeats: SHA-256 over seed and counter. For tests only. */
import { hash } from 'node:crypto'
import type { Random } from '@blocktree/crypto'

export interface SeededBytes extends Random {
  below(bound: number): number
  chance(probability: number): boolean
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
  const number = (): number => Buffer.from(bytes(4)).readUInt32LE() / 2 ** 32
  return {
    bytes,
    below: (bound) => Math.floor(number() * bound),
    chance: (probability) => number() < probability
  }
}
