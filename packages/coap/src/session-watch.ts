/** Says when a connection has been too slow, too quiet or too long for what it does. Times come from outside. */
import { csmTimeoutMs, frameTimeoutMs, idleTimeoutMs, stalledTimeoutMs } from './limits.ts'

/** Milliseconds. */
export interface SessionTimes {
  readonly greetingMs: number
  readonly frameMs: number
  readonly stalledMs: number
  /** Undefined: never released for being idle. */
  readonly idleMs: number | undefined
  /** Undefined: never pinged. */
  readonly keepAliveMs: number | undefined
}

export const serverTimes: SessionTimes = {
  greetingMs: csmTimeoutMs,
  frameMs: frameTimeoutMs,
  stalledMs: stalledTimeoutMs,
  idleMs: idleTimeoutMs,
  keepAliveMs: undefined
}

/** Whoever dialled keeps the connection alive. */
export const clientTimes: SessionTimes = {
  ...serverTimes,
  idleMs: undefined,
  keepAliveMs: Math.floor(idleTimeoutMs / 3)
}

export class SessionWatch {
  readonly #times: SessionTimes
  readonly #began: number
  #lastActivity: number
  #lastSign: number
  #frameSince: number | undefined
  #stalledSince: number | undefined

  constructor(times: SessionTimes, now: number) {
    this.#times = times
    this.#began = now
    this.#lastActivity = now
    this.#lastSign = now
  }

  get lastActivity(): number {
    return this.#lastActivity
  }

  /** Bytes came; `hasFinished`: they completed a message, `isUnfinished`: they end within one. */
  received(now: number, hasFinished: boolean, isUnfinished: boolean): void {
    this.#lastActivity = now
    this.#lastSign = now
    if (hasFinished || !isUnfinished) this.#frameSince = undefined
    if (isUnfinished) this.#frameSince ??= now
  }

  drained(): void {
    this.#stalledSince = undefined
  }

  /** `idle`: to be released; `silent`: to be pinged; other text: why it is cut off; undefined: all is well. */
  check(
    now: number,
    state: { readonly hasGreeted: boolean; readonly unsentBytes: number; readonly isIdle: boolean }
  ): string | undefined {
    const { greetingMs, frameMs, stalledMs, idleMs, keepAliveMs } = this.#times
    if (!state.hasGreeted && now - this.#began > greetingMs) return 'no capabilities came in time'
    if (this.#frameSince !== undefined && now - this.#frameSince > frameMs)
      return 'a message was not finished in time'
    if (state.unsentBytes === 0) this.#stalledSince = undefined
    else this.#stalledSince ??= now
    if (this.#stalledSince !== undefined && now - this.#stalledSince > stalledMs)
      return 'nothing is taken any more'
    if (idleMs !== undefined && state.isIdle && now - this.#lastActivity > idleMs) return 'idle'
    if (keepAliveMs !== undefined && now - this.#lastSign > keepAliveMs) {
      this.#lastSign = now
      return 'silent'
    }
    return undefined
  }
}
