/** The one error class of this package. */
export type HarnessErrorCode =
  | 'ERR_HARNESS_START' // the node did not answer in time, or ended while starting
  | 'ERR_HARNESS_ENDED' // the node is not running
  | 'ERR_HARNESS_TIMEOUT' // a condition did not hold in time
  | 'ERR_HARNESS_BUILD' // the emitted node is not there

export class HarnessError extends Error {
  override readonly name = 'HarnessError'
  readonly code: HarnessErrorCode
  constructor(code: HarnessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
