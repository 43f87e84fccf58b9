/**
 * The earliest time that can be now (B.7.5): when this release was built, or the highest time in a checkpoint that a root
 * signed itself. A host whose clock says less cannot tell whether a cap has ended, and admits nothing under one that may
 * (A47).
 */
import { recordType } from './records.ts'
import type { TreeParts } from './tree-parts.ts'
import { isCheckpointValid } from './validity.ts'

export class ClockFloor {
  readonly #parts: Pick<TreeParts, 'authority' | 'chains' | 'held' | 'releasedMs'>
  #signedMs = 0
  #signedChange = -1

  constructor(parts: Pick<TreeParts, 'authority' | 'chains' | 'held' | 'releasedMs'>) {
    this.#parts = parts
  }

  /** Milliseconds since 1970. */
  get ms(): number {
    const { authority, releasedMs } = this.#parts
    if (authority.changeCount !== this.#signedChange) {
      this.#signedMs = this.#highestSigned()
      this.#signedChange = authority.changeCount
    }
    return Math.max(releasedMs, this.#signedMs)
  }

  #highestSigned(): number {
    const { authority, held, chains } = this.#parts
    let highest = 0
    for (const record of authority.records()) {
      const isOfRoot = record.type === recordType.checkpoint && record.body.cap === undefined
      if (isOfRoot && isCheckpointValid(held, chains, record)) highest = Math.max(highest, record.body.timeMs)
    }
    return highest
  }
}
