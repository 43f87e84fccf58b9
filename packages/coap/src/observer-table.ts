/** Who observes what on the side that answers (RFC 7641), of one server; bounded for each peer and together. */
import { observationsMax, observationsTotalMax } from './limits.ts'
import type { HandlerResponse } from './handler.ts'
import type { Message, Response } from './message.ts'
import { createIntegerOption, integerOption, type Option, optionNumber } from './option.ts'

interface Observer {
  readonly peerKey: string
  sequence: number
  end: () => void
}

const sequenceMask = 0xff_ff_ff

/** The value of Observe in a request: 0 begins, 1 ends; undefined when it is none of these. */
export function observeRequest(options: readonly Option[]): 0 | 1 | undefined {
  const value = integerOption(options, optionNumber.observe)
  return value === 0 || value === 1 ? value : undefined
}

export class ObserverTable {
  readonly #observers = new Map<string, Observer>()
  readonly #countByPeer = new Map<string, number>()

  /**
   * Registers when the answer can be observed and there is room. @returns the answer with its Observe option, or as it was.
   * `send` gets each notification, Observe option included.
   */
  begin(
    peerKey: string,
    token: Uint8Array,
    response: HandlerResponse,
    send: (notification: Response, isLast: boolean) => void
  ): Response {
    const key = keyOf(peerKey, token)
    this.#remove(key)
    const { subscribe } = response
    const count = this.#countByPeer.get(peerKey) ?? 0
    if (subscribe === undefined || response.code >> 5 !== 2) return response
    if (count >= observationsMax || this.#observers.size >= observationsTotalMax) return response
    const observer: Observer = { peerKey, sequence: 1, end: () => undefined }
    this.#observers.set(key, observer)
    this.#countByPeer.set(peerKey, count + 1)
    observer.end = subscribe((notification) => {
      if (this.#observers.get(key) !== observer) return
      const isLast = notification.code >> 5 !== 2
      if (isLast) this.#remove(key)
      observer.sequence = (observer.sequence + 1) & sequenceMask
      send(isLast ? notification : withSequence(notification, observer.sequence), isLast)
    })
    return withSequence(response, observer.sequence)
  }

  end(peerKey: string, token: Uint8Array): void {
    this.#remove(keyOf(peerKey, token))
  }

  /** All of one peer: it is gone. */
  endPeer(peerKey: string): void {
    if (!this.#countByPeer.has(peerKey)) return
    for (const [key, observer] of this.#observers) if (observer.peerKey === peerKey) this.#remove(key)
  }

  #remove(key: string): void {
    const observer = this.#observers.get(key)
    if (observer === undefined) return
    this.#observers.delete(key)
    const count = (this.#countByPeer.get(observer.peerKey) ?? 1) - 1
    if (count === 0) this.#countByPeer.delete(observer.peerKey)
    else this.#countByPeer.set(observer.peerKey, count)
    observer.end()
  }
}

function keyOf(peerKey: string, token: Uint8Array): string {
  return `${peerKey}|${Buffer.from(token).toString('hex')}`
}

function withSequence(response: Response, sequence: number): Response {
  const option = createIntegerOption(optionNumber.observe, sequence)
  return { ...response, options: [...(response.options ?? []), option] }
}

/** Whether a notification is newer than another one: RFC 7641 section 3.4. */
export function isNewer(
  before: { sequence: number; at: number },
  after: { sequence: number; at: number }
): boolean {
  const forward = (after.sequence - before.sequence) & sequenceMask
  return (forward > 0 && forward < 0x80_00_00) || after.at > before.at + 128_000
}

/** A message's Observe sequence; undefined when it is no notification. */
export function sequenceOf(message: Pick<Message, 'options'>): number | undefined {
  return integerOption(message.options, optionNumber.observe)
}
