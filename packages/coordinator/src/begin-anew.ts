/**
 * The cluster begun anew by one member alone (doc/spec/29-coordinator.md, section 11): when a majority of the voters is lost for good, and
 * when a node comes out of a backup. Locks end; tokens and numbers go on above everything that was given before.
 */
import { CoordinatorError } from './coordinator-error.ts'
import { CoordinatorState, sequenceFloor } from './coordinator-state.ts'
import { sequenceCountMax } from './limits.ts'
import { nextBeginning, nextGeneration } from './raft/generation.ts'
import { type RaftStorage, type StoredRaft, nothingStored } from './raft/storage.ts'
import { decodeState, encodeState } from './state-snapshot.ts'

export interface NewBeginning {
  /** The only member from now on; others are added as usual. */
  readonly self: string
  /** The highest token that the protected store has seen, or any other number that tokens have to stay above. */
  readonly floor: number
}

/**
 * Replaces what the member stored; what is damaged counts as nothing. No coordinator may run on this storage.
 * @returns the index above which all tokens and numbers are from now on
 */
export async function beginAnew(storage: RaftStorage, { self, floor }: NewBeginning): Promise<number> {
  const { term, snapshot, entries } = await loadOrNothing(storage)
  const last = entries.at(-1)
  const numbers = [floor, last?.index ?? snapshot.index, ...numbersOf(snapshot.state)]
  // whatever the entries after the snapshot gave
  const added = entries.length * sequenceCountMax
  const index = nextBeginning(numbers.reduce((highest, number) => Math.max(highest, number), 0) + added)
  const begun = nextGeneration(Math.max(term, last?.term ?? snapshot.term))
  const state = new CoordinatorState()
  state.sequences.set(sequenceFloor, index)
  await storage.replace({
    term: begun,
    vote: undefined,
    snapshot: { index, term: begun, membership: { voters: [self], learners: [] }, state: encodeState(state) },
    entries: []
  })
  return index
}

async function loadOrNothing(storage: RaftStorage): Promise<StoredRaft> {
  try {
    return await storage.load()
  } catch (error) {
    if (error instanceof CoordinatorError && error.code === 'ERR_COORDINATOR_STORAGE_DAMAGED')
      return nothingStored
    throw error
  }
}

function numbersOf(state: Uint8Array): readonly number[] {
  return state.length === 0 ? [] : [...decodeState(state).sequences.values()]
}
