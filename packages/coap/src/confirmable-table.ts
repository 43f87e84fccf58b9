/** Confirmable messages that wait for an acknowledgement: repeated with growing pauses, then given up (RFC 7252 section 4.2). */
import type { Clock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { ackRandomFactor, ackTimeoutMs, retransmitMax } from './limits.ts'

interface Confirmable {
  readonly bytes: Uint8Array
  readonly token: Uint8Array
  readonly address: string
  readonly onEnd: (error: CoapError | undefined) => void
  transmissions: number
  delayMs: number
  cancel: () => void
}

export interface ConfirmableDependencies {
  readonly clock: Clock
  /** A number from 0 to below 1. */
  readonly random: () => number
  readonly send: (bytes: Uint8Array, address: string) => void
}

export class ConfirmableTable {
  readonly #deps: ConfirmableDependencies
  readonly #waiting = new Map<string, Confirmable>()

  constructor(deps: ConfirmableDependencies) {
    this.#deps = deps
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Sends it now. `onEnd` is called once: without an error when it was acknowledged. */
  send(
    key: string,
    message: Pick<Confirmable, 'bytes' | 'token' | 'address'>,
    onEnd: Confirmable['onEnd']
  ): void {
    const delayMs = ackTimeoutMs * (1 + this.#deps.random() * (ackRandomFactor - 1))
    const confirmable: Confirmable = { ...message, onEnd, transmissions: 1, delayMs, cancel: () => undefined }
    this.#waiting.set(key, confirmable)
    this.#deps.send(confirmable.bytes, confirmable.address)
    this.#await(key, confirmable)
  }

  /** The token of the message; undefined when none waits for this key. */
  tokenOf(key: string): Uint8Array | undefined {
    return this.#waiting.get(key)?.token
  }

  acknowledge(key: string): void {
    this.#end(key, undefined)
  }

  reject(key: string): void {
    this.#end(key, new CoapError('ERR_COAP_RESET', 'the peer rejected the message'))
  }

  /** No repetition any more: the caller has lost interest, or the answer came first. */
  forget(key: string): void {
    this.#waiting.get(key)?.cancel()
    this.#waiting.delete(key)
  }

  forgetAll(): void {
    for (const key of [...this.#waiting.keys()]) this.forget(key)
  }

  #end(key: string, error: CoapError | undefined): void {
    const confirmable = this.#waiting.get(key)
    if (confirmable === undefined) return
    this.forget(key)
    confirmable.onEnd(error)
  }

  #await(key: string, confirmable: Confirmable): void {
    confirmable.cancel = this.#deps.clock.schedule(confirmable.delayMs, () => {
      if (confirmable.transmissions > retransmitMax) {
        const text = `${confirmable.address} acknowledged none of ${confirmable.transmissions} transmissions`
        this.#end(key, new CoapError('ERR_COAP_TIMEOUT', text))
        return
      }
      confirmable.transmissions++
      confirmable.delayMs *= 2
      this.#deps.send(confirmable.bytes, confirmable.address)
      this.#await(key, confirmable)
    })
  }
}
