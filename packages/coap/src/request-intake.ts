/**
 * Requests of one peer on their way to the handler: some run, some wait, and above that the connection is not read. What
 * waits for an answer of ours is not held up by it: only requests wait.
 */
import {
  handlingPerConnectionMax,
  outputBytesMax,
  waitingBytesMax,
  waitingPerConnectionMax
} from './limits.ts'
import { code } from './code.ts'
import type { Message, Response } from './message.ts'
import type { StreamConnection } from './stream-output.ts'

export interface IntakeDependencies {
  readonly connection: Pick<StreamConnection, 'pause' | 'resume'>
  readonly unsentBytes: () => number
  readonly answer: (message: Message) => Response | Promise<Response>
  readonly respond: (message: Message, response: Response) => void
  /** Called when nothing runs or waits any more. */
  readonly onIdle: () => void
}

export class RequestIntake {
  readonly #deps: IntakeDependencies
  #waiting: Message[] = []
  #waitingBytes = 0
  #handling = 0
  #isPaused = false

  constructor(deps: IntakeDependencies) {
    this.#deps = deps
  }

  get isIdle(): boolean {
    return this.#handling === 0 && this.#waiting.length === 0
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  take(message: Message): void {
    if (this.#waiting.length === 0 && this.#hasRoom()) {
      this.#handle(message)
      return
    }
    this.#waiting.push(message)
    this.#waitingBytes += weight(message)
    if (this.#waiting.length < waitingPerConnectionMax && this.#waitingBytes < waitingBytesMax) return
    this.#isPaused = true
    this.#deps.connection.pause()
  }

  /** There may be room again. */
  proceed(): void {
    let next = 0
    while (next < this.#waiting.length && this.#hasRoom()) {
      const message = this.#waiting[next++]
      if (message === undefined) break
      this.#waitingBytes -= weight(message)
      this.#handle(message)
    }
    if (next > 0) this.#waiting = this.#waiting.slice(next)
    if (!this.#isPaused || this.#waiting.length > waitingPerConnectionMax / 2) return
    if (this.#waitingBytes > waitingBytesMax / 2) return
    this.#isPaused = false
    this.#deps.connection.resume()
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #hasRoom(): boolean {
    return this.#handling < handlingPerConnectionMax && this.#deps.unsentBytes() < outputBytesMax
  }

  #handle(message: Message): void {
    const answer = this.#deps.answer(message)
    if (!(answer instanceof Promise)) {
      this.#deps.respond(message, answer)
      return
    }
    this.#handling++
    const settle = (response: Response): void => {
      this.#handling--
      this.#deps.respond(message, response)
      if (this.#waiting.length > 0) this.proceed()
      if (this.isIdle) this.#deps.onIdle()
    }
    answer.then(settle, () => settle({ code: code.internalServerError }))
  }
}

/** Bytes kept for a request that waits, with something for its objects. */
function weight({ options, payload }: Message): number {
  return 256 + 64 * options.length + payload.length
}
