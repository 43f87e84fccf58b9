/**
 * A connection to a peer: a channel for requests, answers, events and pings, and channels for bulk beside it that are opened
 * when the first stream is pulled (doc/spec/24-network.md). Pure: bytes come through channels, time through timers.
 */
import { BulkChannel } from './bulk-channel.ts'
import type { PullCount } from './bulk-sender.ts'
import { cancelled, connectionEnded, timedOut } from './failure.ts'
import type { FrameBudget } from './frame-budget.ts'
import { type Frame, frameType, isName, type PullFrame } from './frame.ts'
import type { Channel } from './channel.ts'
import {
  bodyBytesMax,
  closeTimeoutMs,
  eventQueueBytesMax,
  nameBytesMax,
  type NetworkLimits,
  queueBytesMax,
  requestTimeoutMsDefault,
  requestTimeoutMsMax
} from './limits.ts'
import { NetworkError, RemoteError } from './network-error.ts'
import type {
  Connection,
  ConnectionHandlers,
  ConnectionStatistics,
  RequestContext,
  PullOptions,
  RequestOptions
} from './port.ts'
import { RequestsIn } from './requests-in.ts'
import { RateLimit } from './rate-limit.ts'
import { RequestsOut } from './requests-out.ts'
import type { Timers } from './timers.ts'

export interface PeerConnectionOptions {
  readonly id: number
  readonly remoteKey: Uint8Array
  readonly remoteAddress: string
  readonly direction: 'inbound' | 'outbound'
  readonly relayed: boolean
  /** Instance of the peer's network, from its hello. */
  readonly remoteInstance: Uint8Array
  /** Token that joins the channels of this connection. */
  readonly session: Uint8Array
  readonly channel: Channel
  readonly timers: Timers
  readonly limits: NetworkLimits
  /** For long frames until `trust`. */
  readonly budget: FrameBudget
  /**
   * Another channel to the peer, given to `take` when both have said hello and before anything is read of it; undefined
   * when the peer has to open it.
   */
  readonly openBulkChannel: OpenBulkChannel | undefined
}

export type OpenBulkChannel = (
  signal: AbortSignal,
  take: (channel: Channel) => BulkChannel
) => Promise<BulkChannel>

/** @param channel said hello; its receiver is set here */
export function createPeerConnection(options: PeerConnectionOptions): PeerConnection {
  return new PeerConnection(options)
}

export class PeerConnection implements Connection {
  readonly id: number
  readonly remoteKey: Uint8Array
  readonly remoteAddress: string
  readonly direction: 'inbound' | 'outbound'
  readonly relayed: boolean
  readonly remoteInstance: Uint8Array
  readonly session: Uint8Array
  readonly closed: Promise<string>
  readonly #options: PeerConnectionOptions
  readonly #channel: Channel
  readonly #timers: Timers
  readonly #limits: NetworkLimits
  readonly #out: RequestsOut
  readonly #in: RequestsIn
  readonly #resolveClosed: (why: string) => void
  readonly #abortOpening = new AbortController()
  #handlers: ConnectionHandlers | undefined
  /** Channels that are open; streams are pulled over the last. */
  readonly #bulkChannels = new Set<BulkChannel>()
  #openingBulk: Promise<BulkChannel> | undefined
  #bulkAttached: ((channel: BulkChannel) => void) | undefined
  readonly #asksForChannels: RateLimit
  #pulls = 0
  readonly #pulled: PullCount = { running: 0 }
  #roundTripMs: number | undefined
  #endedWhy: string | undefined
  #closing: string | undefined
  #pings = new Map<number, { readonly sentMs: number; readonly done: () => void }>()
  #lastPing = 0
  #stopKeepAlive: (() => void) | undefined
  readonly #stopBulkIdle = new Map<BulkChannel, () => void>()
  #isTrusted = false
  #bulkBytesIn = 0
  #bulkBytesOut = 0

