/**
 * One connection over a byte stream: RFC 8323. Both ends ask and answer; requests run side by side in any number up to
 * the limits. Knows no socket and no time of its own; ./stream-socket.ts joins it to TCP and Unix sockets.
 */
import { type Exchange, fetchRest, requestInBlocks } from './block-client.ts'
import { readBlockOption } from './block-option.ts'
import type { Clock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { code, codeClass, formatCode, isRequestCode, isResponseCode } from './code.ts'
import { FrameReader } from './frame-reader.ts'
import {
  datagramPayloadBytes,
  messageBytesMax,
  pingsMax,
  requestTimeoutMs,
  requestsInFlightMax
} from './limits.ts'
import {
  type Message,
  type OutgoingRequest,
  type ReceivedResponse,
  type Response,
  noBytes
} from './message.ts'
import { NotificationFeed } from './notification-feed.ts'
import { sequenceOf } from './observer-table.ts'
import { createIntegerOption, optionNumber, usableOptions } from './option.ts'
import type { CoapPeer, Observation, RequestOptions } from './peer.ts'
import { PendingRequests, idOf, tokenOf } from './pending-requests.ts'
import { RequestIntake } from './request-intake.ts'
import type { Service } from './service.ts'
import {
  type Capabilities,
  baseCapabilities,
  createAbort,
  createCapabilities,
  createSignal,
  readCapabilities,
  refuseCritical
} from './signal.ts'
import { frameLength } from './stream-frame.ts'
import { type StreamConnection, StreamOutput } from './stream-output.ts'
import { UploadLine } from './upload-line.ts'
import { type SessionTimes, SessionWatch } from './session-watch.ts'

/** Bytes of head, token and options that an answer with a long payload may have beside it. */
const answerHeadBytes = 128
const sweepMs = 1000
const closingMs = 2000 // what still runs after that is given up

export interface SessionDependencies {
  readonly connection: StreamConnection
  readonly service: Service
  readonly clock: Clock
  /** Calls back soon: what is sent until then goes out together. */
  readonly defer: (flush: () => void) => void
  readonly transport: CoapPeer['transport']
  readonly address: string
  /** Names this session among those of the service. */
  readonly peerKey: string
  readonly times: SessionTimes
  /** Told by how many bytes what is held for this connection has grown (negative: shrunk). */
  readonly onHeldBytes?: ((difference: number) => void) | undefined
}

export class StreamSession implements CoapPeer {
  readonly transport: CoapPeer['transport']
  readonly address: string
  readonly closed: Promise<Error | undefined>
  readonly #deps: SessionDependencies
  readonly #reader = new FrameReader(messageBytesMax)
  readonly #output: StreamOutput
  readonly #intake: RequestIntake
  readonly #pending = new PendingRequests()
  readonly #uploads = new UploadLine()
  readonly #feeds = new Map<number, NotificationFeed>()
  readonly #pings: { token: number; settle: (error?: Error) => void }[] = []
  readonly #watch: SessionWatch
  readonly #settleClosed: (error: Error | undefined) => void
  readonly #capabilitiesKnown: { promise: Promise<void>; settle: () => void }
  readonly #exchange: Exchange
  #peer: Capabilities = baseCapabilities
  #hasGreeted = false
  #state: 'open' | 'leaving' | 'closed' = 'open'
  #error: Error | undefined
  #cancelSweep: () => void
  #reportedBytes = 0

  constructor(deps: SessionDependencies) {
    this.#deps = deps
    this.transport = deps.transport
    this.address = deps.address
    const closed = Promise.withResolvers<Error | undefined>()
    this.closed = closed.promise
    this.#settleClosed = closed.resolve
    const known = Promise.withResolvers<void>()
    this.#capabilitiesKnown = { promise: known.promise, settle: known.resolve }
    this.#output = new StreamOutput(deps.connection, deps.defer)
    this.#intake = new RequestIntake({
      connection: deps.connection,
      unsentBytes: () => this.#output.unsentBytes,
      answer: (message) =>
        deps.service.answer(message, this, this.#limits(), (notification) =>
          this.#respond(message.token, notification)
        ),
      respond: (message, response) => this.#respond(message.token, response),
      onIdle: () => this.#finishLeaving()
    })
    this.#watch = new SessionWatch(deps.times, deps.clock.now())
    this.#exchange = this.#createExchange({})
    this.#output.send(createCapabilities({ messageBytesMax, takesBlocks: true }))
    this.#cancelSweep = deps.clock.schedule(sweepMs, () => this.#sweep())
  }

  /** Whether nothing is asked, answered or observed; then it may be closed to make room. */
  get isIdle(): boolean {
    return this.#pending.size === 0 && this.#intake.isIdle
  }

  /** When something was received last. */
  get lastActivity(): number {
    return this.#watch.lastActivity
  }

  /** Bytes held for this connection: unfinished, waiting and unsent. */
  get heldBytes(): number {
    return this.#reader.heldBytes + this.#intake.waitingBytes + this.#output.unsentBytes
  }

  /** What the peer said it takes; the values of RFC 8323 before it has spoken. */
  get capabilities(): Capabilities {
    return this.#peer
  }

  /** Bytes from the peer. They are kept by whoever keeps a message. */
  receive(chunk: Uint8Array): void {
    if (this.#state === 'closed') return
    let hasFinished = false
    try {
      this.#reader.read(chunk, (message) => {
        hasFinished = true
        this.#onMessage(message)
      })
    } catch (error) {
      this.#breakOff(error)
    }
    this.#watch.received(this.#deps.clock.now(), hasFinished, this.#reader.heldBytes > 0)
    this.#reportHeld()
  }

  /** Bytes were taken by the system. */
  drained(): void {
    this.#watch.drained()
    this.#intake.proceed()
    this.#reportHeld()
  }

  /** The peer sends nothing more, or the connection is lost. */
  ended(error?: Error): void {
    if (this.#state === 'closed') return
    this.#failOwn(
      new CoapError('ERR_COAP_CLOSED', `the connection to ${this.address} has ended`, { cause: error })
    )
    if (error === undefined && !this.#intake.isIdle) this.#leave()
    else this.#shut(error)
  }

  request(request: OutgoingRequest, options?: RequestOptions): Promise<ReceivedResponse> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError())
    const exchange = options === undefined ? this.#exchange : this.#createExchange(options)
    if (!this.#hasGreeted && (request.payload?.length ?? 0) > exchange.payloadBytesMax)
      return this.#capabilitiesKnown.promise.then(() => requestInBlocks(exchange, request))
    return requestInBlocks(exchange, request)
  }

  async observe(
    request: OutgoingRequest,
    onResponse: (response: ReceivedResponse) => void,
    options: RequestOptions = {}
  ): Promise<Observation> {
    if (this.#state !== 'open') throw this.#closedError()
    const exchange = this.#createExchange(options)
    const complete = async (response: ReceivedResponse): Promise<ReceivedResponse> => {
      const block = readBlockOption(response.options, optionNumber.block2)
      return block?.isMore === true ? await fetchRest(exchange, request, response, block) : response
    }
    const withObserve = (value: number): OutgoingRequest => ({
      ...request,
      options: [...request.options, createIntegerOption(optionNumber.observe, value)]
    })
    const feed = new NotificationFeed(complete, onResponse)
    const token = Promise.withResolvers<number>()
    const answer = this.#send(withObserve(0), options, (id) => {
      this.#feeds.set(id, feed)
      token.resolve(id)
    })
    try {
      const received = await answer
      const id = await token.promise
      const isObserving = sequenceOf(received) !== undefined && codeClass(received.code) === 2
      if (!isObserving) this.#feeds.delete(id)
      const first = await complete(received)
      if (isObserving) feed.begin(first, this.#deps.clock.now())
      const end = (): void => {
        feed.end()
        if (!this.#feeds.delete(id) || this.#state !== 'open') return
        this.#output.send({ token: tokenOf(id), payload: noBytes, ...withObserve(1) })
      }
      return { first, isObserving, end }
    } catch (error) {
      token.promise.then((id) => this.#feeds.delete(id)).catch(() => undefined)
      throw error
    }
  }

  async ping({ signal, timeoutMs = requestTimeoutMs }: RequestOptions = {}): Promise<void> {
    if (this.#state !== 'open') throw this.#closedError()
    if (this.#pings.length >= pingsMax)
      throw new CoapError('ERR_COAP_BUSY', `${pingsMax} pings to ${this.address} are unanswered`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const token = this.#pending.takeId()
    const fail = (error: Error): void => {
      const index = this.#pings.findIndex((ping) => ping.token === token)
      if (index >= 0) this.#pings.splice(index, 1)
      reject(error)
    }
    const cancel = this.#deps.clock.schedule(timeoutMs, () =>
      fail(new CoapError('ERR_COAP_TIMEOUT', `no pong from ${this.address} within ${timeoutMs} ms`))
    )
    const onAbort = (): void => fail(cancelled())
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#pings.push({ token, settle: (error) => (error === undefined ? resolve() : reject(error)) })
    this.#output.send(createSignal(code.ping, tokenOf(token)))
    try {
      await promise
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#output.send(createSignal(code.release))
      this.#leave()
    }
    await this.closed
  }

  /** Breaks the connection off at once, with a reason that the peer is told. */
  abort(reason: string): void {
    this.#breakOff(new CoapError('ERR_COAP_PROTOCOL', reason))
  }

  #onMessage(message: Message): void {
    if (this.#state === 'closed') return
    const { code: value } = message
    if (!this.#hasGreeted && value !== code.capabilities && value !== code.abort && value !== code.empty)
      throw new CoapError('ERR_COAP_PROTOCOL', `${formatCode(value)} came before the capabilities`)
    if (isRequestCode(value)) this.#intake.take(message)
    else if (isResponseCode(value)) this.#onResponse(message)
    else if (codeClass(value) === 7) this.#onSignal(message)
    else if (value !== code.empty)
      throw new CoapError('ERR_COAP_FORMAT', `code ${formatCode(value)} is reserved`)
  }

  #onResponse({ code: value, token, options, payload }: Message): void {
    const usable = usableOptions(options)
    const id = idOf(token)
    if (usable.refused !== undefined) {
      const text = `the answer has the critical option ${usable.refused}, which is not understood`
      this.#pending.fail(token, new CoapError('ERR_COAP_OPTION', text))
      return
    }
    const response = { code: value, options: usable.options, payload }
    if (this.#pending.settle(token, response)) this.#finishLeaving()
    else if (id !== undefined) {
      this.#feeds.get(id)?.push(response, this.#deps.clock.now())
      if (codeClass(value) !== 2) this.#feeds.delete(id)
    }
  }

  #onSignal({ code: value, token, options, payload }: Message): void {
    if (value === code.capabilities) {
      this.#peer = readCapabilities(options, this.#peer)
      this.#hasGreeted = true
      this.#capabilitiesKnown.settle()
      return
    }
    if (value === code.abort) {
      const text = new TextDecoder().decode(payload.subarray(0, 200))
      this.#shut(new CoapError('ERR_COAP_PROTOCOL', `${this.address} broke off the connection: ${text}`))
      return
    }
    refuseCritical(options)
    if (value === code.ping) this.#output.send(createSignal(code.pong, token))
    else if (value === code.pong) this.#onPong(token)
    else if (value === code.release) this.#leave()
  }

  /** libcoap sends an empty token back: then it is the oldest ping that was answered. */
  #onPong(token: Uint8Array): void {
    const id = idOf(token)
    const index = token.length === 0 ? 0 : this.#pings.findIndex((ping) => ping.token === id)
    const [ping] = index < 0 ? [] : this.#pings.splice(index, 1)
    ping?.settle()
  }

  #respond(token: Uint8Array, { code: value, options = [], payload = noBytes }: Response): void {
    if (this.#state === 'closed') return
    const message = { code: value, token, options, payload }
    if (
      payload.length + 1024 > this.#peer.messageBytesMax &&
      frameLength(message) > this.#peer.messageBytesMax
    )
      this.#output.send({ code: code.internalServerError, token, options: [], payload: noBytes })
    else this.#output.send(message)
  }

  #limits(): { peerKey: string; payloadBytesMax: number; isStream: boolean } {
    const payloadBytesMax = Math.max(this.#peer.messageBytesMax - answerHeadBytes, 16)
    return { peerKey: this.#deps.peerKey, payloadBytesMax, isStream: true }
  }

  #createExchange(options: RequestOptions): Exchange {
    const capabilities = (): Capabilities => this.#peer
    return {
      send: (request) => this.#send(request, options, undefined),
      blockBytes: options.blockBytes ?? datagramPayloadBytes,
      bodyBytesMax: options.bodyBytesMax,
      now: () => this.#deps.clock.now(),
      uploads: this.#uploads,
      peerKey: '',
      get payloadBytesMax() {
        return Math.max(capabilities().messageBytesMax - 2 * answerHeadBytes, 16)
      }
    }
  }

  #send(
    request: OutgoingRequest,
    { signal, timeoutMs = requestTimeoutMs }: RequestOptions,
    onToken: ((id: number) => void) | undefined
  ): Promise<ReceivedResponse> {
    if (this.#state === 'closed') return Promise.reject(this.#closedError())
    if (signal?.aborted === true) return Promise.reject(cancelled())
    if (this.#pending.size >= requestsInFlightMax)
      return Promise.reject(
        new CoapError('ERR_COAP_BUSY', `${requestsInFlightMax} requests to ${this.address} are unanswered`)
      )
    let onAbort = (): void => undefined
    const sent = new Promise<ReceivedResponse>((resolve, reject) => {
      const token = this.#pending.add(this.#deps.clock.now(), timeoutMs, resolve, reject)
      onAbort = () => this.#pending.fail(token, cancelled())
      onToken?.(idOf(token) ?? 0)
      const message = {
        code: request.code,
        token,
        options: request.options,
        payload: request.payload ?? noBytes
      }
      if (
        message.payload.length + 1024 > this.#peer.messageBytesMax &&
        frameLength(message) > this.#peer.messageBytesMax
      ) {
        const text = `${this.address} takes messages of ${this.#peer.messageBytesMax} bytes`
        this.#pending.fail(token, new CoapError('ERR_COAP_TOO_LARGE', text))
        return
      }
      this.#output.send(message)
    })
    if (signal === undefined) return sent
    signal.addEventListener('abort', onAbort, { once: true })
    const leave = (): void => signal.removeEventListener('abort', onAbort) // it may outlive a million requests
    sent.then(leave, leave)
    return sent
  }

  #sweep(): void {
    const now = this.#deps.clock.now()
    this.#pending.failOverdue(now)
    const fault = this.#watch.check(now, {
      hasGreeted: this.#hasGreeted,
      unsentBytes: this.#output.unsentBytes,
      isIdle: this.isIdle
    })
    if (fault === 'idle') void this.close()
    else if (fault === 'silent') this.ping().catch(() => this.#shut(this.#closedError()))
    else if (fault !== undefined) this.abort(fault)
    if (this.#state !== 'closed') this.#cancelSweep = this.#deps.clock.schedule(sweepMs, () => this.#sweep())
  }

  /** No own requests from now on; the connection ends when nothing runs any more, or after a while. */
  #leave(): void {
    if (this.#state !== 'open') return
    this.#state = 'leaving'
    this.#deps.clock.schedule(closingMs, () => this.#shut(undefined))
    this.#finishLeaving()
  }

  #finishLeaving(): void {
    if (this.#state === 'leaving' && this.isIdle) this.#shut(undefined)
  }

  #breakOff(error: unknown): void {
    const cause = error instanceof Error ? error : new CoapError('ERR_COAP_PROTOCOL', String(error))
    if (this.#state === 'closed') return
    this.#output.send(createAbort(cause.message))
    this.#shut(cause)
  }

  #shut(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#error = error
    this.#cancelSweep()
    this.#output.flush()
    this.#deps.connection.end()
    this.#deps.service.forget(this.#deps.peerKey)
    this.#failOwn(this.#closedError())
    this.#intake.drop()
    this.#reportHeld()
    this.#settleClosed(error)
  }

  #failOwn(error: Error): void {
    this.#pending.failAll(error)
    for (const { settle } of this.#pings.splice(0)) settle(error)
    for (const feed of this.#feeds.values()) feed.end()
    this.#feeds.clear()
    this.#capabilitiesKnown.settle()
  }

  #closedError(): CoapError {
    return new CoapError('ERR_COAP_CLOSED', `the connection to ${this.address} is closed`, {
      cause: this.#error
    })
  }

  #reportHeld(): void {
    const held = this.#state === 'closed' ? 0 : this.heldBytes
    const difference = held - this.#reportedBytes
    this.#reportedBytes = held
    if (difference !== 0) this.#deps.onHeldBytes?.(difference)
  }
}

function cancelled(): CoapError {
  return new CoapError('ERR_COAP_CANCELLED', 'the request was cancelled')
}
