/**
 * Questions of apps to the person, waiting for an answer. The app says what kind of object it wants and why; the person
 * picks which one, or none. One desk for all apps of a node; the node's methods and pages show it.
 */
import type { FileRight } from '@blocktree/app-package'
import { fail } from './host-failure.ts'
import { questionMs, questionsPending } from './limits.ts'
import type { TimerPort } from './ports.ts'

export interface Question {
  /** Counted up from 1 since the start of the node. */
  readonly number: number
  readonly app: string
  /** Under which the app will use the grant. */
  readonly name: string
  readonly object: 'folder' | 'file'
  readonly rights: readonly FileRight[]
  /** The app's words. */
  readonly reason: string
  readonly askedMs: number
}

export type QuestionOutcome = 'granted' | 'declined' | 'unanswered'

interface Pending {
  readonly question: Question
  readonly settle: (outcome: QuestionOutcome) => void
}

export class QuestionDesk {
  readonly #timers: TimerPort
  readonly #now: () => number
  readonly #pending = new Map<number, Pending>()
  #asked = 0

  constructor(deps: { readonly timers: TimerPort; readonly now: () => number }) {
    this.#timers = deps.timers
    this.#now = deps.now
  }

  /** Oldest first. */
  list(): readonly Question[] {
    return [...this.#pending.values()].map(({ question }) => question)
  }

  find(number: number): Question | undefined {
    return this.#pending.get(number)?.question
  }

  /**
   * Puts a question; `onSettled` is called once, unless it is withdrawn. Fails with `busy` when the app asks too much.
   * @returns withdraws it
   */
  ask(
    question: Omit<Question, 'number' | 'askedMs'>,
    onSettled: (outcome: QuestionOutcome) => void
  ): () => void {
    const ofApp = this.list().filter(({ app }) => app === question.app)
    if (ofApp.length >= questionsPending)
      fail('busy', `${questionsPending} questions wait for the person already`)
    if (ofApp.some(({ name }) => name === question.name))
      fail('exists', `"${question.name}" is being asked for`)
    this.#asked += 1
    const number = this.#asked
    const cancelTimer = this.#timers.start(questionMs, () => this.settle(number, 'unanswered'))
    const settle = (outcome: QuestionOutcome): void => {
      cancelTimer()
      onSettled(outcome)
    }
    this.#pending.set(number, { question: { ...question, number, askedMs: this.#now() }, settle })
    return () => {
      cancelTimer()
      this.#pending.delete(number)
    }
  }

  /** False when there is no such question any more. A grant must be in force before `granted` is told. */
  settle(number: number, outcome: QuestionOutcome): boolean {
    const pending = this.#pending.get(number)
    if (pending === undefined) return false
    this.#pending.delete(number)
    pending.settle(outcome)
    return true
  }
}