  constructor(options: PeerConnectionOptions) {
    const { channel, timers, limits } = options
    this.id = options.id
    this.remoteKey = options.remoteKey
    this.remoteAddress = options.remoteAddress
    this.direction = options.direction
    this.relayed = options.relayed
    this.remoteInstance = options.remoteInstance
    this.session = options.session
    this.#options = options
    this.#channel = channel
    this.#timers = timers
    this.#limits = limits
    this.#asksForChannels = new RateLimit(limits.channelsPerSecondMax, 1)
    const closed = Promise.withResolvers<string>()
    this.closed = closed.promise
    this.#resolveClosed = closed.resolve
    const bounds = { requestsMax: limits.requestsMax, requestBytesMax: limits.requestBytesMax }
    const measured = (roundTripMs: number): void => this.#measured(roundTripMs)
    this.#out = new RequestsOut({ channel, timers, ...bounds, measured })
    const { strangerRequestBytesMax } = limits
    this.#in = new RequestsIn({ channel, timers, ...bounds, strangerRequestBytesMax, connection: this })
    channel.receiver = {
      frame: (frame) => this.#receive(frame),
      drained: () => {},
      ended: (why) => this.#ended(why)
    }
    channel.know(options.budget)
    this.#keepAlive()
  }

  get isOpen(): boolean {
    return this.#endedWhy === undefined && this.#closing === undefined
  }

  /** True when nothing of either side is under way. */
  get isIdle(): boolean {
    return this.#out.size === 0 && this.#in.size === 0 && this.#pulls === 0 && this.#isBulkIdle
  }

