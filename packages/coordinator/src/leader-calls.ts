/**
 * Gets a question to whoever leads, here or elsewhere, again and again until the caller's time is over. A question may
 * therefore be carried out twice; commands are made so that the second time changes nothing.
 */
import { type Command, decodeCommand, encodeCommand } from './command.ts'
import type { CommandResult } from './command-result.ts'
import { CoordinatorError } from './coordinator-error.ts'
import type { CoordinatorState } from './coordinator-state.ts'
import { membersMax, votelessLocksMax, votelessSequencesMax } from './limits.ts'
import {
  type CoordinatorLink,
  type LeaderAnswer,
  type LeaderQuestion,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion
} from './link.ts'
import { nameError } from './name-error.ts'
import type { CoordinatorClock, NameRule, NameVerdict } from './port.ts'
import { isMember } from './raft/entry.ts'
import { type Applied, type Replica, closedError } from './replica.ts'

export interface CallOptions {
  /** Moment by the clock at which `ERR_COORDINATOR_NO_MAJORITY` is thrown. */
  readonly until: number
  readonly signal?: AbortSignal | undefined
}

const retryMs = 100
const attemptMs = 2000
const done: CommandResult = { outcome: 'done', value: 0 }

export class LeaderCalls {
  readonly #replica: Replica
  readonly #link: CoordinatorLink
  readonly #clock: CoordinatorClock
  readonly #self: string
  readonly #mayName: NameRule
  /** Commands of members without a vote that are not in force yet. */
  readonly #underWay: Map<string, number> = new Map()
  readonly #closing: AbortController = new AbortController()

  /** @param deps.mayName asked where this member leads, of the names that others send */
  constructor(deps: {
    replica: Replica
    link: CoordinatorLink
    clock: CoordinatorClock
    self: string
    mayName: NameRule
  }) {
    this.#replica = deps.replica
    this.#link = deps.link
    this.#clock = deps.clock
    this.#self = deps.self
    this.#mayName = deps.mayName
  }

  async command(command: Command, options: CallOptions): Promise<CommandResult> {
    const { result } = await this.ask({ kind: 'propose', command: encodeCommand(command) }, options)
    return result
  }

