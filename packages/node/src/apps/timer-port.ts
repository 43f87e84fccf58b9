/** Timers that do not keep the node alive. */
import type { TimerPort } from '@blocktree/apps'

export function createTimerPort(): TimerPort {
  return {
    start(delayMs, call) {
      const timer = setTimeout(call, delayMs)
      timer.unref()
      return () => clearTimeout(timer)
    },
    monotonic: () => performance.now()
  }
}
