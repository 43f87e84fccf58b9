/**
 * A fixed number of worker threads for bulk work. They start when the first task comes and end when none has come
 * for a while. Input is made when a thread is ready to take it, so memory is bounded by the tasks in flight and not
 * by those waiting. A thread that dies fails its tasks and is replaced with the next task.
 */
import type { Transferable } from 'node:worker_threads'
import { Worker } from 'node:worker_threads'
import { StoreError } from './store-error.ts'

/** Calls back later; the pool takes it as a port so that tests need not wait. */
export interface PoolTimer {
  /** @returns a function that cancels */
  after(milliseconds: number, callback: () => void): () => void
}

export interface WorkerPoolOptions {
  /** A module that calls `serveTasks`. */
  readonly entry: URL
  readonly threads: number
  /** Idle threads end after this; 2,000. */
  readonly idleMs?: number
  readonly timer?: PoolTimer
  /** Handed to the module as `workerData`. */
  readonly workerData?: unknown
}

export interface TaskInput {
  readonly input: unknown
  /** Buffers that move to the thread instead of being copied. */
  readonly transfer?: readonly Transferable[]
}

export interface WorkerPool {
  /** Threads that are running now. */
  readonly running: number
  /**
   * @param prepare called when a thread is about to take the task
   * @returns what the task returned; rejects with the error of the task, ERR_WORKER_FAILED when its thread died,
   *   ERR_WORKER_CANCELLED when `signal` was raised or the pool closed
   */
  run<Result>(name: string, prepare: () => TaskInput, signal?: AbortSignal): Promise<Result>
  /** Ends all threads; what they were doing is cancelled. */
  close(): Promise<void>
}

const tasksPerThread = 2 // one at work, one that waits in the thread
const systemTimer: PoolTimer = {
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

interface Task {
  readonly name: string
  readonly prepare: () => TaskInput
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly tasks: Map<number, Task>
}

/** What goes to a thread and what comes back. */
export interface TaskMessage {
  readonly id: number
  readonly name: string
  readonly input: unknown
}
export interface TaskAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: unknown
}

/**
 * The module beside `module` (its `import.meta.url`), as source or as emitted, whichever that one is.
 * @param name without its ending, such as `bulk-worker`
 */
export function siblingModule(name: string, module: string): URL {
  return new URL(`./${name}${module.endsWith('.ts') ? '.ts' : '.js'}`, module)
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  return new ThreadPool(options)
}

class ThreadPool implements WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #timer: PoolTimer
  readonly #threads = new Set<Thread>()
  #waiting: Task[] = []
  #next = 1
  #cancelIdle: (() => void) | undefined
  #closed = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#timer = options.timer ?? systemTimer
  }

  get running(): number {
    return this.#threads.size
  }

  run<Result>(name: string, prepare: () => TaskInput, signal?: AbortSignal): Promise<Result> {
    if (this.#closed || signal?.aborted === true) return Promise.reject(cancelled(name))
    return new Promise<Result>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== task)
        reject(cancelled(name))
      }
      const settled = (): void => signal?.removeEventListener('abort', onAbort)
      const task: Task = {
        name,
        prepare,
        resolve(result) {
          settled()
          resolve(result as Result)
        },
        reject(error) {
          settled()
          reject(error)
        }
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(task)
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelIdle?.()
    for (const task of this.#waiting.splice(0)) task.reject(cancelled(task.name))
    await this.#endAll()
  }

  #dispatch(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    while (this.#waiting.length > 0) {
      const thread = this.#freeThread()
      if (thread === undefined) return
      const task = this.#waiting.shift()
      if (task !== undefined) this.#hand(thread, task)
    }
    if ([...this.#threads].some(({ tasks }) => tasks.size > 0)) return
    if (this.#threads.size > 0) {
      this.#cancelIdle = this.#timer.after(this.#options.idleMs ?? 2000, () => void this.#endAll())
    }
  }

  #hand(thread: Thread, task: Task): void {
    const id = this.#next++
    try {
      const { input, transfer = [] } = task.prepare()
      const message: TaskMessage = { id, name: task.name, input }
      thread.worker.postMessage(message, [...transfer])
      thread.tasks.set(id, task)
      thread.worker.ref()
    } catch (error) {
      task.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** The thread with the least to do; a new one while there may be more and none is idle. */
  #freeThread(): Thread | undefined {
    let least: Thread | undefined
    for (const thread of this.#threads) {
      if (least === undefined || thread.tasks.size < least.tasks.size) least = thread
    }
    if (least !== undefined && least.tasks.size === 0) return least
    if (this.#threads.size < this.#options.threads) return this.#start()
    return least !== undefined && least.tasks.size < tasksPerThread ? least : undefined
  }

  #start(): Thread {
    const { entry, workerData } = this.#options
    // Sources run without a build, and then find the sources of the other packages.
    const execArgv = entry.pathname.endsWith('.ts') ? ['--conditions=source'] : []
    const worker = new Worker(entry, { execArgv, workerData })
    const thread: Thread = { worker, tasks: new Map() }
    this.#threads.add(thread)
    let failure: unknown
    worker.on('message', (answer: TaskAnswer) => this.#settle(thread, answer))
    worker.on('error', (error: unknown) => {
      failure = error
    })
    worker.on('exit', (code) =>
      this.#onExit(thread, failure ?? new Error(`the thread ended with code ${code}`))
    )
    return thread
  }

  #settle(thread: Thread, { id, result, error }: TaskAnswer): void {
    const task = thread.tasks.get(id)
    thread.tasks.delete(id)
    if (thread.tasks.size === 0) thread.worker.unref()
    if (error === undefined) task?.resolve(result)
    else task?.reject(error instanceof Error ? error : new Error(`the task failed with ${typeof error}`))
    this.#dispatch()
  }

  #onExit(thread: Thread, cause: unknown): void {
    this.#threads.delete(thread)
    for (const task of thread.tasks.values()) {
      const text = `a worker ended in the middle of the task '${task.name}'`
      task.reject(this.#closed ? cancelled(task.name) : new StoreError('ERR_WORKER_FAILED', text, { cause }))
    }
    thread.tasks.clear()
    if (!this.#closed) this.#dispatch()
  }

  async #endAll(): Promise<void> {
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()))
  }
}

function cancelled(name: string): StoreError {
  return new StoreError('ERR_WORKER_CANCELLED', `the task '${name}' was cancelled`)
}