  /**
   * Errors: `ERR_COORDINATOR_NO_MAJORITY`, `ERR_COORDINATOR_NAME`, `ERR_COORDINATOR_CANCELLED`,
   * `ERR_COORDINATOR_CLOSED`.
   */
  async ask(question: LeaderQuestion, options: CallOptions): Promise<Applied> {
    let isUnknown = false
    for (;;) {
      if (this.#replica.closed || this.#closing.signal.aborted) throw closedError()
      if (options.signal?.aborted === true) {
        throw new CoordinatorError(
          'ERR_COORDINATOR_CANCELLED',
          'the caller gave up waiting for the coordinator'
        )
      }
      const left = options.until - this.#clock.now()
      if (left <= 0) throw isUnknown ? nameError(false) : noMajority(this.#replica)
      const answer = await this.#attempt(question, Math.min(left, attemptMs), options.signal)
      if (answer.kind === 'result') return { index: answer.index, result: answer.result }
      if (answer.kind === 'refused' && answer.isKnown) throw nameError(true)
      isUnknown ||= answer.kind === 'refused'
      await this.#pause(Math.min(left, retryMs))
    }
  }

  /** Answers what another member asks of this one as the leader. */
  async answer(from: string, bytes: Uint8Array): Promise<Uint8Array> {
    const question = decodeQuestion(bytes)
    if (question.kind === 'propose') {
      const command = decodeCommand(question.command)
      this.#vouch(command, from)
      const verdict = this.#judge(command, from)
      if (verdict !== 'allowed') return encodeAnswer({ kind: 'refused', isKnown: verdict === 'refused' })
      if (!this.#replica.mayDecide(from)) return await this.#leadBounded(question, command, from)
    }
    if ((question.kind === 'add' || question.kind === 'remove') && !this.#replica.mayDecide(from)) {
      throw new CoordinatorError(
        'ERR_COORDINATOR_MALFORMED',
        `refused to ${question.kind} a member for ${from}: it has no vote`
      )
    }
    return encodeAnswer(await this.#lead(question))
  }

  close(): void {
    this.#closing.abort()
  }

  /** A member acts in its own sessions alone, and only the leader itself ends leases by time. */
  #vouch(command: Command, from: string): void {
    const owner =
      command.kind === 'open'
        ? command.member
        : 'session' in command
          ? this.#replica.state.sessions.get(command.session)?.member
          : from
    if (command.kind !== 'expire' && (owner === undefined || owner === from)) return
    throw new CoordinatorError(
      'ERR_COORDINATOR_MALFORMED',
      `refused the command "${command.kind}" of ${from}: it may not act for another member`
    )
  }

  /**
   * Whether the name is for the member that sends it. One that does not lead leaves it to who does: it says so next. What
   * a member holds or waits for already needs no second look.
   */
  #judge(command: Command, from: string): NameVerdict {
    if (!this.#replica.raft.leads) return 'allowed'
    switch (command.kind) {
      case 'acquire':
      case 'break':
      case 'sequence':
        return this.#mayName(from, command.name)
      default:
        return 'allowed'
    }
  }

  /** A member with one directory leaves room in the state for the others. */
  async #leadBounded(question: LeaderQuestion, command: Command, from: string): Promise<Uint8Array> {
    const underWay = this.#underWay.get(from) ?? 0
    if (isBeyondShare(this.#replica.state, command, from, underWay))
      return encodeAnswer({ kind: 'result', index: 0, result: { outcome: 'full', value: 0 } })
    this.#underWay.set(from, underWay + 1)
    try {
      return encodeAnswer(await this.#lead(question))
    } finally {
      const left = (this.#underWay.get(from) ?? 1) - 1
      if (left === 0) this.#underWay.delete(from)
      else this.#underWay.set(from, left)
    }
  }

  async #attempt(
    question: LeaderQuestion,
    timeoutMs: number,
    signal: AbortSignal | undefined
  ): Promise<LeaderAnswer> {
    const { leader } = this.#replica.raft
    if (leader === undefined) return { kind: 'elsewhere', leader }
    const limit = this.#limit(timeoutMs, signal)
    try {
      if (leader === this.#self) return await Promise.race([this.#lead(question), limit.passed])
      const all =
        signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
      return decodeAnswer(await this.#link.ask(leader, encodeQuestion(question), { timeoutMs, signal: all }))
    } catch {
      return { kind: 'elsewhere', leader: undefined } // the way or the leader is gone; the loop asks whoever leads then
    } finally {
      limit.cancel()
    }
  }

  #limit(
    timeoutMs: number,
    signal: AbortSignal | undefined
  ): { passed: Promise<LeaderAnswer>; cancel: () => void } {
    let cancel = (): void => undefined
    const passed = new Promise<LeaderAnswer>((resolve) => {
      const give = (): void => resolve({ kind: 'elsewhere', leader: undefined })
      const stop = this.#clock.start(timeoutMs, give)
      signal?.addEventListener('abort', give, { once: true })
      cancel = () => {
        stop()
        signal?.removeEventListener('abort', give)
      }
    })
    return { passed, cancel }
  }

  async #lead(question: LeaderQuestion): Promise<LeaderAnswer> {
    const applied = await this.#carryOut(question)
    if (applied !== undefined) return { kind: 'result', ...applied }
    const { leader } = this.#replica.raft
    return { kind: 'elsewhere', leader: leader === this.#self ? undefined : leader }
  }

  async #carryOut(question: LeaderQuestion): Promise<Applied | undefined> {
    switch (question.kind) {
      case 'propose':
        return await this.#replica.propose(decodeCommand(question.command))
      case 'read': {
        const index = await this.#replica.readIndex()
        return index === undefined ? undefined : { index, result: done }
      }
      case 'add':
        return await this.#add(question.member)
      case 'remove':
        return await this.#remove(question.member)
    }
  }

  async #add(member: string): Promise<Applied | undefined> {
    const { voters, learners } = this.#replica.raft.membership
    if (voters.includes(member) || learners.includes(member)) return await this.#confirmed()
    if (voters.length + learners.length >= membersMax)
      return { index: 0, result: { outcome: 'full', value: 0 } }
    return await this.#replica.proposeMembership({ voters, learners: [...learners, member] })
  }

  async #remove(member: string): Promise<Applied | undefined> {
    const { membership } = this.#replica.raft
    if (!isMember(membership, member)) return await this.#confirmed()
    const without = (members: readonly string[]): string[] => members.filter((other) => other !== member)
    if (without(membership.voters).length === 0) return { index: 0, result: { outcome: 'held', value: 0 } }
    return await this.#replica.proposeMembership({
      voters: without(membership.voters),
      learners: without(membership.learners)
    })
  }

  /** Nothing to change; still only the leader of a majority may say so. */
  async #confirmed(): Promise<Applied | undefined> {
    const index = await this.#replica.readIndex()
    return index === undefined ? undefined : { index, result: done }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        stopTimer()
        stopListening()
        resolve()
      }
      const before = this.#replica.raft.leader
      const stopTimer = this.#clock.start(delayMs, finish)
      const stopListening = this.#replica.onChange(() => {
        if (this.#replica.closed || this.#replica.raft.leader !== before) finish()
      })
    })
  }
}

function noMajority(replica: Replica): CoordinatorError {
  const { voters } = replica.raft.membership
  return new CoordinatorError(
    'ERR_COORDINATOR_NO_MAJORITY',
    `no majority of the ${voters.length} voting members could be reached in time; ` +
      'the change may or may not have been made. Go on locally, or try again when the others are back'
  )
}

function isBeyondShare(state: CoordinatorState, command: Command, from: string, underWay: number): boolean {
  if (command.kind === 'sequence')
    return !state.sequences.has(command.name) && state.sequences.size + underWay >= votelessSequencesMax
  return command.kind === 'acquire' && state.placesOf(from) + underWay >= votelessLocksMax
}
