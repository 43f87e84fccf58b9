/**
 * One running app over its sandbox processes: a small pool, a bounded queue in front of it, discard after a failure,
 * back-off, suspension, and rest when idle. The policy is here; `sandbox-child.ts` owns a process.
 */
import {
  AppRunError,
  type AppRunDescription,
  type AppRunEvent,
  type AppRunLimits,
  type AppRunOptions,
  type AppRunState,
  type InvokeOptions,
  type RunningApp
} from '@blocktree/app-package'
import { CrashHistory } from './crash-history.ts'
import type { ChildInvocation, SandboxChild, SandboxChildOptions } from './sandbox-child.ts'

/** Starts one process; everything but what changes from one to the next is settled. */
export type ChildFactory = (
  options: Pick<SandboxChildOptions, 'number' | 'onEnd' | 'onLog' | 'onLogDropped'>
) => { readonly child: SandboxChild; readonly loaded: Promise<ChildInvocation> }

export interface SandboxAppOptions {
  readonly app: AppRunOptions
  readonly limits: AppRunLimits
  readonly createChild: ChildFactory
  readonly engine: string
  readonly level: string
}

interface Task {
  readonly kind: number
  readonly payload: Uint8Array
  readonly fuel: number
  readonly deadlineMs: number
  readonly resolve: (payload: Uint8Array) => void
  readonly reject: (error: AppRunError) => void
  child: SandboxChild | undefined
  isSettled: boolean
}

interface Slot {
  readonly child: SandboxChild
  isReady: boolean
  idleTimer: NodeJS.Timeout | undefined
}

export class SandboxApp implements RunningApp {
  readonly #options: SandboxAppOptions
  readonly #slots = new Map<number, Slot>()
  readonly #queue: Task[] = []
  readonly #history = new CrashHistory()
  #backOff: NodeJS.Timeout | undefined
  #lastFailure: AppRunError | undefined
  #isSuspended = false
  #isStopped = false
  #processNumber = 0
  #invocations = 0
  #fuelUsed = 0

  constructor(options: SandboxAppOptions) {
    this.#options = options
  }

  get state(): AppRunState {
    if (this.#isStopped) return 'stopped'
    if (this.#isSuspended) return 'suspended'
    if (this.#backOff !== undefined) return 'backing-off'
    return this.#slots.size > 0 ? 'running' : 'idle'
  }

  get lastFailure(): AppRunError | undefined {
    return this.#lastFailure
  }

  /** Starts the first process. */
  async begin(): Promise<void> {
    await this.#startProcess()
  }

  async invoke(kind: number, payload: Uint8Array, options: InvokeOptions = {}): Promise<Uint8Array> {
    const { limits, app } = this.#options
    this.#refuseUnlessOpen()
    if (payload.length > limits.payloadBytes) {
      throw this.#error(
        'ERR_RUN_PAYLOAD',
        `an event of ${payload.length} bytes; at most ${limits.payloadBytes}`
      )
    }
    if (this.#queue.length >= limits.queuedInvokes) {
      throw this.#error('ERR_RUN_QUEUE_FULL', `${this.#queue.length} invocations are waiting`)
    }
    if (options.signal?.aborted === true)
      throw new AppRunError('ERR_RUN_CANCELLED', `app ${app.name}: cancelled`)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const task: Task = {
      kind,
      payload,
      fuel: Math.min(options.fuel ?? limits.fuel, limits.fuel),
      deadlineMs: Math.min(options.deadlineMs ?? limits.invokeMs, limits.invokeMs),
      resolve,
      reject,
      child: undefined,
      isSettled: false
    }
    this.#queue.push(task)
    this.#pump()
    return options.signal === undefined
      ? await promise
      : await this.#withSignal(task, promise, options.signal)
  }

  describe(): AppRunDescription {
    return {
      state: this.state,
      engine: this.#options.engine,
      level: this.#options.level,
      processes: [...this.#slots.values()].map(({ child }) => ({
        process: child.number,
        pid: child.pid,
        isBusy: child.isBusy
      })),
      queued: this.#queue.length,
      invocations: this.#invocations,
      crashes: this.#history.total,
      fuelUsed: this.#fuelUsed
    }
  }

