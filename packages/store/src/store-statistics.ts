/** The space report. */
import type { Position } from './location.ts'
import type { StoreParts } from './store-parts.ts'

export interface StoreStatistics {
  readonly segments: number
  readonly segmentBytes: number
  readonly indexBytes: number
  /** What the disk still takes. */
  readonly freeBytes: number
  /** Where the log ends. */
  readonly end: Position
}

export async function storeStatistics(parts: StoreParts, end: Position): Promise<StoreStatistics> {
  const numbers = parts.segments.numbers()
  let segmentBytes = 0
  for (const segment of numbers) segmentBytes += parts.segments.size(segment)
  return {
    segments: numbers.length,
    segmentBytes,
    indexBytes: parts.driver.bytes(),
    freeBytes: await parts.files.freeBytes(),
    end
  }
}
