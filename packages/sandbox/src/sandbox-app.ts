/**
 * One running app over its sandbox processes: a small pool, a bounded queue in front of it, events sent ahead to busy
 * processes, discard after a failure, back-off, suspension, and rest when idle. The policy is here; `sandbox-child.ts`
 * owns a process.
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
import { eventBytesAhead, eventsAheadMax, eventsAheadOfMany } from './limits.ts'
import type { SandboxChild, SandboxChildOptions } from './sandbox-child.ts'
import type { ChildInvocation, SentEvent } from './sent-event.ts'

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

interface Task extends SentEvent {
  readonly isCancellable: boolean
  readonly reject: (error: AppRunError) => void
  child: SandboxChild | undefined
  isSettled: boolean
}

interface Slot {
  readonly child: SandboxChild
  isReady: boolean
  restingSinceMs: number
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
    const waiting = this.#queue.length + this.#ahead()
    if (waiting >= limits.queuedInvokes) {
      throw this.#error('ERR_RUN_QUEUE_FULL', `${waiting} invocations are waiting`)
    }
    const { signal } = options
    if (signal?.aborted === true) throw new AppRunError('ERR_RUN_CANCELLED', `app ${app.name}: cancelled`)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const task = this.#createTask(kind, payload, options, resolve, reject)
    this.#queue.push(task)
    this.#pump()
    return signal === undefined ? await promise : await this.#withSignal(task, promise, signal)
  }

  describe(): AppRunDescription {
    return {
      state: this.state,
      engine: this.#options.engine,
      level: this.#options.level,
      processes: [...this.#slots.values()].map(({ child }) => ({
        process: child.number,
        pid: child.pid,
        isBusy: child.events > 0
      })),
      queued: this.#queue.length + this.#ahead(),
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
    for (const child of children) child.abandon()
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

  #createTask(
    kind: number,
    payload: Uint8Array,
    options: InvokeOptions,
    resolve: (payload: Uint8Array) => void,
    reject: (error: AppRunError) => void
  ): Task {
    const { limits } = this.#options
    const task: Task = {
      kind,
      payload,
      fuel: Math.min(options.fuel ?? limits.fuel, limits.fuel),
      limitMs: Math.min(options.deadlineMs ?? limits.invokeMs, limits.invokeMs),
      isCancellable: options.signal !== undefined,
      reject,
      child: undefined,
      isSettled: false,
      succeed: (result) => {
        if (!task.isSettled) resolve(result.payload)
        task.isSettled = true
        this.#succeeded(task, result)
      },
      fail: (error, wasStarted) => this.#taskFailed(task, error, wasStarted)
    }
    return task
  }

  /** Events that were sent ahead and wait in processes. */
  #ahead(): number {
    let count = 0
    for (const { child } of this.#slots.values()) count += Math.max(0, child.events - 1)
    return count
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
    this.#refuse(task, this.#error('ERR_RUN_CANCELLED', 'the caller gave up'))
    task.child?.kill()
  }

  #refuse(task: Task, error: AppRunError): void {
    if (!task.isSettled) task.reject(error)
    task.isSettled = true
  }

  /** Gives waiting tasks to processes, and starts processes while there are too few. */
  #pump(): void {
    if (this.#isStopped || this.#isSuspended) return
    for (let [task] = this.#queue; task !== undefined; [task] = this.#queue) {
      const slot = this.#slotFor(task)
      if (slot === undefined) break
      this.#queue.shift()
      task.child = slot.child
      this.#invocations++
      slot.child.give(task)
    }
    if (this.#queue.length === 0 || this.#backOff !== undefined) return
    const starting = [...this.#slots.values()].filter((slot) => !slot.isReady).length
    const isWanted = this.#queue.length > starting && this.#slots.size < this.#options.limits.processes
    if (isWanted) this.#startProcess().catch(() => undefined)
  }

  /** A process that is free, else the least busy one to which the task may be sent ahead. */
  #slotFor(task: Task): Slot | undefined {
    let best: Slot | undefined
    let isComplete = this.#slots.size >= this.#options.limits.processes
    for (const slot of this.#slots.values()) {
      if (!slot.isReady) isComplete = false
      else if (best === undefined || slot.child.events < best.child.events) best = slot
    }
    if (best === undefined || best.child.events === 0) return best
    return isComplete && this.#maySendAhead(task, best.child) ? best : undefined
  }

  /** What can be cancelled is not: it could not be taken back. */
  #maySendAhead(task: Task, child: SandboxChild): boolean {
    const eventsMax = this.#options.limits.processes === 1 ? eventsAheadMax : eventsAheadOfMany
    return (
      !task.isCancellable &&
      child.events <= eventsMax &&
      child.eventBytes + task.payload.length <= eventBytesAhead
    )
  }

  #succeeded(task: Task, { fuelUsed }: ChildInvocation): void {
    this.#fuelUsed += fuelUsed
    const { child } = task
    task.child = undefined
    if (this.#queue.length > 0) this.#pump()
    const slot = child === undefined ? undefined : this.#slots.get(child.number)
    if (slot?.child.events === 0) this.#rest(slot)
  }

  /** What the guest has not seen waits again, before all others: once for each process that ended before its turn. */
  #taskFailed(task: Task, error: AppRunError, wasStarted: boolean): void {
    task.child = undefined
    if (wasStarted || task.isSettled || this.#isStopped) {
      this.#refuse(task, error)
      return
    }
    if (this.#isSuspended) {
      this.#refuse(task, this.#suspension(error))
      return
    }
    this.#invocations--
    this.#queue.unshift(task)
    this.#pump()
  }

  #suspension(cause: AppRunError): AppRunError {
    return this.#error('ERR_RUN_SUSPENDED', `it failed too often; last: ${cause.message}`)
  }

  /** Stops the process when nothing comes for a while. One timer for as long as the process lives. */
  #rest(slot: Slot): void {
    slot.restingSinceMs = performance.now()
    slot.idleTimer ??= this.#restTimer(slot, this.#options.limits.idleMs)
  }

  #restTimer(slot: Slot, delayMs: number): NodeJS.Timeout {
    const { limits, app } = this.#options
    return setTimeout(() => {
      slot.idleTimer = undefined
      if (slot.child.events > 0) return
      const leftMs = limits.idleMs - (performance.now() - slot.restingSinceMs)
      if (leftMs >= 1) slot.idleTimer = this.#restTimer(slot, leftMs)
      else if (app.isNeeded?.(slot.child.number) === true) this.#rest(slot)
      else slot.child.kill()
    }, delayMs).unref()
  }

  async #startProcess(): Promise<void> {
    const number = ++this.#processNumber
    const { child, loaded } = this.#options.createChild({
      number,
      onEnd: (cause) => this.#ended(number, cause),
      onLog: (stream, text) => this.#options.app.onLog?.({ stream, text, process: number }),
      onLogDropped: (bytes) => this.#tell({ type: 'log-dropped', process: number, bytes })
    })
    const slot: Slot = { child, isReady: false, restingSinceMs: 0, idleTimer: undefined }
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
      const answer = await new Promise<ChildInvocation>((succeed, fail) => {
        child.give({ kind, payload, fuel: limits.fuel, limitMs: limits.invokeMs, succeed, fail })
      })
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
      this.#refuseQueue(this.#suspension(cause))
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
    for (const task of this.#queue.splice(0)) this.#refuse(task, error)
  }

  #tell(event: AppRunEvent): void {
    this.#options.app.onRunEvent?.(event)
  }

  #error(code: AppRunError['code'], reason: string): AppRunError {
    return new AppRunError(code, `app ${this.#options.app.name}: ${reason}`)
  }
}
