/**
 * A connection to a peer: a lane for requests, answers, events and pings, and lanes for bulk beside it that are opened
 * when the first stream is pulled (doc/spec/24-network.md). Pure: bytes come through lanes, time through timers.
 */
import { BulkReceiver } from './bulk-receiver.ts'
import { BulkSender } from './bulk-sender.ts'
import { cancelled, connectionEnded, timedOut } from './failure.ts'
import { type Frame, frameType, isName, type PullFrame } from './frame.ts'
import type { Lane } from './lane.ts'
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
  RequestOptions
} from './port.ts'
import { RequestsIn } from './requests-in.ts'
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
  /** Token that joins the lanes of this connection. */
  readonly session: Uint8Array
  readonly lane: Lane
  readonly timers: Timers
  readonly limits: NetworkLimits
  /** Another lane to the peer; its frames go to the given receiver once both have said hello. */
  openBulkLane(signal: AbortSignal): Promise<Lane>
}

/** @param lane said hello; its receiver is set here */
export function createPeerConnection(options: PeerConnectionOptions): PeerConnection {
  return new PeerConnection(options)
}

interface BulkOut {
  readonly lane: Lane
  readonly receiver: BulkReceiver
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
  readonly #lane: Lane
  readonly #timers: Timers
  readonly #limits: NetworkLimits
  readonly #out: RequestsOut
  readonly #in: RequestsIn
  readonly #resolveClosed: (why: string) => void
  readonly #abortOpening = new AbortController()
  #handlers: ConnectionHandlers | undefined
  #bulkOut: Promise<BulkOut> | undefined
  #pulls = 0
  #bulkOutLane: Lane | undefined
  readonly #bulkIn = new Map<Lane, BulkSender>()
  #roundTripMs: number | undefined
  #endedWhy: string | undefined
  #closing: string | undefined
  #pings = new Map<number, { readonly sentMs: number; readonly done: () => void }>()
  #lastPing = 0
  #stopKeepAlive: (() => void) | undefined
  #stopBulkIdle: (() => void) | undefined
  #bulkBytesIn = 0
  #bulkBytesOut = 0

  constructor(options: PeerConnectionOptions) {
    const { lane, timers, limits } = options
    this.id = options.id
    this.remoteKey = options.remoteKey
    this.remoteAddress = options.remoteAddress
    this.direction = options.direction
    this.relayed = options.relayed
    this.remoteInstance = options.remoteInstance
    this.session = options.session
    this.#options = options
    this.#lane = lane
    this.#timers = timers
    this.#limits = limits
    const closed = Promise.withResolvers<string>()
    this.closed = closed.promise
    this.#resolveClosed = closed.resolve
    const bounds = { requestsMax: limits.requestsMax, requestBytesMax: limits.requestBytesMax }
    const measured = (roundTripMs: number): void => this.#measured(roundTripMs)
    this.#out = new RequestsOut({ lane, timers, ...bounds, measured })
    this.#in = new RequestsIn({ lane, timers, ...bounds, connection: this })
    lane.receiver = {
      frame: (frame) => this.#receive(frame),
      drained: () => {},
      ended: (why) => this.#ended(why)
    }
    lane.isKnown = true
    this.#keepAlive()
  }

  get isOpen(): boolean {
    return this.#endedWhy === undefined && this.#closing === undefined
  }

  /** True when nothing of either side is under way. */
  get isIdle(): boolean {
    return this.#out.size === 0 && this.#in.size === 0 && this.#pulls === 0 && this.#bulkIn.size === 0
  }

