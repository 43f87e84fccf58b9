/** What a transfer has done so far: counts, problems, and progress at a bounded rate. */
import { problemsMax, progressIntervalMs } from './limits.ts'
import type { TransferProblem, TransferProblemCode } from './transfer-problem.ts'

export interface TransferReport {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  /** Files, and links, that were there already and did not change. */
  readonly unchanged: number
  /** The first 1,000. */
  readonly problems: readonly TransferProblem[]
  /** All of them. */
  readonly problemCount: number
}

export interface TransferProgress {
  /** Bytes of content taken or written. */
  readonly done: number
  readonly unit: 'bytes'
  readonly files: number
  readonly unchanged: number
  /** What was worked at last. */
  readonly text: string
}

export class TransferCount {
  files = 0
  directories = 0
  symlinks = 0
  bytes = 0
  unchanged = 0
  readonly #problems: TransferProblem[] = []
  #problemCount = 0
  readonly #onProgress: ((progress: TransferProgress) => void) | undefined
  readonly #now: () => number
  #reported: number

  constructor(now: () => number, onProgress: ((progress: TransferProgress) => void) | undefined) {
    this.#now = now
    this.#onProgress = onProgress
    this.#reported = now()
  }

  problem(path: string, code: TransferProblemCode, reason: string): void {
    this.#problemCount++
    if (this.#problems.length < problemsMax) this.#problems.push({ path, code, reason })
  }

  /** Tells of progress unless that was done a moment ago. */
  tell(text: string): void {
    if (this.#onProgress === undefined || this.#now() - this.#reported < progressIntervalMs) return
    this.#reported = this.#now()
    const { bytes: done, files, unchanged } = this
    this.#onProgress({ done, unit: 'bytes', files, unchanged, text })
  }

  report(): TransferReport {
    const { files, directories, symlinks, bytes, unchanged } = this
    return {
      files,
      directories,
      symlinks,
      bytes,
      unchanged,
      problems: this.#problems,
      problemCount: this.#problemCount
    }
  }
}
