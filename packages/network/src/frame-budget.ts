/**
 * What unfinished frames of peers that nobody vouches for may take of the memory, all connections of a network together:
 * each of them could else hold a frame of full length on each of its channels for as long as it likes.
 */
export class FrameBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** False when there is no room; nothing is taken then. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
  }
}