  get statistics(): ConnectionStatistics {
    const channels = [this.#channel, ...this.#bulkChannels]
    return {
      bytesIn: channels.reduce((total, { bytesIn }) => total + bytesIn, this.#bulkBytesIn),
      bytesOut: channels.reduce((total, { bytesOut }) => total + bytesOut, this.#bulkBytesOut),
      requestsIn: this.#in.count,
      requestsOut: this.#out.count,
      roundTripMs: this.#roundTripMs
    }
  }

  async request(method: string, body: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    this.#expectSendable('request', method, body)
    const timeoutMs = timeoutOf(options)
    return this.#out.send({ method, body, timeoutMs, signal: options.signal })
  }

  notify(event: string, body: Uint8Array): boolean {
    expectWithinLimits('event', event, body)
    if (!this.isOpen || this.#channel.queuedBytes + body.length > eventQueueBytesMax) return false
    this.#channel.send({ type: frameType.event, name: event, body })
    return true
  }

  async *pull(
    method: string,
    head: Uint8Array,
    options: PullOptions = {}
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#expectSendable('stream', method, head)
    const { signal, asBytes = false } = options
    const timeoutMs = timeoutOf(options)
    if (signal?.aborted === true) throw cancelled(`stream "${method}"`, signal)
    if (this.#pulls >= this.#limits.pullsMax) {
      throw new NetworkError('ERR_NETWORK_BUSY', `stream "${method}": ${this.#pulls} are under way`)
    }
    this.#pulls++
    try {
      const bulk = await this.#bulkChannel(method)
      yield* bulk.pull({ method, head, timeoutMs, signal, asBytes })
    } finally {
      this.#pulls--
    }
  }

  serve(handlers: ConnectionHandlers): void {
    this.#handlers = handlers
    this.#in.serve(handlers)
  }

  trust(): void {
    this.#isTrusted = true
    this.#in.trust()
    this.#channel.trust()
    for (const bulk of this.#bulkChannels) bulk.trust()
  }

  get hasRoomForBulkChannel(): boolean {
    return this.isOpen && this.#bulkChannels.size < this.#limits.bulkChannelsMax
  }

  /** A channel that the peer opened, over which both have said hello. */
  attachBulkChannel(channel: Channel): void {
    const bulk = this.#addBulkChannel(channel)
    this.#bulkAttached?.(bulk)
  }

  /** Round trip in milliseconds; `ERR_NETWORK_TIMEOUT` when no answer comes in time. */
  ping(timeoutMs: number): Promise<number> {
    if (!this.isOpen) return Promise.reject(connectionEnded('a ping', this.#reason))
    const id = ++this.#lastPing
    return new Promise((resolve, reject) => {
      const sentMs = this.#timers.now()
      const stop = this.#timers.start(timeoutMs, () => {
        this.#pings.delete(id)
        reject(timedOut('a ping', timeoutMs))
      })
      const done = (): void => {
        stop()
        if (this.#endedWhy === undefined) resolve(this.#timers.now() - sentMs)
        else reject(connectionEnded('a ping', this.#endedWhy))
      }
      this.#pings.set(id, { sentMs, done })
      this.#channel.send({ type: frameType.ping, id })
    })
  }

  async close(reason = 'closed'): Promise<void> {
    if (this.isOpen) {
      this.#closing = reason
      this.#channel.send({ type: frameType.close, reason })
      this.#channel.end()
      this.#stopServing(reason)
      const stop = this.#timers.start(closeTimeoutMs, () => this.#channel.destroy(reason))
      void this.closed.then(stop)
    }
    await this.closed
  }

  /** Ends it now. */
  destroy(reason: string): void {
    this.#channel.destroy(reason)
  }

  get #reason(): string {
    return this.#endedWhy ?? this.#closing ?? ''
  }

  #expectSendable(what: string, name: string, body: Uint8Array): void {
    expectWithinLimits(what, name, body)
    if (!this.isOpen) throw connectionEnded(`${what} "${name}"`, this.#reason)
  }

  /** What is under way for the peer ends here, whether it takes notice of the close or not. */
  #stopServing(reason: string): void {
    this.#abortOpening.abort()
    for (const bulk of this.#bulkChannels) bulk.destroy(reason)
    this.#in.end()
  }

  #receive(frame: Frame): void {
    if (this.#closing !== undefined && isAsking(frame)) return
    switch (frame.type) {
      case frameType.request:
        this.#in.request(frame)
        if (this.#channel.queuedBytes > queueBytesMax) this.#channel.destroy('the peer does not read')
        return
      case frameType.answer:
        this.#out.answered(frame.id, frame.body)
        return
      case frameType.error:
        this.#out.failed(frame.id, new RemoteError(frame.code, frame.message))
        return
      case frameType.cancel:
        this.#in.cancel(frame.id)
        return
      case frameType.event:
        this.#in.event(frame)
        return
      case frameType.ping:
        // one that does not read its pongs gets no more
        if (this.#channel.queuedBytes < eventQueueBytesMax)
          this.#channel.send({ type: frameType.pong, id: frame.id })
        return
      case frameType.pong:
        this.#receivePong(frame.id)
        return
      case frameType.channel:
        this.#receiveChannelRequest()
        return
      case frameType.close:
        this.#closing ??= frame.reason
        this.#channel.destroy(frame.reason)
        return
      default:
        throw new NetworkError(
          'ERR_NETWORK_PROTOCOL',
          `frame of type ${frame.type} on a channel for requests`
        )
    }
  }

  #receivePong(id: number): void {
    const ping = this.#pings.get(id)
    if (ping === undefined) return
    this.#pings.delete(id)
    this.#measured(this.#timers.now() - ping.sentMs)
    ping.done()
  }

  #measured(roundTripMs: number): void {
    const before = this.#roundTripMs
    this.#roundTripMs = before === undefined ? roundTripMs : before + (roundTripMs - before) / 8
  }

  #keepAlive(): void {
    const { keepAliveMs, silenceMsMax } = this.#limits
    const silentMs = this.#timers.now() - this.#heardMs
    if (silentMs >= silenceMsMax) {
      this.#channel.destroy(`nothing was heard of the peer for ${Math.round(silentMs)} ms`)
      return
    }
    const isDue = silentMs >= keepAliveMs
    if (isDue) this.#channel.send({ type: frameType.ping, id: 0 })
    const waitMs = isDue ? Math.min(keepAliveMs, silenceMsMax - silentMs) : keepAliveMs - silentMs
    this.#stopKeepAlive = this.#timers.start(Math.max(waitMs, 1), () => this.#keepAlive())
  }

  get #heardMs(): number {
    return this.#channel.heardMs
  }

  /** The open channel for bulk, or one that is opened now. */
  async #bulkChannel(method: string): Promise<BulkChannel> {
    const open = [...this.#bulkChannels].at(-1)
    if (open !== undefined) return open
    this.#openingBulk ??= this.#openBulkChannel().finally(() => {
      this.#openingBulk = undefined
    })
    const bulk = await this.#openingBulk
    if (!this.isOpen) throw connectionEnded(`stream "${method}"`, this.#reason)
    return bulk
  }

  /** Who dialled opens the channels, since it is not certain that it can be dialled itself; the other asks for one. */
  async #openBulkChannel(): Promise<BulkChannel> {
    const { openBulkChannel } = this.#options
    if (openBulkChannel === undefined) return this.#askForBulkChannel()
    const bulk = await openBulkChannel(this.#abortOpening.signal, (channel) => this.#addBulkChannel(channel))
    this.#closeWhenIdle(bulk)
    return bulk
  }

  #askForBulkChannel(): Promise<BulkChannel> {
    const { signal } = this.#abortOpening
    const timeoutMs = this.#limits.handshakeTimeoutMs
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stop()
        signal.removeEventListener('abort', abort)
        this.#bulkAttached = undefined
      }
      const abort = (): void => {
        settle()
        reject(connectionEnded('a channel for bulk', this.#reason))
      }
      const stop = this.#timers.start(timeoutMs, () => {
        settle()
        reject(timedOut('a channel for bulk', timeoutMs))
      })
      signal.addEventListener('abort', abort)
      this.#bulkAttached = (bulk) => {
        settle()
        resolve(bulk)
      }
      this.#channel.send({ type: frameType.channel, id: 0 })
    })
  }

  /** The peer wants to pull. Failing is no matter: it asks again. */
  #receiveChannelRequest(): void {
    if (this.#options.openBulkChannel === undefined) {
      throw new NetworkError('ERR_NETWORK_PROTOCOL', 'a channel is opened by who dialled')
    }
    if (this.#openingBulk !== undefined || this.#bulkChannels.size >= this.#limits.bulkChannelsMax) return
    if (!this.#asksForChannels.take('', this.#timers.now())) return // each is a handshake that we pay for
    this.#openingBulk = this.#openBulkChannel().finally(() => {
      this.#openingBulk = undefined
    })
    this.#openingBulk.catch(() => {})
  }

  #addBulkChannel(channel: Channel): BulkChannel {
    const bulk = new BulkChannel({
      channel,
      timers: this.#timers,
      limits: this.#limits,
      budget: this.#isTrusted ? undefined : this.#options.budget,
      pulls: this.#pulled,
      answer: (frame, signal) => this.#answerPull(frame, signal),
      ended: () => {
        this.#bulkChannels.delete(bulk)
        this.#bulkBytesIn += bulk.bytesIn
        this.#bulkBytesOut += bulk.bytesOut
      }
    })
    this.#bulkChannels.add(bulk)
    if (!this.isOpen) bulk.destroy(this.#reason)
    return bulk
  }

  #closeWhenIdle(bulk: BulkChannel): void {
    if (bulk.isOver) return
    const stop = this.#timers.start(this.#limits.bulkIdleMs, () => {
      this.#stopBulkIdle.delete(bulk)
      if (bulk.isIdle && this.#pulls === 0) bulk.destroy('idle')
      else this.#closeWhenIdle(bulk)
    })
    this.#stopBulkIdle.set(bulk, stop)
  }

  get #isBulkIdle(): boolean {
    for (const bulk of this.#bulkChannels) if (!bulk.isIdle) return false
    return true
  }

  #answerPull(frame: PullFrame, signal: AbortSignal): AsyncIterable<Uint8Array> {
    if (this.#handlers === undefined)
      throw new NetworkError('ERR_NETWORK_BUSY', 'nobody serves this connection yet')
    const context: RequestContext = { connection: this, signal, remainingMs: frame.timeoutMs }
    return this.#handlers.stream(frame.method, frame.head, context)
  }

  #ended(why: string): void {
    const reason = this.#closing ?? why
    this.#endedWhy = reason
    this.#stopKeepAlive?.()
    for (const stop of this.#stopBulkIdle.values()) stop()
    this.#stopServing(reason)
    this.#out.end(reason)
    for (const { done } of this.#pings.values()) done()
    this.#pings.clear()
    this.#resolveClosed(reason)
  }
}

function isAsking({ type }: Frame): boolean {
  return type === frameType.request || type === frameType.event || type === frameType.channel
}

function expectWithinLimits(what: string, name: string, body: Uint8Array): void {
  if (name.length > nameBytesMax || body.length > bodyBytesMax) {
    throw new NetworkError(
      'ERR_NETWORK_TOO_LONG',
      `${what} "${name.slice(0, nameBytesMax)}" with ${body.length} bytes; a name has at most ${nameBytesMax}, a body ${bodyBytesMax}`
    )
  }
  if (isName(name)) return
  throw new NetworkError(
    'ERR_NETWORK_NAME_INVALID',
    `${what} "${name}": names are printable ASCII without spaces`
  )
}

function timeoutOf({ timeoutMs = requestTimeoutMsDefault }: RequestOptions): number {
  return Math.ceil(Math.min(Math.max(timeoutMs, 1), requestTimeoutMsMax))
}
