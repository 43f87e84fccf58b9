/**
 * Long writes store sectors before the header that names them. A collection of garbage must not begin in between: it
 * waits until none is under way. Sectors written after its beginning are safe, the store sees to that.
 */
import { NodeError } from './node-error.ts'

export interface BulkWrites {
  /** Runs a long write; a collection does not begin until it has ended. */
  during<Result>(work: () => Promise<Result>): Promise<Result>
  /** Resolves when no long write is under way; ERR_STORE_BUSY after `waitMsMax`. */
  idle(): Promise<void>
}

const waitMsMax = 60_000
const stepMs = 50

export function createBulkWrites(sleep: (milliseconds: number) => Promise<unknown>): BulkWrites {
  const count = { running: 0 }
  return {
    async during(work) {
      count.running++
      try {
        return await work()
      } finally {
        count.running--
      }
    },
    async idle() {
      for (let waited = 0; count.running > 0; waited += stepMs) {
        if (waited >= waitMsMax) {
          throw new NodeError(
            'ERR_STORE_BUSY',
            `${count.running} uploads or imports are under way; collect garbage when they have ended`
          )
        }
        await sleep(stepMs)
      }
    }
  }
}
