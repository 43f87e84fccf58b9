/** True for the error of a disk that was told to stop, also as the cause of another error. */
export function isClosedByStop(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'DiskStopped') return true
  return error.cause !== undefined && isClosedByStop(error.cause)
}
