/**
 * The session of this member: numbers its requests, so that one which arrives twice counts once, and opens a new one when
 * the cluster knows the former no more (`lost` is called then: everything held in it is over).
 */
import type { Command } from './command.ts'
import type { CommandResult } from './command-result.ts'
import { CoordinatorError } from './coordinator-error.ts'
import type { CallOptions, LeaderCalls } from './leader-calls.ts'

/** What makes a request one of this session, and tell it from all others. */
export interface RequestNumbers {
  readonly session: number
  readonly request: number
  readonly floor: number
}

export interface SessionRequest {
  readonly session: number
  readonly request: number
  readonly result: CommandResult
}

const attemptsMax = 3

export class MemberSession {
  readonly #calls: LeaderCalls
  readonly #self: string
  readonly #random: () => number
  readonly #lost: () => void
  #opening: Promise<number> | undefined
  #next = 0
  readonly #outstanding = new Set<number>()

  constructor(deps: { calls: LeaderCalls; self: string; random: () => number; lost: () => void }) {
    this.#calls = deps.calls
    this.#self = deps.self
    this.#random = deps.random
    this.#lost = deps.lost
  }

  /** Number of the open session; undefined before it was needed. */
  current: number | undefined

  /** Carries out a command of this session exactly once. `ended` is answered only when sessions are lost again and again. */
  async request(
    makeCommand: (numbers: RequestNumbers) => Command,
    options: CallOptions
  ): Promise<SessionRequest> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#open(options)
      const request = this.#next++
      this.#outstanding.add(request)
      try {
        const floor = Math.min(...this.#outstanding)
        const result = await this.#calls.command(makeCommand({ session, request, floor }), options)
        if (result.outcome !== 'ended' || attempt === attemptsMax) return { session, request, result }
      } finally {
        this.#outstanding.delete(request)
      }
      this.#forget(session)
    }
  }

  /** Ends the session and all that is held in it; errors are of no interest when one leaves. */
  async close(until: number): Promise<void> {
    const session = this.current
    this.current = undefined
    if (session === undefined) return
    await this.#calls.command({ kind: 'close', session }, { until }).catch((error: unknown) => {
      if (!(error instanceof CoordinatorError)) throw error // out of reach: its leases run out by themselves
    })
  }

  #open(options: CallOptions): Promise<number> {
    this.#opening ??= this.#openNew(options).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openNew(options: CallOptions): Promise<number> {
    const nonce = Math.floor(this.#random() * Number.MAX_SAFE_INTEGER)
    const result = await this.#calls.command({ kind: 'open', member: this.#self, nonce }, options)
    if (result.outcome !== 'done') {
      throw new CoordinatorError('ERR_COORDINATOR_FULL', 'the coordinator has no room for another session')
    }
    this.current = result.value
    this.#next = 0
    return result.value
  }

  #forget(session: number): void {
    if (this.current !== session) return
    this.current = undefined
    this.#opening = undefined
    this.#lost()
  }
}
