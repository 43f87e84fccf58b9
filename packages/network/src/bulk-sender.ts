/**
 * The answering side of a channel for bulk: streams that the peer pulls. Each is a generator advanced only while the peer
 * has granted credit and the link takes bytes, so a slow reader costs one chunk and not the memory of the node.
 */
import { chunkCreditMin, bodyBytesMax } from './limits.ts'
import { describeFailure } from './failure.ts'
import { frameType, type PullFrame } from './frame.ts'
import type { Channel } from './channel.ts'
import { NetworkError } from './network-error.ts'

const linkBytesMax = 1024 * 1024 // waits for room above this
const creditMax = 2 ** 32 - 1

/** Streams of all channels of one connection whose generators have not finished. */
export interface PullCount {
  running: number
}

export interface BulkSenderOptions {
  readonly channel: Channel
  readonly pullsMax: number
  /** Shared by the channels of a connection: more channels give a peer no more streams. */
  readonly count: PullCount
  /** The stream that answers a pull. */
  answer(frame: PullFrame, signal: AbortSignal): AsyncIterable<Uint8Array>
}

interface Pull {
  readonly id: number
  readonly controller: AbortController
  credit: number
  wake: (() => void) | undefined
}

export class BulkSender {
  readonly #options: BulkSenderOptions
  readonly #channel: Channel
  readonly #pulls = new Map<number, Pull>()

  constructor(options: BulkSenderOptions) {
    this.#options = options
    this.#channel = options.channel
  }

  /** Streams that are sent. */
  get size(): number {
    return this.#pulls.size
  }

  drained(): void {
    for (const pull of this.#pulls.values()) wake(pull)
  }

  /** Aborts everything. */
  end(): void {
    for (const id of this.#pulls.keys()) this.cancel(id)
  }

  /** Throws `ERR_NETWORK_PROTOCOL` for a number that is in use. */
  start(frame: PullFrame): void {
    const { id } = frame
    if (this.#pulls.has(id)) throw new NetworkError('ERR_NETWORK_PROTOCOL', `pull ${id} is under way`)
    const { count, pullsMax } = this.#options
    if (count.running >= pullsMax) {
      const message = `${pullsMax} streams are under way`
      this.#channel.send({ type: frameType.error, id, code: 'ERR_NETWORK_BUSY', message })
      return
    }
    const pull: Pull = { id, controller: new AbortController(), credit: frame.credit, wake: undefined }
    this.#pulls.set(id, pull)
    count.running++ // until its generator has finished, also when it is cancelled
    void this.#run(pull, frame)
  }

  async #run(pull: Pull, frame: PullFrame): Promise<void> {
    const { id, controller } = pull
    try {
      await this.#send(pull, this.#options.answer(frame, controller.signal))
      if (!controller.signal.aborted) this.#channel.send({ type: frameType.end, id })
    } catch (error) {
      if (!controller.signal.aborted)
        this.#channel.send({ type: frameType.error, id, ...describeFailure(error) })
    } finally {
      this.#options.count.running--
      this.#pulls.delete(id)
    }
  }

  async #send(pull: Pull, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { id, controller } = pull
    const iterator = chunks[Symbol.asyncIterator]()
    let isDone = false
    try {
      for (;;) {
        while (pull.credit <= 0 || this.#channel.queuedBytes > linkBytesMax) {
          await room(pull)
          if (controller.signal.aborted) return
        }
        const next = await iterator.next()
        if (next.done === true) {
          isDone = true
          return
        }
        if (controller.signal.aborted) return
        if (next.value.length === 0) continue
        const cost = costOf(next.value.length)
        // others may have filled the link meanwhile
        while (pull.credit < cost || this.#channel.queuedBytes > linkBytesMax) {
          await room(pull)
          if (controller.signal.aborted) return
        }
        pull.credit -= cost
        this.#channel.send({ type: frameType.chunk, id, body: next.value })
      }
    } catch (error) {
      isDone = true
      throw error
    } finally {
      if (!isDone) await iterator.return?.()
    }
  }

  /** Throws `ERR_NETWORK_PROTOCOL` for more than can be meant. */
  grant(id: number, bytes: number): void {
    const pull = this.#pulls.get(id)
    if (pull === undefined) return // it ended while the credit was on its way
    pull.credit += bytes
    if (pull.credit > creditMax) throw new NetworkError('ERR_NETWORK_PROTOCOL', `credit above ${creditMax}`)
    wake(pull)
  }

  cancel(id: number): void {
    const pull = this.#pulls.get(id)
    if (pull === undefined) return
    this.#pulls.delete(id)
    pull.controller.abort()
    wake(pull)
  }
}

/** What a chunk takes from the credit. Throws when it is too long to be sent. */
export function costOf(length: number): number {
  if (length > bodyBytesMax) {
    throw new NetworkError(
      'ERR_NETWORK_TOO_LONG',
      `a chunk of ${length} bytes; at most ${bodyBytesMax} are sent`
    )
  }
  return Math.max(length, chunkCreditMin)
}

function wake(pull: Pull): void {
  pull.wake?.()
  pull.wake = undefined
}

function room(pull: Pull): Promise<void> {
  return new Promise((resolve) => {
    pull.wake = resolve
  })
}
