/**
 * Generations of a cluster (doc/spec/29-coordinator.md, section 11): the high bits of a term. One that was begun anew, because a majority of
 * its voters is lost for good, is of the next generation; terms of elections stay within theirs.
 */
import { CoordinatorError } from '../coordinator-error.ts'

const generationTerms = 2 ** 40
/** Tokens and numbers of a new beginning are so much higher than all that are known: more than anybody can have missed. */
const indexLeap = 2 ** 32

/** Elections that a member can have missed; a higher term within the generation is forged. */
export const termLeapMax: number = 2 ** 20

export function generationOf(term: number): number {
  return Math.floor(term / generationTerms)
}

/** @throws ERR_COORDINATOR_FULL after 8,191 of them */
export function nextGeneration(term: number): number {
  return expectNumber((generationOf(term) + 1) * generationTerms)
}

/** @throws ERR_COORDINATOR_FULL after some two million of them */
export function nextBeginning(index: number): number {
  return expectNumber(index + indexLeap)
}

function expectNumber(value: number): number {
  if (Number.isSafeInteger(value + indexLeap)) return value
  throw new CoordinatorError(
    'ERR_COORDINATOR_FULL',
    'the cluster cannot be begun anew: there are no numbers left for it'
  )
}
