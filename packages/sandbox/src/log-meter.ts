/**
 * The rate of an app's log, counted in the node. The child program drops what is above the rate already, so a process
 * that sends several times as much is not running that program any more.
 */

const floodFactor = 8 // above any difference of the two clocks, below what would keep the node busy

export class LogMeter {
  readonly #bytesPerSecond: number
  #windowMs = 0
  #bytes = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Counts a piece of log; `drop` above the rate, `flood` when the process must be ended. */
  take(bytes: number, nowMs: number): 'keep' | 'drop' | 'flood' {
    if (nowMs - this.#windowMs >= 1000) {
      this.#windowMs = nowMs
      this.#bytes = 0
    }
    this.#bytes += bytes
    if (this.#bytes <= this.#bytesPerSecond * 2) return 'keep'
    return this.#bytes > this.#bytesPerSecond * floodFactor + 65_536 ? 'flood' : 'drop'
  }
}
