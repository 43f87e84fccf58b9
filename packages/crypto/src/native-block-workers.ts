/**
 * Block kernels on worker threads. A thread answers in the order it was asked; batches move there and back without a
 * copy. Threads start with the first batch, and an idle pool keeps no process alive.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { BlockBatch } from './block-kernel.ts'
import type { BlockWorkers } from './block-workers.ts'
import { CryptoError } from './crypto-error.ts'

export interface BlockTask {
  readonly kind: 'seal' | 'open'
  readonly batch: BlockBatch
  readonly secret: Uint8Array | undefined
}

export interface BlockAnswer {
  readonly batch: BlockBatch
  readonly good?: number
  readonly error?: string
}

interface Pending {
  resolve(answer: BlockAnswer): void
  reject(error: Error): void
}

interface Thread {
  readonly worker: Worker
  readonly pending: Pending[]
}

const threadsMax = 4 // one core seals faster than most stores take
const tasksPerThread = 2 // one at work, one that waits there
const isSource = import.meta.url.endsWith('.ts')
const entry = new URL(`./native-block-worker${isSource ? '.ts' : '.js'}`, import.meta.url)

/** @param threads by default one for each core, at most four */
export function createBlockWorkers(
  threads: number = Math.min(availableParallelism(), threadsMax)
): BlockWorkers {
  return new Pool(threads)
}

class Pool implements BlockWorkers {
  readonly width: number
  readonly #threadCount: number
  readonly #threads: Thread[] = []
  #isClosed = false

  constructor(threads: number) {
    this.#threadCount = threads
    this.width = threads * tasksPerThread
  }

  async seal(batch: BlockBatch, secret: Uint8Array | undefined): Promise<BlockBatch> {
    const answer = await this.#run({ kind: 'seal', batch, secret })
    return answer.batch
  }

  async open(batch: BlockBatch): Promise<{ readonly batch: BlockBatch; readonly good: number }> {
    const answer = await this.#run({ kind: 'open', batch, secret: undefined })
    return { batch: answer.batch, good: answer.good ?? 0 }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#threads.splice(0).map((thread) => this.#end(thread, 'the workers were closed')))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #run(task: BlockTask): Promise<BlockAnswer> {
    if (this.#isClosed) return Promise.reject(failure('the workers are closed'))
    const thread = this.#idlest()
    const { batch } = task
    return new Promise<BlockAnswer>((resolve, reject) => {
      thread.pending.push({ resolve, reject })
      thread.worker.ref()
      thread.worker.postMessage(task, buffersOf(batch))
    })
  }

  #idlest(): Thread {
    const idle = this.#threads.find(({ pending }) => pending.length === 0)
    if (idle !== undefined) return idle
    if (this.#threads.length < this.#threadCount) return this.#start()
    return this.#threads.reduce((best, one) => (one.pending.length < best.pending.length ? one : best))
  }

  #start(): Thread {
    const worker = new Worker(entry, {
      name: 'blocks',
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 },
      ...(isSource ? { execArgv: ['--conditions=source', '--no-warnings'] } : {})
    })
    const thread: Thread = { worker, pending: [] }
    worker.on('message', (answer: BlockAnswer) => {
      const first = thread.pending.shift()
      if (thread.pending.length === 0) worker.unref()
      if (answer.error === undefined) first?.resolve(answer)
      else first?.reject(new CryptoError('ERR_CRYPTO_ARGUMENT', answer.error))
    })
    worker.on('error', (error) => void this.#end(thread, 'a thread failed', error))
    worker.on('exit', () => void this.#end(thread, 'a thread ended'))
    this.#threads.push(thread)
    return thread
  }

  async #end(thread: Thread, reason: string, cause?: unknown): Promise<void> {
    const index = this.#threads.indexOf(thread)
    if (index >= 0) this.#threads.splice(index, 1)
    for (const task of thread.pending.splice(0)) task.reject(failure(reason, cause))
    await thread.worker.terminate()
  }
}

function failure(reason: string, cause?: unknown): CryptoError {
  const options = cause === undefined ? undefined : { cause }
  return new CryptoError('ERR_CRYPTO_WORKER', `blocks were sent to worker threads, but ${reason}`, options)
}

/** What moves with the message; a shared buffer is seen by both sides anyway. */
function buffersOf({ blocks, pairs }: BlockBatch): ArrayBuffer[] {
  return [blocks.buffer, pairs.buffer].filter((buffer) => buffer instanceof ArrayBuffer)
}
