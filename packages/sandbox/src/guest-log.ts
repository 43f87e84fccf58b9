/**
 * The guest's stdout and stderr on their way to the node: gathered, so that a guest that prints byte by byte costs the
 * node few frames, and dropped above the rate the app may use. The node counts again and trusts none of this.
 */
import { logFrameBytesMax } from './limits.ts'

export interface GuestLog {
  write(stream: 1 | 2, text: Uint8Array): void
  /** To be called before anything else is sent, so that text keeps its place. */
  flush(): void
}

export function createGuestLog(options: {
  readonly bytesPerSecond: number
  readonly send: (stream: 1 | 2, text: Uint8Array) => void
  readonly nowMs: () => number
}): GuestLog {
  const buffer = new Uint8Array(logFrameBytesMax)
  let held = 0
  let stream: 1 | 2 = 1
  let allowance = options.bytesPerSecond
  let filledMs = options.nowMs()
  const flush = (): void => {
    if (held > 0) options.send(stream, buffer.subarray(0, held))
    held = 0
  }
  const allowed = (wanted: number): number => {
    if (wanted > allowance) {
      const now = options.nowMs()
      const gained = ((now - filledMs) * options.bytesPerSecond) / 1000
      allowance = Math.min(options.bytesPerSecond, allowance + gained)
      filledMs = now
    }
    const granted = Math.min(wanted, Math.floor(allowance))
    allowance -= granted
    return granted
  }
  return {
    write(target, text) {
      if (target !== stream) flush()
      stream = target
      let rest = text.subarray(0, allowed(text.length))
      while (rest.length > 0) {
        const part = rest.subarray(0, buffer.length - held)
        buffer.set(part, held)
        held += part.length
        rest = rest.subarray(part.length)
        if (held === buffer.length) flush()
      }
    },
    flush
  }
}
