/** Checks of what callers pass, before anything is sent. */
import { CoordinatorError } from './coordinator-error.ts'
import { memberBytesMax, nameBytesMax, sequenceCountMax, ttlMsMax, ttlMsMin } from './limits.ts'
import type { AcquireOptions } from './port.ts'

const encoder = new TextEncoder()

export function checkName(name: string): void {
  const bytes = encoder.encode(name).length
  if (bytes < 1 || bytes > nameBytesMax || !name.isWellFormed()) {
    throw invalid(`the name of a lock or a sequence has 1 to ${nameBytesMax} bytes; this one has ${bytes}`)
  }
}

export function checkMember(member: string): void {
  const bytes = encoder.encode(member).length
  if (bytes < 1 || bytes > memberBytesMax || !member.isWellFormed()) {
    throw invalid(`the name of a member has 1 to ${memberBytesMax} bytes; this one has ${bytes}`)
  }
}

export function checkAcquire(name: string, options: AcquireOptions): void {
  checkName(name)
  const { ttlMs, waitMs } = options
  if (!Number.isInteger(ttlMs) || ttlMs < ttlMsMin || ttlMs > ttlMsMax) {
    throw invalid(`a lease lasts ${ttlMsMin} to ${ttlMsMax} ms, not ${ttlMs}`)
  }
  if (!(waitMs >= 0)) throw invalid(`waitMs is not negative; got ${waitMs}`)
}

export function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > sequenceCountMax) {
    throw invalid(`1 to ${sequenceCountMax} numbers can be taken at once, not ${count}`)
  }
}

function invalid(message: string): CoordinatorError {
  return new CoordinatorError('ERR_COORDINATOR_ARGUMENT', message)
}
