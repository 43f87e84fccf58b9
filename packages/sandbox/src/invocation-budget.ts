/**
 * What one invocation may use of the host: number and bytes of calls, and wall clock without the time spent in them. It
 * counts from the moment the invocation is served: what it waited before, in the node or sent ahead, is not its own.
 */
import type { AppRunLimits } from '@blocktree/app-package'

export class InvocationBudget {
  readonly limitMs: number
  readonly #limits: AppRunLimits
  readonly #startedMs = performance.now()
  #hostMs = 0
  #hostSinceMs: number | undefined
  #calls = 0
  #bytes = 0

  constructor(limits: AppRunLimits, limitMs: number) {
    this.#limits = limits
    this.limitMs = limitMs
  }

  /** @returns what is exceeded, or undefined when the call may go on */
  beginHostCall(bytes: number): string | undefined {
    const { hostCallsPerInvoke, hostBytesPerInvoke } = this.#limits
    this.#calls++
    this.#bytes += bytes
    this.#hostSinceMs = performance.now()
    if (this.#calls > hostCallsPerInvoke)
      return `more than ${hostCallsPerInvoke} host calls in one invocation`
    if (this.#bytes > hostBytesPerInvoke) {
      return `more than ${hostBytesPerInvoke} bytes in the host calls of one invocation`
    }
    return undefined
  }

  endHostCall(bytes: number): void {
    this.#bytes += bytes
    if (this.#hostSinceMs !== undefined) this.#hostMs += performance.now() - this.#hostSinceMs
    this.#hostSinceMs = undefined
  }

  /** How long the open host call has been waiting; undefined when there is none. */
  hostCallMs(): number | undefined {
    return this.#hostSinceMs === undefined ? undefined : performance.now() - this.#hostSinceMs
  }

  /** Milliseconds that the guest itself may still run; negative when they are over. */
  remainingMs(): number {
    const now = performance.now()
    const inHost = this.#hostMs + (this.#hostSinceMs === undefined ? 0 : now - this.#hostSinceMs)
    return this.limitMs - (now - this.#startedMs - inHost)
  }
}
