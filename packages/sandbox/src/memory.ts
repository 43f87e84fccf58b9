/**
 * Runners without processes, for tests of what lies above: no isolation, no deadline, one invocation at a time, same
 * results. `createMemoryRunner` runs the module itself on V8 (host calls suspend it); `createScriptedRunner` runs a
 * function in the place of a guest, so that an app can be tested without WebAssembly.
 */
import {
  AppRunError,
  type AppRunDescription,
  type AppRunLimits,
  type AppRunner,
  type AppRunOptions,
  type AppRunState,
  type InvokeOptions,
  type RunningApp,
  wholePayload
} from '@blocktree/app-package'
import { type GuestSurroundings, createAsyncGuest } from './async-guest.ts'
import { GuestFault } from './engine.ts'
import { faultCodes } from './fault-codes.ts'
import { InvocationBudget } from './invocation-budget.ts'
import { clampRunLimits } from './limits.ts'
import { prepareModule } from './prepare-module.ts'

export { clampRunLimits } from './limits.ts'
export { type GuestSurroundings, prepareModule }

/** What a scripted guest may do: the same that a module may. */
export interface ScriptedHost {
  call(op: number, payload: Uint8Array): Promise<{ readonly status: number; readonly payload: Uint8Array }>
  log(stream: 1 | 2, text: string): void
}

/** Answers one event. A rejection counts as a trap. */
export type ScriptedGuest = (kind: number, payload: Uint8Array, host: ScriptedHost) => Promise<Uint8Array>

/** @param surroundings chance and clocks of the guest; those of this machine when left out */
export function createMemoryRunner(surroundings?: GuestSurroundings): AppRunner {
  return {
    async start(app) {
      const limits = clampRunLimits(app.limits)
      const running = new MemoryApp(app, limits, async (host) => {
        const guest = await createAsyncGuest(
          await prepareModule(app, 'v8', limits),
          host,
          limits,
          surroundings
        )
        return async (kind, payload) => await guest(kind, payload)
      })
      await running.begin()
      return running
    }
  }
}

/** @param guest is given every event of every app that this runner starts */
export function createScriptedRunner(guest: ScriptedGuest): AppRunner {
  return {
    async start(app) {
      const running = new MemoryApp(app, clampRunLimits(app.limits), async (host) => {
        return async (kind, payload) => await guest(kind, payload, host)
      })
      await running.begin()
      return running
    }
  }
}

type Load = (host: ScriptedHost) => Promise<(kind: number, payload: Uint8Array) => Promise<Uint8Array>>

class MemoryApp implements RunningApp {
  readonly #app: AppRunOptions
  readonly #limits: AppRunLimits
  readonly #load: Load
  readonly #aborter = new AbortController()
  #guest: ((kind: number, payload: Uint8Array) => Promise<Uint8Array>) | undefined
  #last: Promise<unknown> = Promise.resolve()
  #budget: InvocationBudget
  #isStopped = false
  #process = 0
  #queued = 0
  #invocations = 0
  #crashes = 0
  lastFailure: AppRunError | undefined

  constructor(app: AppRunOptions, limits: AppRunLimits, load: Load) {
    this.#app = app
    this.#limits = limits
    this.#load = load
    this.#budget = new InvocationBudget(limits, limits.invokeMs)
  }

  get state(): AppRunState {
    if (this.#isStopped) return 'stopped'
    return this.#guest === undefined ? 'idle' : 'running'
  }

  async begin(): Promise<void> {
    this.#process++
    this.#app.onRunEvent?.({ type: 'process-started', process: this.#process, pid: undefined })
    try {
      const guest = await this.#load(this.#host(this.#process))
      for (const { kind, payload, accept } of this.#app.opening?.(this.#process) ?? []) {
        this.#accept(accept, await guest(kind, payload))
      }
      this.#guest = guest
    } catch (error) {
      throw this.#ended(error)
    }
  }

  async invoke(kind: number, payload: Uint8Array, { signal }: InvokeOptions = {}): Promise<Uint8Array> {
    if (this.#isStopped) throw this.#error('ERR_RUN_STOPPED', 'it was stopped')
    if (signal?.aborted === true) throw this.#error('ERR_RUN_CANCELLED', 'the caller gave up')
    if (payload.length > this.#limits.payloadBytes)
      throw this.#error('ERR_RUN_PAYLOAD', 'the event is too long')
    if (this.#queued > this.#limits.queuedInvokes) {
      throw this.#error('ERR_RUN_QUEUE_FULL', `${this.#queued} invocations are waiting`)
    }
    this.#queued++
    const turn = this.#last.then(async () => await this.#run(kind, payload)).finally(() => this.#queued--)
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  describe(): AppRunDescription {
    return {
      state: this.state,
      engine: 'v8',
      level: 'none',
      processes:
        this.#guest === undefined
          ? []
          : [{ process: this.#process, pid: undefined, isBusy: this.#queued > 0 }],
      queued: Math.max(0, this.#queued - 1),
      invocations: this.#invocations,
      crashes: this.#crashes,
      fuelUsed: 0
    }
  }

  resume(): void {
    this.lastFailure = undefined
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#aborter.abort()
    this.#app.onRunEvent?.({ type: 'process-ended', process: this.#process, cause: undefined })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #run(kind: number, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#isStopped) throw this.#error('ERR_RUN_STOPPED', 'it was stopped')
    if (this.#guest === undefined) await this.begin()
    this.#invocations++
    this.#budget = new InvocationBudget(this.#limits, this.#limits.invokeMs)
    const guest = this.#guest
    if (guest === undefined) throw this.#error('ERR_RUN_STOPPED', 'it was stopped')
    try {
      return await guest(kind, payload)
    } catch (error) {
      throw this.#ended(error)
    }
  }

  #accept(accept: (answer: Uint8Array) => void, answer: Uint8Array): void {
    try {
      accept(answer)
    } catch (cause) {
      throw this.#error('ERR_RUN_OPENING', cause instanceof Error ? cause.message : String(cause))
    }
  }

  #host(process: number): ScriptedHost {
    return {
      call: async (op, payload) => {
        const problem = this.#budget.beginHostCall(payload.length)
        if (problem !== undefined) throw this.#error('ERR_RUN_BUDGET', problem)
        const signal = this.#aborter.signal
        const reply = await Promise.try(() =>
          this.#app.onHostCall({ op, payload: payload.slice(), process, signal })
        ).catch((cause: unknown) => {
          throw this.#error('ERR_RUN_HOST', `the handler of host call ${op} failed: ${String(cause)}`)
        })
        const whole = wholePayload(reply)
        this.#budget.endHostCall(whole.length)
        return { status: reply.status, payload: whole }
      },
      log: (stream, text) => this.#app.onLog?.({ stream, text, process })
    }
  }

  #ended(error: unknown): AppRunError {
    const cause = this.#causeOf(error)
    this.#guest = undefined
    this.#crashes++
    this.lastFailure = cause
    this.#app.onRunEvent?.({ type: 'process-ended', process: this.#process, cause })
    return cause
  }

  #causeOf(error: unknown): AppRunError {
    if (error instanceof AppRunError) return error
    if (error instanceof GuestFault) return this.#error(faultCodes[error.fault], error.message)
    return this.#error('ERR_RUN_TRAP', error instanceof Error ? error.message : String(error))
  }

  #error(code: AppRunError['code'], reason: string): AppRunError {
    return new AppRunError(code, `app ${this.#app.name}: ${reason}`)
  }
}
