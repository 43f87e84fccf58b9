/**
 * What a member keeps through a crash: term, vote, snapshot, log. Port and memory driver; the driver over files is in
 * `../file-storage.ts`. A member that forgets what it acknowledged may elect two leaders, so damage is an error.
 */
import { CoordinatorError } from '../coordinator-error.ts'
import type { Entry } from './entry.ts'
import { type Snapshot, emptySnapshot } from './log.ts'
import type { HardState } from './outbox.ts'

export interface StoredRaft {
  readonly term: number
  readonly vote: string | undefined
  readonly snapshot: Snapshot
  readonly entries: readonly Entry[]
}

export const nothingStored: StoredRaft = { term: 0, vote: undefined, snapshot: emptySnapshot, entries: [] }

export interface StorageStep {
  readonly vote: HardState | undefined
  readonly truncateFrom: number | undefined
  readonly entries: readonly Entry[]
}

export interface RaftStorage {
  /** What was kept; `nothingStored` the first time. `ERR_COORDINATOR_STORAGE_DAMAGED` when it cannot be trusted. */
  load(): Promise<StoredRaft>
  /** Durable when it resolves. One call at a time. */
  save(step: StorageStep): Promise<void>
  /** Replaces everything, whole or not at all. */
  replace(stored: StoredRaft): Promise<void>
  close(): Promise<void>
}

/** Keeps everything in memory; for tests, the simulator, and cases where a crash ends the cluster as well. */
export class MemoryRaftStorage implements RaftStorage {
  #stored: StoredRaft = nothingStored

  load(): Promise<StoredRaft> {
    return Promise.resolve(this.#stored)
  }

  save(step: StorageStep): Promise<void> {
    this.#stored = applyStep(this.#stored, step)
    return Promise.resolve()
  }

  replace(stored: StoredRaft): Promise<void> {
    this.#stored = stored
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** What is stored after a step; entries have to follow on each other. */
export function applyStep(stored: StoredRaft, step: StorageStep): StoredRaft {
  const { snapshot } = stored
  const kept =
    step.truncateFrom === undefined
      ? stored.entries
      : stored.entries.slice(0, Math.max(0, step.truncateFrom - snapshot.index - 1))
  const entries = step.entries.length === 0 ? kept : [...kept, ...step.entries]
  const last = entries.at(-1)
  if (last !== undefined && last.index !== snapshot.index + entries.length) {
    throw new CoordinatorError(
      'ERR_COORDINATOR_STORAGE_DAMAGED',
      `the log of the coordinator has a gap before entry ${last.index}`
    )
  }
  return { ...stored, ...step.vote, entries }
}
