/** A channel for bulk: both sides pull streams over it. */
import { BulkReceiver, type PullRequest } from './bulk-receiver.ts'
import { BulkSender, type PullCount } from './bulk-sender.ts'
import type { FrameBudget } from './frame-budget.ts'
import { type Frame, frameType, type PullFrame } from './frame.ts'
import type { Channel } from './channel.ts'
import { bulkQueueBytesMax, type NetworkLimits } from './limits.ts'
import { NetworkError } from './network-error.ts'
import type { Timers } from './timers.ts'

export interface BulkChannelOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly limits: NetworkLimits
  /** For frames of a peer that nobody vouches for. */
  readonly budget: FrameBudget | undefined
  /** Streams that the peer pulls over all channels of its connection. */
  readonly pulls: PullCount
  /** The stream that answers a pull of the peer. */
  readonly answer: (frame: PullFrame, signal: AbortSignal) => AsyncIterable<Uint8Array>
  ended(channel: BulkChannel): void
}

export class BulkChannel {
  readonly #channel: Channel
  readonly #sender: BulkSender
  readonly #receiver: BulkReceiver
  isOver = false

  constructor(options: BulkChannelOptions) {
    const { channel, timers, limits, pulls, answer } = options
    this.#channel = channel
    this.#sender = new BulkSender({ channel, pullsMax: limits.pullsMax, count: pulls, answer })
    this.#receiver = new BulkReceiver({ channel, timers, windowBytes: limits.pullWindowBytes })
    channel.know(options.budget)
    channel.receiver = {
      frame: (frame) => this.#receive(frame),
      piece: (piece) => this.#receiver.receive(piece),
      drained: () => this.#sender.drained(),
      ended: (why) => {
        this.isOver = true
        this.#sender.end()
        this.#receiver.end(why)
        options.ended(this)
      }
    }
  }

  /** True when neither side pulls. */
  get isIdle(): boolean {
    return this.#sender.size === 0 && this.#receiver.size === 0
  }

  get bytesIn(): number {
    return this.#channel.bytesIn
  }

  get bytesOut(): number {
    return this.#channel.bytesOut
  }

  pull(request: PullRequest): AsyncIterable<Uint8Array> {
    return this.#receiver.pull(request)
  }

  trust(): void {
    this.#channel.trust()
  }

  destroy(why: string): void {
    this.#channel.destroy(why)
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case frameType.pull:
        this.#sender.start(frame)
        if (this.#channel.queuedBytes > bulkQueueBytesMax) this.#channel.destroy('the peer does not read')
        return
      case frameType.credit:
        this.#sender.grant(frame.id, frame.bytes)
        return
      case frameType.cancel:
        this.#sender.cancel(frame.id)
        return
      case frameType.end:
        this.#receiver.finish(frame.id, undefined)
        return
      case frameType.error:
        this.#receiver.fail(frame.id, frame.code, frame.message)
        return
      default:
        throw new NetworkError('ERR_NETWORK_PROTOCOL', `frame of type ${frame.type} on a channel for bulk`)
    }
  }
}
