/**
 * The threads that do the work of imports and exports. They are started for the first job and stopped when none came
 * for a while. A worker that dies fails the jobs it worked for, never the node; the next job gets a new one.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { PackedFrames } from '@blocktree/store'
import type { Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import {
  sealingTasksPerWorker,
  tasksPerWorker,
  workerOldMiB,
  workerYoungMiB,
  workersIdleMs,
  workersMax
} from './limits.ts'
import type {
  FromWorker,
  JobSecrets,
  TaskKind,
  TaskMessage,
  Tasks,
  ToWorker,
  WorkerSettings,
  ZoneTarget
} from './worker-message.ts'

export interface JobHooks {
  /** Fresh copies for one worker, which wipes them. */
  secrets(): JobSecrets
  /** Resolves when the bytes are not needed any more. */
  onFrames(frames: PackedFrames): Promise<void>
  placesOf(hashes: Uint8Array): Float64Array
  read(kind: 'record' | 'sector', reference: Id): Uint8Array | undefined
}

export interface WorkerJob {
  readonly workers: number
  run<Kind extends TaskKind>(kind: Kind, work: Tasks[Kind]['work']): Promise<Tasks[Kind]['result']>
  /** @param makeZone fresh copies of the key for one worker */
  addTarget(makeZone: () => ZoneTarget): number
  addEpoch(epoch: Id, key: Uint8Array): void
  /** Wipes what the workers hold for this job. Tasks that no worker has begun are refused with ERR_TRANSFER_WORKER. */
  end(): void
}

export interface WorkerPool {
  openJob(hooks: JobHooks): WorkerJob
  close(): Promise<void>
}

interface Pending {
  readonly message: TaskMessage
  resolve(result: unknown): void
  reject(error: Error): void
}

interface Thread {
  readonly worker: Worker
  readonly tasks: Map<number, Pending>
}

interface OpenJob {
  readonly hooks: JobHooks
  /** What a worker that joins has to be told. */
  readonly setup: (() => ToWorker)[]
  failure: Error | undefined
}

/** Sources run in tests and tools, emitted files everywhere else. */
const isSource = import.meta.url.endsWith('.ts')
const entry: URL = new URL(
  isSource ? './worker/transfer-worker.ts' : './worker/transfer-worker.js',
  import.meta.url
)

export interface PoolOptions extends WorkerSettings {
  /** How many workers; the number of processors, at most 4, when absent. */
  readonly workers?: number
}

export function createWorkerPool(options: PoolOptions): WorkerPool {
  return new TransferPool(options)
}

