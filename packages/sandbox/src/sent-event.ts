/** An event in the hands of a process, and what becomes of those that it did not get to. */
import type { AppRunError } from '@blocktree/app-package'

export interface ChildInvocation {
  readonly payload: Uint8Array
  readonly fuelUsed: number
}

export interface SentEvent {
  readonly kind: number
  readonly payload: Uint8Array
  readonly fuel: number
  /** Wall clock from the moment it is served, without host calls; the process is killed then. */
  readonly limitMs: number
  succeed(result: ChildInvocation): void
  /** `wasStarted` is false only when the guest certainly saw nothing of it. */
  fail(error: AppRunError, wasStarted: boolean): void
}

/**
 * The events that were sent ahead to a process that was then killed. It writes each answer before it begins the next
 * event, so the answers that are still in the socket tell how far it came: the event after the last answer had begun,
 * the ones behind it had not.
 */
export class LeftEvents {
  readonly #ahead: SentEvent[]
  readonly #error: AppRunError
  #answers = 0

  /** @param ahead without the one that was being served when the process was killed, which is settled already */
  constructor(ahead: SentEvent[], error: AppRunError) {
    this.#ahead = ahead
    this.#error = error
  }

  /** The next answer from the socket; the first is that of the event that is settled already. */
  answer(result: ChildInvocation): void {
    this.#answers++
    if (this.#answers > 1) this.#ahead.shift()?.succeed(result)
  }

  /** @param isWhole whether everything that the process wrote was read; without that any of them may have begun */
  end(isWhole: boolean): void {
    if (isWhole && this.#answers > 0) this.#ahead.shift()?.fail(this.#error, true)
    for (const event of this.#ahead.splice(0).reverse()) event.fail(this.#error, !isWhole)
  }
}
