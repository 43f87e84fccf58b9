/** Keys and randomness for tests: the same each time. */

/** 32 bytes that stand for a key; nothing is signed with it. */
export function keyOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number)
}

/** Uniform in [0, 1), from the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
