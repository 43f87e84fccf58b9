/** A subscription at the serving side: events go out while the peer reads, a bounded number waits otherwise. */
import type { Subscription } from './handlers.ts'
import { subscriptionEventsMax } from './limits.ts'

export interface SubscriptionOwner {
  readonly blocked: boolean
  sendEvent(message: EventMessage): void
  subscriptionEnded(id: number): void
}

export interface EventMessage {
  readonly subscription: number
  readonly event?: unknown
  readonly lost?: number
  readonly end?: true
}

export class ServerSubscription implements Subscription<unknown> {
  readonly id: number
  readonly #owner: SubscriptionOwner
  readonly #encode: (event: unknown) => unknown
  readonly #abort: AbortController = new AbortController()
  #waiting: unknown[] = []
  #lost = 0
  #held = true // until the request that made it is answered, so that the peer knows the id
  #ending = false

  constructor(id: number, owner: SubscriptionOwner, encode: (event: unknown) => unknown) {
    this.id = id
    this.#encode = encode
    this.#owner = owner
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  emit(event: unknown): void {
    if (this.#ending || this.#abort.signal.aborted) return
    if (!this.#held && !this.#owner.blocked && this.#waiting.length === 0) {
      this.#owner.sendEvent({ subscription: this.id, event: this.#encode(event) })
      return
    }
    this.#waiting.push(event)
    if (this.#waiting.length <= subscriptionEventsMax) return
    this.#lost += this.#waiting.length - subscriptionEventsMax / 2
    this.#waiting = this.#waiting.slice(-subscriptionEventsMax / 2)
  }

  end(): void {
    if (this.#ending || this.#abort.signal.aborted) return
    this.#ending = true
    this.flush()
  }

  /** The request was answered. */
  open(): void {
    this.#held = false
    this.flush()
  }

  /** Sends what waits, as far as the peer reads. */
  flush(): void {
    if (this.#held || this.#abort.signal.aborted) return
    let sent = 0
    if (this.#lost > 0 && !this.#owner.blocked) {
      this.#owner.sendEvent({ subscription: this.id, lost: this.#lost })
      this.#lost = 0
    }
    while (sent < this.#waiting.length && !this.#owner.blocked) {
      this.#owner.sendEvent({ subscription: this.id, event: this.#encode(this.#waiting[sent++]) })
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent)
    if (!this.#ending || this.#waiting.length > 0 || this.#owner.blocked) return
    this.#owner.sendEvent({ subscription: this.id, end: true })
    this.close()
  }

  /** Without a word to the peer. */
  close(): void {
    if (this.#abort.signal.aborted) return
    this.#waiting = []
    this.#owner.subscriptionEnded(this.id)
    this.#abort.abort()
  }
}
