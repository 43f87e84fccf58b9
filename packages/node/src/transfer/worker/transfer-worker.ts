/**
 * A transfer worker: reads and seals for imports, opens and writes for exports. Holds keys from the start of a job
 * to its end, and wipes them then. Started by ../worker-pool.ts.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { cutBytesFromChunks, newBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { wipe } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { TreeError } from '@blocktree/tree'
import type {
  FromWorker,
  JobSecrets,
  TaskMessage,
  Tasks,
  TaskKind,
  ToWorker,
  WorkerSettings,
  ZoneTarget
} from '../worker-message.ts'
import { FrameBuffers, FrameOutput } from './frame-output.ts'
import { type OpenContext, epochName, openHeaders } from './open-headers.ts'
import { type PackContext, packFiles } from './pack-files.ts'
import { scanDirectory } from './scan-directory.ts'
import { type SealFilesContext, sealFiles } from './seal-files.ts'
import { SourceReader } from './seal-source.ts'
import { sealUnit } from './seal-unit.ts'
import { MissingBytes, StoreAccess } from './store-access.ts'
import { unpackFiles, writeRange } from './unpack-files.ts'

interface Job {
  readonly secrets: JobSecrets
  readonly signer: PackContext['signer'] | undefined
  readonly targets: Map<number, ZoneTarget>
  readonly epochs: Map<string, Uint8Array>
}

interface Question {
  resolvePlaces(places: Float64Array): void
  resolveBytes(bytes: Uint8Array | undefined): void
}

class TransferWorker {
  readonly #crypto: CryptoProvider
  readonly #settings: WorkerSettings
  readonly #post: (message: FromWorker, moved?: readonly ArrayBuffer[]) => void
  readonly #jobs = new Map<number, Job>()
  readonly #buffers = new FrameBuffers()
  readonly #readers: SourceReader[] = []
  readonly #questions = new Map<number, Question>()
  readonly #store: StoreAccess
  #asked = 0

  constructor(
    crypto: CryptoProvider,
    settings: WorkerSettings,
    post: (message: FromWorker, moved?: readonly ArrayBuffer[]) => void
  ) {
    this.#settings = settings
    this.#post = post
    this.#crypto = crypto
    this.#store = new StoreAccess({
      directory: settings.storeDirectory,
      salt: settings.frameSalt,
      crypto: this.#crypto
    })
  }

  take(message: ToWorker): void {
    switch (message.type) {
      case 'task':
        void this.#runTask(message)
        break
      case 'buffer':
        this.#buffers.give(message.buffer)
        break
      case 'answer':
        this.#question(message.question)?.resolvePlaces(message.places)
        break
      case 'bytes':
        this.#question(message.question)?.resolveBytes(message.bytes)
        break
      case 'job':
        this.#openJob(message.job, message.secrets)
        break
      case 'target':
        this.#job(message.job).targets.set(message.target, message.zone)
        break
      case 'epoch':
        this.#job(message.job).epochs.set(epochName(message.epoch), message.key)
        break
      case 'end':
        this.#endJob(message.job)
        break
    }
  }

  #openJob(number: number, secrets: JobSecrets): void {
    const { signSeed, signerId } = secrets
    const signer =
      signSeed === undefined ? undefined : { id: signerId, key: this.#crypto.signingKey(signSeed) }
    if (signSeed !== undefined) wipe(signSeed)
    this.#jobs.set(number, { secrets, signer, targets: new Map(), epochs: new Map() })
  }

  #endJob(number: number): void {
    const job = this.#jobs.get(number)
    this.#jobs.delete(number)
    if (job === undefined) return
    job.signer?.key.close()
    if (job.secrets.nameSecret !== undefined) wipe(job.secrets.nameSecret)
    for (const { key } of job.targets.values()) if (key !== undefined) wipe(key)
    for (const key of job.epochs.values()) wipe(key)
    if (this.#jobs.size === 0) this.#store.close()
  }

  #job(number: number): Job {
    const job = this.#jobs.get(number)
    if (job === undefined) throw new Error(`no job ${number} is open`)
    return job
  }

  async #runTask(message: TaskMessage): Promise<void> {
    try {
      const result = await this.#work(message)
      this.#post({ type: 'done', task: message.task, result }, buffersOf(result))
    } catch (error) {
      const code = error instanceof MissingBytes || error instanceof TreeError ? 'damaged' : codeOf(error)
      const text = error instanceof Error ? error.message : String(error)
      this.#post({ type: 'failed', task: message.task, code, message: text })
    }
  }

  async #work(message: TaskMessage): Promise<Tasks[TaskKind]['result']> {
    switch (message.kind) {
      case 'scan':
        return scanDirectory(message.work)
      case 'pack':
        return await this.#reading((reader) =>
          packFiles(this.#packContext(message.job, message.work.target, reader), message.work)
        )
      case 'unit':
        return await this.#reading((reader) =>
          sealUnit(this.#packContext(message.job, message.work.target, reader), message.work)
        )
      case 'seal':
        return sealFiles(this.#sealContext(message.job, message.work.target), message.work)
      case 'open':
        return await openHeaders(this.#openContext(message.job), message.work)
      case 'unpack':
        return await unpackFiles(this.#openContext(message.job), message.work)
      case 'range':
        return await writeRange(this.#openContext(message.job), message.work)
    }
  }

  #sealContext(number: number, target: number): SealFilesContext {
    const job = this.#job(number)
    const zone = job.targets.get(target)
    const { nameSecret } = job.secrets
    if (zone === undefined || job.signer === undefined || nameSecret === undefined) {
      throw new Error(`job ${number} was not opened for writing`)
    }
    return { crypto: this.#crypto, signer: job.signer, nameSecret, zone, salt: this.#settings.frameSalt }
  }

  async #reading<Result>(work: (reader: SourceReader) => Promise<Result>): Promise<Result> {
    const reader = this.#readers.pop() ?? new SourceReader()
    try {
      return await work(reader)
    } finally {
      this.#readers.push(reader)
    }
  }

  #packContext(number: number, target: number, reader: SourceReader): PackContext {
    const output = new FrameOutput({
      buffers: this.#buffers,
      salt: this.#settings.frameSalt,
      send: (frames) => this.#post({ type: 'frames', job: number, ...frames })
    })
    return { ...this.#sealContext(number, target), output, reader }
  }

  #openContext(number: number): OpenContext {
    return {
      crypto: this.#crypto,
      store: this.#store,
      epochs: this.#job(number).epochs,
      asking: {
        places: (hashes) =>
          new Promise((resolve) => {
            const question = this.#ask({ resolvePlaces: resolve, resolveBytes: () => undefined })
            this.#post({ type: 'places', job: number, question, hashes })
          }),
        read: (kind, reference) =>
          new Promise((resolve) => {
            const question = this.#ask({ resolvePlaces: () => undefined, resolveBytes: resolve })
            this.#post({ type: 'read', job: number, question, kind, reference })
          })
      }
    }
  }

  #ask(question: Question): number {
    this.#questions.set(++this.#asked, question)
    return this.#asked
  }

  #question(number: number): Question | undefined {
    const question = this.#questions.get(number)
    this.#questions.delete(number)
    return question
  }
}

/** What is moved instead of copied. */
function buffersOf(result: Tasks[TaskKind]['result']): readonly ArrayBuffer[] {
  if (!('newFiles' in result) || result.newFiles === undefined) return []
  const { bytes, rows } = result.newFiles.frames
  return [bytes.buffer, rows.buffer].filter((buffer) => buffer instanceof ArrayBuffer)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'ERR_UNKNOWN'
}

/** The parent is ../worker-pool.ts, which gives exactly this. */
function isSettings(value: unknown): value is WorkerSettings {
  return typeof value === 'object' && value !== null && 'frameSalt' in value && 'storeDirectory' in value
}

cutBytesFromChunks() // nothing that is made here outlives its task
const port = parentPort
const settings: unknown = workerData
if (port === null || !isSettings(settings)) throw new Error('this file runs as a worker of the transfer pool')
const crypto =
  settings.provider === 'native'
    ? createNativeProvider({ newBytes })
    : (await import('@blocktree/crypto/portable')).createPortableProvider()
const worker = new TransferWorker(crypto, settings, (message, moved = []) =>
  port.postMessage(message, [...moved])
)
port.on('message', (message: ToWorker) => worker.take(message))
port.postMessage({ type: 'ready' })
