/** Time comes from outside, so that a simulator can own it. */
export interface Timers {
  /** Monotonic milliseconds from any beginning. */
  now(): number
  /** Calls back once after this time, unless the returned function was called before. */
  start(milliseconds: number, callback: () => void): () => void
  /** Runs a function soon, after what is running now: gathers frames into one write. */
  defer(callback: () => void): void
}

/** The clock and timers of the process. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  start(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
  defer: (callback) => {
    setImmediate(callback)
  }
}
