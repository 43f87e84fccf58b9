/**
 * Judges recorded histories: is there one order of all operations that respects real time and that the model accepts?
 * Search with memory of what was tried (Wing and Gong 1993, Lowe 2017). Histories of different objects are judged apart.
 */

export interface Operation<Input, Output> {
  readonly process: string
  readonly input: Input
  readonly calledAt: number
  /** Undefined when no answer came: it may have happened at any time after the call, or never. */
  readonly returned: { readonly at: number; readonly output: Output } | undefined
}

export interface Model<State, Input, Output> {
  readonly initial: State
  /** The state afterwards; undefined when this output cannot come from this state. An undefined output may be anything. */
  step(state: State, input: Input, output: Output | undefined): State | undefined
  /** Equal states have equal text. */
  describe(state: State): string
}

export type Verdict<Input, Output> =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false
      /** The most operations that could be ordered; the next one could not follow. */
      readonly longest: readonly Operation<Input, Output>[]
    }
  /** More steps than allowed: neither shown nor refuted. */
  | { readonly linearizable: undefined; readonly steps: number }

const stepsMaxDefault = 2_000_000

export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  stepsMax: number = stepsMaxDefault
): Verdict<Input, Output> {
  return new Search(model, history, stepsMax).run()
}

interface Frame<State> {
  readonly state: State
  /** Operations not yet tried at this place. */
  readonly candidates: readonly number[]
  next: number
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>
  readonly #operations: readonly Operation<Input, Output>[]
  readonly #stepsMax: number
  readonly #placed: boolean[]
  readonly #order: number[] = []
  readonly #tried = new Set<string>()
  #longest: readonly number[] = []
  #open: number

  constructor(
    model: Model<State, Input, Output>,
    history: readonly Operation<Input, Output>[],
    stepsMax: number
  ) {
    this.#model = model
    this.#operations = history.toSorted((a, b) => a.calledAt - b.calledAt)
    this.#stepsMax = stepsMax
    this.#placed = this.#operations.map(() => false)
    this.#open = this.#operations.filter((operation) => operation.returned !== undefined).length
  }

  run(): Verdict<Input, Output> {
    const frames: Frame<State>[] = [this.#frame(this.#model.initial)]
    let steps = 0
    while (this.#open > 0) {
      if (++steps > this.#stepsMax) return { linearizable: undefined, steps }
      const frame = frames.at(-1)
      if (frame === undefined) break
      const index = frame.candidates[frame.next++]
      if (index === undefined) {
        frames.pop()
        this.#takeBack()
        continue
      }
      const after = this.#try(frame.state, index)
      if (after !== undefined) frames.push(this.#frame(after.state))
    }
    if (this.#open === 0) return { linearizable: true }
    return { linearizable: false, longest: this.#longest.flatMap((index) => this.#operations[index] ?? []) }
  }

  /** Places the operation next if the model accepts it and this was not tried in another order. */
  #try(state: State, index: number): { readonly state: State } | undefined {
    const operation = this.#operations[index]
    if (operation === undefined) return undefined
    const after = this.#model.step(state, operation.input, operation.returned?.output)
    if (after === undefined) return undefined
    this.#place(index, true)
    const key = this.#key(after)
    if (this.#tried.has(key)) {
      this.#place(index, false)
      return undefined
    }
    this.#tried.add(key)
    this.#order.push(index)
    if (this.#order.length > this.#longest.length) this.#longest = [...this.#order]
    return { state: after }
  }

  #takeBack(): void {
    const index = this.#order.pop()
    if (index !== undefined) this.#place(index, false)
  }

  #place(index: number, placed: boolean): void {
    this.#placed[index] = placed
    if (this.#operations[index]?.returned !== undefined) this.#open += placed ? -1 : 1
  }

  /** What may come next: called before the first answer among those that are not placed. */
  #frame(state: State): Frame<State> {
    let firstAnswer = Number.POSITIVE_INFINITY
    for (const [index, operation] of this.#operations.entries()) {
      if (this.#placed[index] !== true)
        firstAnswer = Math.min(firstAnswer, operation.returned?.at ?? Number.POSITIVE_INFINITY)
    }
    const candidates: number[] = []
    for (const [index, operation] of this.#operations.entries()) {
      if (operation.calledAt > firstAnswer) break
      if (this.#placed[index] !== true) candidates.push(index)
    }
    return { state, candidates, next: 0 }
  }

  #key(state: State): string {
    let bits = ''
    for (let index = 0; index < this.#placed.length; index += 16) {
      let word = 0
      for (let bit = 0; bit < 16; bit++) if (this.#placed[index + bit] === true) word |= 1 << bit
      bits += String.fromCharCode(word)
    }
    return `${bits}|${this.#model.describe(state)}`
  }
}

// --- models

export type RegisterInput = { readonly kind: 'read' } | { readonly kind: 'write'; readonly value: string }

/** A register: writes answer `ok`, reads the value last written (empty before the first). */
export const registerModel: Model<string, RegisterInput, string> = {
  initial: '',
  step: (state, input, output) => {
    if (input.kind === 'write') return output === undefined || output === 'ok' ? input.value : undefined
    return output === undefined || output === state ? state : undefined
  },
  describe: (state) => state
}

export type LockInput =
  | { readonly kind: 'acquire'; readonly holder: string }
  | { readonly kind: 'release'; readonly holder: string; readonly token: number }

interface LockState {
  readonly token: number
  readonly held: boolean
}

/** A lock with tokens that only rise: acquire answers its token, or 0 when it was held; release of a lock that is over does nothing. */
export const lockModel: Model<LockState, LockInput, number> = {
  initial: { token: 0, held: false },
  step: (state, input, output) => {
    if (input.kind === 'release')
      return state.held && state.token === input.token ? { ...state, held: false } : state
    if (output === 0) return state.held ? state : undefined
    if (state.held) return undefined
    if (output === undefined) return { token: state.token, held: true }
    return output > state.token ? { token: output, held: true } : undefined
  },
  describe: (state) => `${state.token}${state.held ? 'h' : ''}`
}

/** A sequence: each call answers a number higher than all before. */
export const sequenceModel: Model<number, 'next', number> = {
  initial: 0,
  step: (state, _input, output) => {
    if (output === undefined) return state
    return output > state ? output : undefined
  },
  describe: (state) => String(state)
}
