/**
 * Notifications of one observed resource on the side that asked: stale ones are dropped, long ones are fetched whole, and
 * while one is fetched only the newest of those that come is kept (RFC 7641 sections 3.4 and 3.5).
 */
import type { ReceivedResponse } from './message.ts'
import { isNewer, sequenceOf } from './observer-table.ts'

export class NotificationFeed {
  readonly #complete: (response: ReceivedResponse) => Promise<ReceivedResponse>
  readonly #onResponse: (response: ReceivedResponse) => void
  #last: { readonly sequence: number; readonly at: number } | undefined
  #next: ReceivedResponse | undefined
  #isRunning = true // until the first answer is delivered
  #isEnded = false

  constructor(
    complete: (response: ReceivedResponse) => Promise<ReceivedResponse>,
    onResponse: (response: ReceivedResponse) => void
  ) {
    this.#complete = complete
    this.#onResponse = onResponse
  }

  /** Takes the sequence of the first answer; what came since then is delivered now. */
  begin(first: ReceivedResponse, at: number): void {
    const sequence = sequenceOf(first)
    if (sequence !== undefined) this.#last ??= { sequence, at }
    this.#isRunning = false
    this.#run()
  }

  /** A notification, or the answer of class 4 or 5 that ends the observation. */
  push(response: ReceivedResponse, at: number): void {
    if (this.#isEnded) return
    const sequence = sequenceOf(response)
    if (sequence !== undefined) {
      const now = { sequence, at }
      if (this.#last !== undefined && !isNewer(this.#last, now)) return
      this.#last = now
    }
    this.#next = response
    this.#run()
  }

  end(): void {
    this.#isEnded = true
    this.#next = undefined
  }

  #run(): void {
    const response = this.#next
    if (this.#isRunning || response === undefined) return
    this.#next = undefined
    this.#isRunning = true
    this.#complete(response)
      .then((whole) => {
        if (!this.#isEnded) this.#onResponse(whole)
      })
      .catch(() => undefined) // the next notification brings a newer state
      .finally(() => {
        this.#isRunning = false
        this.#run()
      })
      .catch(() => undefined)
  }
}