  get statistics(): ConnectionStatistics {
    const lanes = [this.#lane, ...this.#bulkIn.keys()]
    if (this.#bulkOutLane !== undefined) lanes.push(this.#bulkOutLane)
    return {
      bytesIn: lanes.reduce((total, { bytesIn }) => total + bytesIn, this.#bulkBytesIn),
      bytesOut: lanes.reduce((total, { bytesOut }) => total + bytesOut, this.#bulkBytesOut),
      requestsIn: this.#in.count,
      requestsOut: this.#out.count,
      roundTripMs: this.#roundTripMs
    }
  }

  async request(method: string, body: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    this.#expectSendable('request', method, body)
    const timeoutMs = timeoutOf(options)
    return this.#checkQueue(this.#out.send({ method, body, timeoutMs, signal: options.signal }))
  }

  notify(event: string, body: Uint8Array): boolean {
    expectWithinLimits('event', event, body)
    if (!this.isOpen || this.#lane.queuedBytes + body.length > eventQueueBytesMax) return false
    this.#lane.send({ type: frameType.event, name: event, body })
    return true
  }

  async *pull(
    method: string,
    head: Uint8Array,
    options: RequestOptions = {}
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#expectSendable('stream', method, head)
    const { signal } = options
    const timeoutMs = timeoutOf(options)
    if (signal?.aborted === true) throw cancelled(`stream "${method}"`, signal)
    if (this.#pulls >= this.#limits.pullsMax) {
      throw new NetworkError('ERR_NETWORK_BUSY', `stream "${method}": ${this.#pulls} are under way`)
    }
    this.#pulls++
    try {
      const receiver = await this.#openBulk(method)
      yield* receiver.pull({ method, head, timeoutMs, signal })
    } finally {
      this.#pulls--
    }
  }

  serve(handlers: ConnectionHandlers): void {
    this.#handlers = handlers
    this.#in.serve(handlers)
  }

  /** A lane that the peer opened for its pulls; false when it has too many. */
  attachBulkLane(lane: Lane): boolean {
    if (!this.isOpen || this.#bulkIn.size >= this.#limits.bulkLanesMax) return false
    const sender = new BulkSender({
      lane,
      pullsMax: this.#limits.pullsMax,
      answer: (frame, signal) => this.#answerPull(frame, signal)
    })
    this.#bulkIn.set(lane, sender)
    lane.receiver = {
      frame: (frame) => sender.receive(frame),
      drained: () => sender.drained(),
      ended: () => {
        this.#bulkIn.delete(lane)
        this.#bulkBytesIn += lane.bytesIn
        this.#bulkBytesOut += lane.bytesOut
        sender.end()
      }
    }
    lane.isKnown = true
    return true
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
      this.#lane.send({ type: frameType.ping, id })
    })
  }

  async close(reason = 'closed'): Promise<void> {
    if (this.isOpen) {
      this.#closing = reason
      this.#lane.send({ type: frameType.close, reason })
      this.#lane.end()
      const stop = this.#timers.start(closeTimeoutMs, () => this.#lane.destroy(reason))
      void this.closed.then(stop)
    }
    await this.closed
  }

  /** Ends it now. */
  destroy(reason: string): void {
    this.#lane.destroy(reason)
  }

  get #reason(): string {
    return this.#endedWhy ?? this.#closing ?? ''
  }

  #expectSendable(what: string, name: string, body: Uint8Array): void {
    expectWithinLimits(what, name, body)
    if (!this.isOpen) throw connectionEnded(`${what} "${name}"`, this.#reason)
  }

  /** A peer that does not read, while others here go on asking it, is given up. */
  #checkQueue<T>(result: T): T {
    if (this.#lane.queuedBytes > queueBytesMax) this.#lane.destroy('the peer does not read')
    return result
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case frameType.request:
        this.#in.request(frame)
        this.#checkQueue(undefined)
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
        if (this.#lane.queuedBytes < eventQueueBytesMax)
          this.#lane.send({ type: frameType.pong, id: frame.id })
        return
      case frameType.pong:
        this.#receivePong(frame.id)
        return
      case frameType.close:
        this.#closing ??= frame.reason
        this.#lane.destroy(frame.reason)
        return
      default:
        throw new NetworkError('ERR_NETWORK_PROTOCOL', `frame of type ${frame.type} on a lane for requests`)
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
      this.#lane.destroy(`nothing was heard of the peer for ${Math.round(silentMs)} ms`)
      return
    }
    const isDue = silentMs >= keepAliveMs
    if (isDue) this.#lane.send({ type: frameType.ping, id: 0 })
    const waitMs = isDue ? Math.min(keepAliveMs, silenceMsMax - silentMs) : keepAliveMs - silentMs
    this.#stopKeepAlive = this.#timers.start(Math.max(waitMs, 1), () => this.#keepAlive())
  }

  get #heardMs(): number {
    return this.#lane.heardMs
  }

  async #openBulk(method: string): Promise<BulkReceiver> {
    this.#bulkOut ??= this.#startBulk()
    const bulk = await this.#bulkOut
    if (!this.isOpen) throw connectionEnded(`stream "${method}"`, this.#reason)
    return bulk.receiver
  }

  async #startBulk(): Promise<BulkOut> {
    try {
      const lane = await this.#options.openBulkLane(this.#abortOpening.signal)
      const receiver = new BulkReceiver({
        lane,
        timers: this.#timers,
        windowBytes: this.#limits.pullWindowBytes
      })
      lane.receiver = {
        frame: (frame) => receiver.receive(frame),
        drained: () => {},
        ended: (why) => {
          this.#stopBulkIdle?.()
          this.#bulkOut = undefined
          this.#bulkOutLane = undefined
          this.#bulkBytesIn += lane.bytesIn
          this.#bulkBytesOut += lane.bytesOut
          receiver.end(why)
        }
      }
      lane.isKnown = true
      this.#bulkOutLane = lane
      if (!this.isOpen) lane.destroy(this.#reason)
      else this.#closeWhenIdle(lane)
      return { lane, receiver }
    } catch (error) {
      this.#bulkOut = undefined
      throw error
    }
  }

  #closeWhenIdle(lane: Lane): void {
    this.#stopBulkIdle = this.#timers.start(this.#limits.bulkIdleMs, () => {
      if (this.#pulls > 0) this.#closeWhenIdle(lane)
      else lane.destroy('idle')
    })
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
    this.#stopBulkIdle?.()
    this.#abortOpening.abort()
    this.#bulkOutLane?.destroy(reason)
    for (const lane of this.#bulkIn.keys()) lane.destroy(reason)
    this.#in.end()
    this.#out.end(reason)
    for (const { done } of this.#pings.values()) done()
    this.#pings.clear()
    this.#resolveClosed(reason)
  }
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
