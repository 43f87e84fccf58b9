/**
 * A host call that is answered with a failure. Handlers and ports throw it; the words go to the guest and to the app's
 * log, so they name what the guest asked for and nothing that it may not know.
 */
import type { Failure } from '@blocktree/app-package'

export class HostFailure extends Error {
  override readonly name = 'HostFailure'
  readonly failure: Failure
  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

export function fail(failure: Failure, message: string): never {
  throw new HostFailure(failure, message)
}
