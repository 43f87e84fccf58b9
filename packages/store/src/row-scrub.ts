/** Reads all rows of the index through, slowly, and verifies the checksum of each. */
import { openRow, rowSpace, spaceBounds } from './index-rows.ts'
import { StoreError } from './store-error.ts'
import { corruption } from './store-parts.ts'
import type { Finding, StoreParts } from './store-parts.ts'

const rowsPerTurn = 500
const pauseMs = 5

/** Ends after the first damaged row of each space: the index is to be made again in any case. */
export async function* damagedRows(parts: StoreParts, signal: AbortSignal): AsyncGenerator<Finding> {
  let count = 0
  for (const space of Object.values(rowSpace)) {
    for await (const [key, sealed] of parts.index.range(spaceBounds(space))) {
      if (signal.aborted) return
      const problem = problemOf(key, sealed)
      if (problem !== undefined) {
        yield corruption('index', 0, problem)
        break
      }
      if (++count % rowsPerTurn === 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

function problemOf(key: Uint8Array, sealed: Uint8Array): string | undefined {
  try {
    openRow(key, sealed)
    return undefined
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}