  resume(): void {
    this.#isSuspended = false
    this.#lastFailure = undefined
    this.#history.forget()
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#clearBackOff()
    const children = [...this.#slots.values()].map(({ child }) => child)
    this.#refuseQueue(this.#error('ERR_RUN_STOPPED', 'it was stopped'))
    for (const child of children) child.kill()
    await Promise.all(children.map(async (child) => await child.exited()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #refuseUnlessOpen(): void {
    if (this.#isStopped) throw this.#error('ERR_RUN_STOPPED', 'it was stopped')
    if (this.#isSuspended) {
      const reason = this.#lastFailure?.message ?? 'unknown'
      throw this.#error('ERR_RUN_SUSPENDED', `it failed too often and was suspended; last: ${reason}`)
    }
  }

  async #withSignal(task: Task, promise: Promise<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
    const cancel = (): void => this.#cancel(task)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  /** A waiting task leaves the queue; the process of a running one is killed, which is nobody's crash. */
  #cancel(task: Task): void {
    const place = this.#queue.indexOf(task)
    if (place >= 0) this.#queue.splice(place, 1)
    this.#settle(task, () => task.reject(this.#error('ERR_RUN_CANCELLED', 'the caller gave up')))
    task.child?.kill()
  }

  #settle(task: Task, act: () => void): void {
    if (task.isSettled) return
    task.isSettled = true
    act()
  }

  /** Gives waiting tasks to free processes, and starts processes while there are too few. */
  #pump(): void {
    if (this.#isStopped || this.#isSuspended) return
    for (const slot of this.#slots.values()) {
      if (this.#queue.length === 0) return
      if (slot.isReady && !slot.child.isBusy) this.#run(slot)
    }
    const starting = [...this.#slots.values()].filter((slot) => !slot.isReady).length
    const isWanted = this.#queue.length > starting && this.#slots.size < this.#options.limits.processes
    if (isWanted && this.#backOff === undefined) this.#startProcess().catch(() => undefined)
  }

  #run(slot: Slot): void {
    const task = this.#queue.shift()
    if (task === undefined) return
    clearTimeout(slot.idleTimer)
    task.child = slot.child
    this.#invocations++
    slot.child.invoke(task.kind, task.payload, task.fuel, task.deadlineMs).then(
      (result) => {
        this.#fuelUsed += result.fuelUsed
        this.#settle(task, () => task.resolve(result.payload))
        task.child = undefined
        this.#rest(slot)
        this.#pump()
      },
      (error: AppRunError) => this.#settle(task, () => task.reject(error))
    )
  }

  /** Stops the process when nothing comes for a while. */
  #rest(slot: Slot): void {
    slot.idleTimer = setTimeout(() => {
      if (slot.child.isBusy) return
      if (this.#options.app.isNeeded?.(slot.child.number) === true) this.#rest(slot)
      else slot.child.kill()
    }, this.#options.limits.idleMs)
    slot.idleTimer.unref()
  }

  async #startProcess(): Promise<void> {
    const number = ++this.#processNumber
    const { child, loaded } = this.#options.createChild({
      number,
      onEnd: (cause) => this.#ended(number, cause),
      onLog: (stream, text) => this.#options.app.onLog?.({ stream, text, process: number }),
      onLogDropped: (bytes) => this.#tell({ type: 'log-dropped', process: number, bytes })
    })
    const slot: Slot = { child, isReady: false, idleTimer: undefined }
    this.#slots.set(number, slot)
    this.#tell({ type: 'process-started', process: number, pid: child.pid })
    const { fuelUsed } = await loaded
    this.#fuelUsed += fuelUsed
    await this.#open(child)
    slot.isReady = true
    this.#rest(slot)
    this.#pump()
  }

  /** Hands the first events to a process; one that refuses them is ended. */
  async #open(child: SandboxChild): Promise<void> {
    const { app, limits } = this.#options
    for (const { kind, payload, accept } of app.opening?.(child.number) ?? []) {
      const answer = await child.invoke(kind, payload, limits.fuel, limits.invokeMs)
      this.#fuelUsed += answer.fuelUsed
      try {
        accept(answer.payload)
      } catch (cause) {
        const error = this.#error('ERR_RUN_OPENING', cause instanceof Error ? cause.message : String(cause))
        child.kill(error)
        throw error
      }
    }
  }

  #ended(number: number, cause: AppRunError | undefined): void {
    clearTimeout(this.#slots.get(number)?.idleTimer)
    this.#slots.delete(number)
    this.#tell({ type: 'process-ended', process: number, cause })
    if (this.#isStopped) return
    if (cause === undefined) this.#pump()
    else this.#failed(cause)
  }

  #failed(cause: AppRunError): void {
    this.#lastFailure = cause
    const delayMs = this.#history.add(performance.now())
    if (delayMs === undefined) {
      this.#isSuspended = true
      this.#clearBackOff()
      this.#tell({ type: 'suspended', cause })
      this.#refuseQueue(this.#error('ERR_RUN_SUSPENDED', `it failed too often; last: ${cause.message}`))
      return
    }
    this.#clearBackOff()
    if (delayMs === 0) {
      this.#pump()
      return
    }
    this.#tell({ type: 'backing-off', delayMs, cause })
    this.#backOff = setTimeout(() => {
      this.#backOff = undefined
      this.#pump()
    }, delayMs)
  }

  #clearBackOff(): void {
    clearTimeout(this.#backOff)
    this.#backOff = undefined
  }

  #refuseQueue(error: AppRunError): void {
    for (const task of this.#queue.splice(0)) this.#settle(task, () => task.reject(error))
  }

  #tell(event: AppRunEvent): void {
    this.#options.app.onRunEvent?.(event)
  }

  #error(code: AppRunError['code'], reason: string): AppRunError {
    return new AppRunError(code, `app ${this.#options.app.name}: ${reason}`)
  }
}