class TransferPool implements WorkerPool {
  readonly #options: PoolOptions
  readonly #size: number
  #threads: Thread[] = []
  readonly #jobs = new Map<number, OpenJob>()
  #queue: Pending[] = []
  #urgent: Pending[] = []
  #numbers = 0
  #idle: NodeJS.Timeout | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#size = options.workers ?? Math.min(workersMax, availableParallelism())
  }

  openJob(hooks: JobHooks): WorkerJob {
    clearTimeout(this.#idle)
    const number = ++this.#numbers
    const job: OpenJob = { hooks, setup: [], failure: undefined }
    this.#jobs.set(number, job)
    job.setup.push(() => ({ type: 'job', job: number, secrets: hooks.secrets() }))
    try {
      for (const thread of this.#threads) {
        thread.worker.ref()
        this.#tell(thread, job.setup[0])
      }
      while (this.#threads.length < this.#size) this.#start()
      if (job.failure !== undefined) throw job.failure
    } catch (error) {
      this.#end(number) // a key that was closed meanwhile: no later job may trip over it
      throw error
    }
    return {
      workers: this.#size,
      run: (kind, work) => this.#run(number, job, kind, work),
      addTarget: (makeZone) => {
        const target = ++this.#numbers
        this.#addSetup(job, () => ({ type: 'target', job: number, target, zone: makeZone() }))
        return target
      },
      addEpoch: (epoch, key) =>
        this.#addSetup(job, () => ({ type: 'epoch', job: number, epoch, key: new Uint8Array(key) })),
      end: () => this.#end(number)
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const threads = this.#threads
    this.#threads = []
    for (const thread of threads) thread.worker.removeAllListeners('exit')
    const error = new NodeError(
      'ERR_NODE_STOPPING',
      'the node is stopping: what was committed stays, the next transfer goes on'
    )
    this.#failJobs(error)
    await Promise.all(threads.map((thread) => thread.worker.terminate()))
    // only now: whoever is told closes descriptors that a worker may have been writing to
    for (const thread of threads) this.#failTasks(thread, error)
  }

  #addSetup(job: OpenJob, make: () => ToWorker): void {
    job.setup.push(make)
    for (const thread of this.#threads) this.#tell(thread, make)
  }

  #tell(thread: Thread, make: (() => ToWorker) | undefined): void {
    if (make === undefined) return
    const message = make()
    thread.worker.postMessage(message, keysOf(message))
  }

  #start(): void {
    const { provider, storeDirectory, frameSalt } = this.#options
    const settings: WorkerSettings = { provider, storeDirectory, frameSalt }
    const worker = new Worker(entry, {
      name: 'transfer',
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb: workerYoungMiB, maxOldGenerationSizeMb: workerOldMiB },
      ...(isSource ? { execArgv: ['--conditions=source', '--no-warnings'] } : {})
    })
    const thread: Thread = { worker, tasks: new Map() }
    this.#threads.push(thread)
    worker.on('message', (message: FromWorker) => this.#take(thread, message))
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => this.#lose(thread, code, cause))
    for (const job of this.#jobs.values()) this.#join(thread, job)
  }

  /** Tells a new worker of a job; one whose key was closed meanwhile has failed, and the others go on. */
  #join(thread: Thread, job: OpenJob): void {
    try {
      for (const make of job.setup) this.#tell(thread, make)
    } catch (error) {
      job.failure = error instanceof Error ? error : new Error('a key cannot be copied', { cause: error })
    }
  }

  /** A worker died: its tasks fail, and so do their jobs. */
  #lose(thread: Thread, code: number, cause: unknown): void {
    this.#threads = this.#threads.filter((other) => other !== thread)
    const reason = cause instanceof Error ? cause.message : `exit code ${code}`
    const error = new NodeError('ERR_TRANSFER_WORKER', `a transfer worker ended (${reason}): try again`, {
      cause
    })
    this.#failTasks(thread, error)
    if (this.#threads.length === 0) this.#failJobs(error)
  }

  /** Nobody is left to work for them. */
  #failJobs(error: Error): void {
    for (const job of this.#jobs.values()) job.failure = error
    for (const pending of [...this.#urgent.splice(0), ...this.#queue.splice(0)]) pending.reject(error)
  }

  #failTasks(thread: Thread, error: Error): void {
    for (const pending of thread.tasks.values()) {
      const job = this.#jobs.get(pending.message.job)
      if (job !== undefined) job.failure = error
      pending.reject(error)
    }
    thread.tasks.clear()
  }

  #run<Kind extends TaskKind>(
    number: number,
    job: OpenJob,
    kind: Kind,
    work: Tasks[Kind]['work']
  ): Promise<Tasks[Kind]['result']> {
    if (job.failure !== undefined) return Promise.reject(job.failure)
    return new Promise((resolve, reject) => {
      const message = taskMessage(kind, { type: 'task', task: ++this.#numbers, job: number, work })
      const pending: Pending = { message, resolve, reject }
      // what others wait for goes first
      if (kind === 'scan' || kind === 'open' || kind === 'seal') this.#urgent.push(pending)
      else this.#queue.push(pending)
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (;;) {
      const first = this.#urgent[0] ?? this.#queue[0]
      const free = first === undefined ? undefined : this.#freeFor(first.message.kind)
      if (free === undefined) return
      const next = this.#urgent.shift() ?? this.#queue.shift()
      if (next === undefined) return
      free.tasks.set(next.message.task, next)
      free.worker.postMessage(next.message, contentsOf(next.message))
    }
  }

  /** The one with least to do; small files stay with the first as long as it keeps up: its code is warm. */
  #freeFor(kind: TaskKind): Thread | undefined {
    if (kind === 'seal') return this.#threads.find((thread) => thread.tasks.size < sealingTasksPerWorker)
    return this.#threads.reduce<Thread | undefined>(
      (best, thread) => (thread.tasks.size < (best?.tasks.size ?? tasksPerWorker) ? thread : best),
      undefined
    )
  }

  #take(thread: Thread, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        break
      case 'done': {
        const pending = this.#settle(thread, message.task)
        pending?.resolve(message.result)
        break
      }
      case 'failed': {
        const pending = this.#settle(thread, message.task)
        pending?.reject(new WorkerTaskError(message.code, message.message))
        break
      }
      case 'frames':
        this.#takeFrames(thread, message)
        break
      case 'places': {
        const places = this.#jobs.get(message.job)?.hooks.placesOf(message.hashes) ?? new Float64Array(0)
        const answer: ToWorker = { type: 'answer', question: message.question, places }
        thread.worker.postMessage(answer, [])
        break
      }
      case 'read': {
        const bytes = this.#jobs.get(message.job)?.hooks.read(message.kind, message.reference)
        const answer: ToWorker = { type: 'bytes', question: message.question, bytes }
        thread.worker.postMessage(answer, [])
        break
      }
    }
  }

  #settle(thread: Thread, task: number): Pending | undefined {
    const pending = thread.tasks.get(task)
    thread.tasks.delete(task)
    this.#dispatch()
    return pending
  }

  #takeFrames(thread: Thread, message: FromWorker & { readonly type: 'frames' }): void {
    const { buffer, used, frames } = message
    const job = this.#jobs.get(message.job)
    const giveBack = (): void => thread.worker.postMessage({ type: 'buffer', buffer } satisfies ToWorker, [])
    if (job === undefined) return giveBack()
    job.hooks
      .onFrames({ ...frames, bytes: new Uint8Array(buffer, 0, used) })
      .then(giveBack, (error: unknown) => {
        job.failure = error instanceof Error ? error : new Error(String(error))
        giveBack()
      })
  }

  #end(number: number): void {
    if (!this.#jobs.delete(number)) return
    const isOfJob = (pending: Pending): boolean => pending.message.job === number
    const dropped = [...this.#urgent, ...this.#queue].filter(isOfJob)
    this.#queue = this.#queue.filter((pending) => !isOfJob(pending))
    this.#urgent = this.#urgent.filter((pending) => !isOfJob(pending))
    const error = new NodeError('ERR_TRANSFER_WORKER', 'the job of a task ended before a worker began it')
    for (const pending of dropped) pending.reject(error)
    for (const thread of this.#threads) this.#tell(thread, () => ({ type: 'end', job: number }))
    if (this.#jobs.size > 0) return
    for (const thread of this.#threads) thread.worker.unref()
    this.#idle = setTimeout(() => void this.close(), workersIdleMs)
    this.#idle.unref()
  }
}

/** A task failed in a worker that goes on. */
export class WorkerTaskError extends Error {
  override readonly name = 'WorkerTaskError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

function taskMessage<Kind extends TaskKind>(
  kind: Kind,
  rest: {
    readonly type: 'task'
    readonly task: number
    readonly job: number
    readonly work: Tasks[Kind]['work']
  }
): TaskMessage {
  // The pairing of kind and work is that of `Tasks`; a union cannot be told so.
  return { ...rest, kind } as unknown as TaskMessage
}

/** Contents are moved, not copied: who asks for a task does not look at them again. */
function contentsOf(message: TaskMessage): ArrayBuffer[] {
  return message.kind === 'seal' ? [message.work.contents.buffer] : []
}

/** Keys are moved, not copied: no second copy stays behind in the main thread. */
function keysOf(message: ToWorker): ArrayBuffer[] {
  switch (message.type) {
    case 'job':
      return [message.secrets.signSeed, message.secrets.nameSecret].flatMap((bytes) => bytes?.buffer ?? [])
    case 'target':
      return message.zone.key === undefined ? [] : [message.zone.key.buffer]
    case 'epoch':
      return [message.key.buffer]
    default:
      return []
  }
}
