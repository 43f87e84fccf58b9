/** Time as the protocol sees it: tests hand in their own and let it pass at will. */
export interface Clock {
  /** Milliseconds from any fixed point; never goes back. */
  now(): number
  /** Calls back once after `delayMs`; @returns a function that prevents it. Does not keep the process alive. */
  schedule(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}
