/** What one peer is asked: questions of the same moment share a request, and a few requests are under way at a time. */
import type { BlockRequest } from '@blocktree/eris'

export interface WindowOptions<Answer> {
  readonly ask: (requests: readonly BlockRequest[]) => Promise<readonly Answer[]>
  /** Questions in one request. */
  readonly countMax: number
  /** Bytes of the blocks in one request. */
  readonly bytesMax: number
  /** Requests under way. */
  readonly widthMax: number
}

interface Question<Answer> {
  readonly request: BlockRequest
  readonly signal: AbortSignal | undefined
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

export class BlockWindow<Answer> {
  readonly #options: WindowOptions<Answer>
  #waiting: Question<Answer>[] = []
  #width = 0
  #asked = 0
  #isScheduled = false

  constructor(options: WindowOptions<Answer>) {
    this.#options = options
  }

  /** Questions that have no answer yet. */
  get load(): number {
    return this.#waiting.length + this.#asked
  }

  /** Rejects with what the request failed with, or the reason of the signal. */
  ask(request: BlockRequest, signal: AbortSignal | undefined): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const abort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.#waiting.push({ request, signal, resolve, reject })
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.#pump()
      })
    }
    return promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  #pump(): void {
    this.#waiting = this.#waiting.filter(({ signal }) => signal?.aborted !== true)
    while (this.#width < this.#options.widthMax && this.#waiting.length > 0) void this.#send(this.#next())
  }

  #next(): readonly Question<Answer>[] {
    const { countMax, bytesMax } = this.#options
    let bytes = 0
    let count = 0
    for (const { request } of this.#waiting) {
      bytes += request.size
      if (count === countMax || (count > 0 && bytes > bytesMax)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #send(questions: readonly Question<Answer>[]): Promise<void> {
    this.#width += 1
    this.#asked += questions.length
    try {
      const answers = await this.#options.ask(questions.map(({ request }) => request))
      for (const [index, answer] of answers.entries()) questions[index]?.resolve(answer)
    } catch (error) {
      for (const { reject } of questions) reject(error)
    } finally {
      this.#width -= 1
      this.#asked -= questions.length
      this.#pump()
    }
  }
}
