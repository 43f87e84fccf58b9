/**
 * A connection to a peer: a lane for requests, answers, events and pings, and lanes for bulk beside it that are opened
 * when the first stream is pulled (doc/spec/24-network.md). Pure: bytes come through lanes, time through timers.
 */
import { BulkLane } from './bulk-lane.ts'
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
  /**
   * Another lane to the peer, given to `take` when both have said hello and before anything is read of it; undefined
   * when the peer has to open it.
   */
  readonly openBulkLane: OpenBulkLane | undefined
}

export type OpenBulkLane = (signal: AbortSignal, take: (lane: Lane) => BulkLane) => Promise<BulkLane>

/** @param lane said hello; its receiver is set here */
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
  readonly #lane: Lane
  readonly #timers: Timers
  readonly #limits: NetworkLimits
  readonly #out: RequestsOut
  readonly #in: RequestsIn
  readonly #resolveClosed: (why: string) => void
  readonly #abortOpening = new AbortController()
  #handlers: ConnectionHandlers | undefined
  /** Lanes that are open; streams are pulled over the last. */
  readonly #bulkLanes = new Set<BulkLane>()
  #openingBulk: Promise<BulkLane> | undefined
  #bulkAttached: ((lane: BulkLane) => void) | undefined
  #pulls = 0
  #roundTripMs: number | undefined
  #endedWhy: string | undefined
  #closing: string | undefined
  #pings = new Map<number, { readonly sentMs: number; readonly done: () => void }>()
  #lastPing = 0
  #stopKeepAlive: (() => void) | undefined
  readonly #stopBulkIdle = new Map<BulkLane, () => void>()
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
    lane.know()
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
    const lanes = [this.#lane, ...this.#bulkLanes]
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
    return this.#out.send({ method, body, timeoutMs, signal: options.signal })
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
      const bulk = await this.#bulkLane(method)
      yield* bulk.pull({ method, head, timeoutMs, signal })
    } finally {
      this.#pulls--
    }
  }

  serve(handlers: ConnectionHandlers): void {
    this.#handlers = handlers
    this.#in.serve(handlers)
  }

  get hasRoomForBulkLane(): boolean {
    return this.isOpen && this.#bulkLanes.size < this.#limits.bulkLanesMax
  }

  /** A lane that the peer opened, over which both have said hello. */
  attachBulkLane(lane: Lane): void {
    const bulk = this.#addBulkLane(lane)
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

  #receive(frame: Frame): void {
    switch (frame.type) {
      case frameType.request:
        this.#in.request(frame)
        if (this.#lane.queuedBytes > queueBytesMax) this.#lane.destroy('the peer does not read')
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
      case frameType.lane:
        this.#receiveLaneRequest()
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

  /** The open lane for bulk, or one that is opened now. */
  async #bulkLane(method: string): Promise<BulkLane> {
    const open = [...this.#bulkLanes].at(-1)
    if (open !== undefined) return open
    this.#openingBulk ??= this.#openBulkLane().finally(() => {
      this.#openingBulk = undefined
    })
    const bulk = await this.#openingBulk
    if (!this.isOpen) throw connectionEnded(`stream "${method}"`, this.#reason)
    return bulk
  }

  /** Who dialled opens the lanes, since it is not certain that it can be dialled itself; the other asks for one. */
  async #openBulkLane(): Promise<BulkLane> {
    const { openBulkLane } = this.#options
    if (openBulkLane === undefined) return this.#askForBulkLane()
    const bulk = await openBulkLane(this.#abortOpening.signal, (lane) => this.#addBulkLane(lane))
    this.#closeWhenIdle(bulk)
    return bulk
  }

  #askForBulkLane(): Promise<BulkLane> {
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
        reject(connectionEnded('a lane for bulk', this.#reason))
      }
      const stop = this.#timers.start(timeoutMs, () => {
        settle()
        reject(timedOut('a lane for bulk', timeoutMs))
      })
      signal.addEventListener('abort', abort)
      this.#bulkAttached = (bulk) => {
        settle()
        resolve(bulk)
      }
      this.#lane.send({ type: frameType.lane, id: 0 })
    })
  }

  /** The peer wants to pull. Failing is no matter: it asks again. */
  #receiveLaneRequest(): void {
    if (this.#options.openBulkLane === undefined) {
      throw new NetworkError('ERR_NETWORK_PROTOCOL', 'a lane is opened by who dialled')
    }
    if (this.#openingBulk !== undefined || this.#bulkLanes.size >= this.#limits.bulkLanesMax) return
    this.#openingBulk = this.#openBulkLane().finally(() => {
      this.#openingBulk = undefined
    })
    this.#openingBulk.catch(() => {})
  }

  #addBulkLane(lane: Lane): BulkLane {
    const bulk = new BulkLane({
      lane,
      timers: this.#timers,
      limits: this.#limits,
      answer: (frame, signal) => this.#answerPull(frame, signal),
      ended: () => {
        this.#bulkLanes.delete(bulk)
        this.#bulkBytesIn += bulk.bytesIn
        this.#bulkBytesOut += bulk.bytesOut
      }
    })
    this.#bulkLanes.add(bulk)
    if (!this.isOpen) bulk.destroy(this.#reason)
    return bulk
  }

  #closeWhenIdle(bulk: BulkLane): void {
    if (bulk.isOver) return
    const stop = this.#timers.start(this.#limits.bulkIdleMs, () => {
      this.#stopBulkIdle.delete(bulk)
      if (bulk.isIdle && this.#pulls === 0) bulk.destroy('idle')
      else this.#closeWhenIdle(bulk)
    })
    this.#stopBulkIdle.set(bulk, stop)
  }

  get #isBulkIdle(): boolean {
    for (const bulk of this.#bulkLanes) if (!bulk.isIdle) return false
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
    this.#abortOpening.abort()
    for (const bulk of this.#bulkLanes) bulk.destroy(reason)
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
