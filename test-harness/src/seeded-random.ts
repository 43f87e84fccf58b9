/** Choices that a seed repeats. For tests only: nothing here is fit for keys. */
export interface SeededRandom {
  /** An integer from 0 up to, not including, `bound`. */
  below(bound: number): number
  bytes(length: number): Uint8Array
}

/** xorshift32. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1
  function next(): number {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
  return {
    below: (bound) => next() % bound,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let index = 0; index < length; index++) bytes[index] = next() >>> 24
      return bytes
    }
  }
}
