/**
 * One endpoint over datagrams, client and server at once: RFC 7252. Confirmable messages are repeated, duplicates act once,
 * answers come with the acknowledgement or apart. Knows no socket and no time of its own; ./datagram-socket.ts has them.
 */
import { equalBytes } from '@blocktree/codec'
import type { Clock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { code, isRequestCode, isResponseCode } from './code.ts'
import { ConfirmableTable } from './confirmable-table.ts'
import { type Datagram, decodeDatagram, encodeDatagram, messageType, peekDatagram } from './datagram.ts'
import { DatagramPeer } from './datagram-peer.ts'
import { DuplicateTable } from './duplicate-table.ts'
import {
  confirmablesMax,
  datagramPayloadBytes,
  exchangeLifetimeMs,
  handlingMax,
  nonLifetimeMs,
  outstandingMax,
  processingDelayMs,
  requestTimeoutMs
} from './limits.ts'
import { type OutgoingRequest, type ReceivedResponse, type Response, noBytes } from './message.ts'
import { usableOptions } from './option.ts'
import type { RequestOptions } from './peer.ts'
import type { Service } from './service.ts'
import { TurnQueue } from './turn-queue.ts'
import { UploadLine } from './upload-line.ts'

const transmitWaitMs = 93_000 // RFC 7252 MAX_TRANSMIT_WAIT

export interface EndpointDependencies {
  readonly send: (bytes: Uint8Array, address: string) => void
  readonly clock: Clock
  /** Unpredictable bytes: tokens keep others from answering in a peer's name. */
  readonly random: (length: number) => Uint8Array
  readonly service: Service
  readonly outstandingMax?: number | undefined
}

/** Somebody who waits for answers with one token. */
interface Waiter {
  readonly onResponse: (response: ReceivedResponse) => void
  readonly onError: (error: Error) => void
}

interface NotificationLine {
  isSending: boolean
  next: { readonly notification: Response; readonly isLast: boolean } | undefined
}

export class DatagramEndpoint {
  readonly clock: Clock
  readonly uploads: UploadLine = new UploadLine()
  readonly closed: Promise<Error | undefined>
  readonly #deps: EndpointDependencies
  readonly #confirmables: ConfirmableTable
  readonly #duplicates: DuplicateTable
  readonly #turns: TurnQueue
  readonly #waiters = new Map<string, Waiter>()
  readonly #notifications = new Map<string, NotificationLine>()
  readonly #settleClosed: (error: Error | undefined) => void
  #messageId: number
  #handling = 0
  #isClosed = false

  constructor(deps: EndpointDependencies) {
    this.#deps = deps
    this.clock = deps.clock
    const closed = Promise.withResolvers<Error | undefined>()
    this.closed = closed.promise
    this.#settleClosed = closed.resolve
    this.#messageId = this.#randomShort()
    this.#turns = new TurnQueue(deps.outstandingMax ?? outstandingMax)
    this.#duplicates = new DuplicateTable(deps.clock)
    this.#confirmables = new ConfirmableTable({
      clock: deps.clock,
      send: deps.send,
      random: () => this.#randomShort() / 65_536
    })
  }

  peer(address: string): DatagramPeer {
    return new DatagramPeer(this, address)
  }

  /** One datagram that came from `address`. Never throws. */
  receive(bytes: Uint8Array, address: string): void {
    if (this.#isClosed) return
    try {
      this.#dispatch(decodeDatagram(bytes), bytes, address)
    } catch {
      const start = peekDatagram(bytes)
      if (start?.type === messageType.confirmable) this.#sendEmpty(messageType.reset, start.id, address)
    }
  }

  /** One message each way. With `keep`, later answers with the same token go there until `release` is called. */
  async exchange(
    address: string,
    request: OutgoingRequest,
    options: RequestOptions,
    keep?: { readonly onLater: (response: ReceivedResponse) => void }
  ): Promise<{
    readonly response: ReceivedResponse
    readonly release: () => void
    readonly token: Uint8Array
  }> {
    this.#refuseClosed(options.signal)
    await this.#turns.take(address)
    try {
      this.#refuseClosed(options.signal)
      return await this.#runExchange(address, request, options, keep)
    } finally {
      this.#turns.done(address)
    }
  }

  /** Sends a message that nobody waits for. */
  post(address: string, request: OutgoingRequest, token: Uint8Array): void {
    if (this.#isClosed) return
    const message = { ...this.#frame(messageType.nonConfirmable, request), token }
    this.#deps.send(encodeDatagram(message), address)
  }

  /** An empty confirmable message: whoever is there rejects it. */
  async ping(address: string, { timeoutMs = requestTimeoutMs }: RequestOptions): Promise<void> {
    this.#refuseClosed(undefined)
    const id = this.#takeMessageId()
    const key = idKey(address, id)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const bytes = encodeDatagram({
      type: messageType.confirmable,
      id,
      code: code.empty,
      token: noBytes,
      options: [],
      payload: noBytes
    })
    const cancel = this.clock.schedule(timeoutMs, () => {
      this.#confirmables.forget(key)
      reject(timeout(address, timeoutMs))
    })
    this.#confirmables.send(key, { bytes, token: noBytes, address }, (error) =>
      error === undefined || error.code === 'ERR_COAP_RESET' ? resolve() : reject(error)
    )
    try {
      await promise
    } finally {
      cancel()
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#confirmables.forgetAll()
    const error = new CoapError('ERR_COAP_CLOSED', 'the endpoint was closed')
    for (const { onError } of [...this.#waiters.values()]) onError(error)
    this.#waiters.clear()
    this.#settleClosed(undefined)
  }

  async #runExchange(
    address: string,
    request: OutgoingRequest,
    { signal, isConfirmable = true, timeoutMs }: RequestOptions,
    keep: { readonly onLater: (response: ReceivedResponse) => void } | undefined
  ): ReturnType<DatagramEndpoint['exchange']> {
    const token = this.#deps.random(8)
    const waiterKey = tokenKey(address, token)
    const type = isConfirmable ? messageType.confirmable : messageType.nonConfirmable
    const message = { ...this.#frame(type, request), token }
    const key = idKey(address, message.id)
    const { promise, resolve, reject } = Promise.withResolvers<ReceivedResponse>()
    const limitMs = timeoutMs ?? (isConfirmable ? transmitWaitMs : requestTimeoutMs)
    const cancel = this.clock.schedule(limitMs, () => reject(timeout(address, limitMs)))
    const onAbort = (): void => reject(new CoapError('ERR_COAP_CANCELLED', 'the request was cancelled'))
    signal?.addEventListener('abort', onAbort, { once: true })
    let isAnswered = false
    const onResponse = (response: ReceivedResponse): void => {
      this.#confirmables.forget(key)
      if (isAnswered) keep?.onLater(response)
      isAnswered = true
      resolve(response)
    }
    this.#waiters.set(waiterKey, { onResponse, onError: reject })
    const release = (): void => void this.#waiters.delete(waiterKey)
    const bytes = encodeDatagram(message)
    if (isConfirmable)
      this.#confirmables.send(key, { bytes, token, address }, (error) => {
        if (error !== undefined) reject(error)
      })
    else this.#deps.send(bytes, address)
    try {
      const response = await promise
      if (keep === undefined) release()
      return { response, release, token }
    } catch (error) {
      release()
      this.#confirmables.forget(key)
      throw error
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #dispatch(datagram: Datagram, bytes: Uint8Array, address: string): void {
    const { type, id, code: value } = datagram
    const key = idKey(address, id)
    if (type === messageType.reset) this.#confirmables.reject(key)
    else if (type === messageType.acknowledgement) this.#onAcknowledgement(datagram, key, address)
    else if (isRequestCode(value)) this.#onRequest(datagram, bytes, address)
    else if (isResponseCode(value)) this.#onApart(datagram, bytes, address)
    else if (type === messageType.confirmable) this.#sendEmpty(messageType.reset, id, address)
  }

  #onAcknowledgement(datagram: Datagram, key: string, address: string): void {
    const token = this.#confirmables.tokenOf(key)
    if (token === undefined) return
    if (datagram.code === code.empty) this.#confirmables.acknowledge(key)
    else if (isResponseCode(datagram.code) && equalBytes(datagram.token, token)) {
      this.#confirmables.acknowledge(key)
      this.#deliver(datagram, address)
    }
  }

  /** An answer in a message of its own. */
  #onApart(datagram: Datagram, bytes: Uint8Array, address: string): void {
    const { type, id } = datagram
    const isConfirmable = type === messageType.confirmable
    const { isNew, reply } = this.#duplicates.check(`a${idKey(address, id)}`, bytes, exchangeLifetimeMs)
    if (!isNew) {
      if (reply !== undefined) this.#deps.send(reply, address)
      return
    }
    const isTaken = this.#deliver(datagram, address)
    if (!isConfirmable) return
    const answer = this.#sendEmpty(isTaken ? messageType.acknowledgement : messageType.reset, id, address)
    this.#duplicates.remember(`a${idKey(address, id)}`, answer)
  }

  #deliver({ code: value, token, options, payload }: Datagram, address: string): boolean {
    const waiter = this.#waiters.get(tokenKey(address, token))
    if (waiter === undefined) return false
    const usable = usableOptions(options)
    if (usable.refused === undefined) waiter.onResponse({ code: value, options: usable.options, payload })
    else {
      const text = `the answer has the critical option ${usable.refused}, which is not understood`
      waiter.onError(new CoapError('ERR_COAP_OPTION', text))
    }
    return usable.refused === undefined
  }

  #onRequest(datagram: Datagram, bytes: Uint8Array, address: string): void {
    const { type, id } = datagram
    const isConfirmable = type === messageType.confirmable
    const key = `q${idKey(address, id)}`
    const lifetime = isConfirmable ? exchangeLifetimeMs : nonLifetimeMs
    const { isNew, reply } = this.#duplicates.check(key, bytes, lifetime)
    if (!isNew) {
      if (reply !== undefined) this.#deps.send(reply, address)
      return
    }
    if (!isConfirmable && usableOptions(datagram.options).refused !== undefined) return
    if (this.#handling >= handlingMax) {
      this.#reply(datagram, address, { code: code.serviceUnavailable })
      return
    }
    const limits = { peerKey: `udp ${address}`, payloadBytesMax: datagramPayloadBytes, isStream: false }
    const answer = this.#deps.service.answer(datagram, this.peer(address), limits, (notification, isLast) =>
      this.#notify(address, datagram.token, notification, isLast)
    )
    if (!(answer instanceof Promise)) {
      this.#reply(datagram, address, answer)
      return
    }
    void this.#replyLater(datagram, address, answer)
  }

  /** With the acknowledgement when it comes soon, else apart. */
  async #replyLater(datagram: Datagram, address: string, answer: Promise<Response>): Promise<void> {
    this.#handling++
    let isAcknowledged = false
    const cancel = this.clock.schedule(processingDelayMs, () => {
      isAcknowledged = true
      if (datagram.type !== messageType.confirmable) return
      const bytes = this.#sendEmpty(messageType.acknowledgement, datagram.id, address)
      this.#duplicates.remember(`q${idKey(address, datagram.id)}`, bytes)
    })
    let response: Response
    try {
      response = await answer
    } catch {
      response = { code: code.internalServerError }
    }
    cancel()
    this.#handling--
    if (this.#isClosed) return
    if (isAcknowledged && datagram.type === messageType.confirmable)
      this.#sendApart(datagram, address, response)
    else this.#reply(datagram, address, response)
  }

  #reply(
    datagram: Datagram,
    address: string,
    { code: value, options = [], payload = noBytes }: Response
  ): void {
    const isConfirmable = datagram.type === messageType.confirmable
    const type = isConfirmable ? messageType.acknowledgement : messageType.nonConfirmable
    const id = isConfirmable ? datagram.id : this.#takeMessageId()
    const bytes = encodeDatagram({ type, id, code: value, token: datagram.token, options, payload })
    this.#duplicates.remember(`q${idKey(address, datagram.id)}`, bytes)
    this.#deps.send(bytes, address)
  }

  /** Not confirmable when too many wait for an acknowledgement already. */
  #sendApart({ token }: Datagram, address: string, response: Response): void {
    const isConfirmable = this.#confirmables.size < confirmablesMax
    const type = isConfirmable ? messageType.confirmable : messageType.nonConfirmable
    const message = { ...this.#frame(type, response), token }
    const bytes = encodeDatagram(message)
    if (!isConfirmable) this.#deps.send(bytes, address)
    else this.#confirmables.send(idKey(address, message.id), { bytes, token, address }, () => undefined)
  }

  /** Confirmable, one at a time; while one is on its way only the newest of the others is kept (RFC 7641 section 4.5). */
  #notify(address: string, token: Uint8Array, notification: Response, isLast: boolean): void {
    if (this.#isClosed) return
    const key = tokenKey(address, token)
    const line = this.#notifications.get(key) ?? { isSending: false, next: undefined }
    this.#notifications.set(key, line)
    line.next = { notification, isLast }
    this.#sendNotification(address, token, key, line)
  }

  #sendNotification(address: string, token: Uint8Array, key: string, line: NotificationLine): void {
    const { next } = line
    if (line.isSending) return
    if (next === undefined) {
      this.#notifications.delete(key)
      return
    }
    line.next = undefined
    line.isSending = true
    const message = { ...this.#frame(messageType.confirmable, next.notification), token }
    const bytes = encodeDatagram(message)
    this.#confirmables.send(idKey(address, message.id), { bytes, token, address }, (error) => {
      line.isSending = false
      if (error !== undefined) {
        line.next = undefined
        this.#deps.service.forget(`udp ${address}`, token)
      }
      this.#sendNotification(address, token, key, line)
    })
  }

  #frame(type: number, { code: value, options = [], payload = noBytes }: Response): Datagram {
    return { type, id: this.#takeMessageId(), code: value, token: noBytes, options, payload }
  }

  #sendEmpty(type: number, id: number, address: string): Uint8Array {
    const bytes = encodeDatagram({
      type,
      id,
      code: code.empty,
      token: noBytes,
      options: [],
      payload: noBytes
    })
    this.#deps.send(bytes, address)
    return bytes
  }

  #takeMessageId(): number {
    this.#messageId = (this.#messageId + 1) & 0xff_ff
    return this.#messageId
  }

  #randomShort(): number {
    const [high = 0, low = 0] = this.#deps.random(2)
    return (high << 8) | low
  }

  #refuseClosed(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new CoapError('ERR_COAP_CLOSED', 'the endpoint was closed')
    if (signal?.aborted === true) throw new CoapError('ERR_COAP_CANCELLED', 'the request was cancelled')
  }
}

function idKey(address: string, id: number): string {
  return `${address}|${id}`
}

function tokenKey(address: string, token: Uint8Array): string {
  return `${address}|${Buffer.from(token).toString('hex')}`
}

function timeout(address: string, timeoutMs: number): CoapError {
  return new CoapError('ERR_COAP_TIMEOUT', `no answer from ${address} within ${timeoutMs} ms`)
}
