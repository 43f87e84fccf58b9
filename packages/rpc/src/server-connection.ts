/**
 * One connection of a server: takes messages as long as the peer reads its answers, runs requests side by side up to
 * a limit, parks a bounded number behind it, and releases everything when the connection ends.
 */
import type { Connection, Defer } from './connection.ts'
import type { Progress } from './handlers.ts'
import { streamWindowBytes } from './limits.ts'
import {
  isRequestId,
  notification,
  readStreamFrame,
  readStreamNotification,
  type RequestId,
  type StreamMessage
} from './message.ts'
import {
  createMessageReader,
  framingOfFirstByte,
  type Incoming,
  type MessageReader
} from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'
import { type AnyMethod, unknownMethod } from './method-table.ts'
import { codeOf, RpcError } from './rpc-error.ts'
import { type Framing, isRecord, type ReadMode } from './schema.ts'
import type { RpcLogEntry, RpcServerLimits, ServerReceiver } from './server.ts'
import { AnswerWriter, BatchAnswers } from './server-answer.ts'
import type { ServedMethod } from './server-methods.ts'
import { type RequestOwner, ServerRequest } from './server-request.ts'
import type { EventMessage, ServerSubscription, SubscriptionOwner } from './server-subscription.ts'
import { ServerSubscriptions } from './server-subscriptions.ts'
import { type Call, WaitingCalls } from './waiting-calls.ts'

export interface ServerConnectionOptions {
  readonly connection: Connection
  readonly peer: unknown
  readonly methods: ReadonlyMap<string, ServedMethod>
  readonly framing: Framing | undefined
  readonly limits: RpcServerLimits
  readonly log: (entry: RpcLogEntry) => void
  readonly defer: Defer
  readonly checkResults: boolean
  readonly ended: () => void
}

/** Everything that exists once the framing is known. */
interface Channel {
  readonly framing: Framing
  readonly reader: MessageReader
  readonly writer: MessageWriter
  readonly answers: AnswerWriter
  readonly mode: ReadMode
}

export class ServerConnection implements ServerReceiver, RequestOwner, SubscriptionOwner {
  readonly peer: unknown
  readonly #options: ServerConnectionOptions
  #channel: Channel | undefined
  #state: 'open' | 'finishing' | 'ended' = 'open'
  #pumping = false
  #paused = false
  readonly #running = new Set<ServerRequest>()
  readonly #overfull = new Set<ServerRequest>() // in JSON lines, where clients may not know credit
  readonly #byId = new Map<RequestId, ServerRequest>()
  readonly #waiting: WaitingCalls
  readonly #subscriptions = new ServerSubscriptions()
  readonly #releases = new Set<() => void>()
  #writable: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #finished: (() => void)[] = []

  constructor(options: ServerConnectionOptions) {
    this.#options = options
    this.peer = options.peer
    this.#waiting = new WaitingCalls(options.limits)
    if (options.framing !== undefined) this.#open(options.framing)
  }

  get framing(): Framing {
    return this.#channel?.framing ?? 'json'
  }

  get blocked(): boolean {
    return this.#channel?.writer.blocked ?? false
  }

  get requestsInFlight(): number {
    return this.#running.size
  }

  receive(chunk: Uint8Array): void {
    const first = chunk[0]
    if (this.#state !== 'open' || first === undefined) return
    const channel = this.#channel ?? this.#open(framingOfFirstByte(first))
    channel.reader.push(chunk)
    this.#pump()
  }

  drained(): void {
    if (this.#state === 'ended') return
    this.#channel?.writer.drained()
    if (this.blocked) return
    this.#writable?.resolve()
    this.#writable = undefined
    for (const subscription of this.#subscriptions) this.#safely(() => subscription.flush())
    this.#pump()
  }

  end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#channel?.writer.close()
    this.#writable?.resolve()
    const reason = new RpcError('ERR_RPC_CLOSED', 'the connection ended')
    for (const request of this.#running) this.#safely(() => request.cancel(reason))
    for (const subscription of this.#subscriptions) this.#safely(() => subscription.close())
    for (const release of this.#releases) this.#safely(release)
    this.#releases.clear()
    this.#running.clear()
    this.#byId.clear()
    this.#waiting.clear()
    this.#options.ended()
    for (const resolve of this.#finished) resolve()
  }

  async finish(): Promise<void> {
    if (this.#state === 'ended') return
    const finished = new Promise<void>((resolve) => this.#finished.push(resolve))
    if (this.#state === 'open') {
      this.#state = 'finishing'
      this.#channel?.reader.finish()
    }
    this.#pump()
    await finished
  }

  // What requests and subscriptions need of their connection.

  sendStream(message: StreamMessage): void {
    const writer = this.#channel?.writer
    if (writer === undefined || this.#state === 'ended') return
    writer.writeStream(message, 'stream.data')
    if (!this.#pumping) writer.flushSoon()
  }

  sendProgress(id: RequestId, progress: Progress): void {
    this.#send(notification('rpc.progress', { id, ...progress }))
  }

  sendEvent(message: EventMessage): void {
    this.#send(notification('rpc.event', message))
  }

  subscriptionEnded(id: number): void {
    this.#subscriptions.ended(id)
  }

  whenWritable(): Promise<void> | undefined {
    if (!this.blocked || this.#state === 'ended') return undefined
    this.#writable ??= Promise.withResolvers<void>()
    return this.#writable.promise
  }

  subscribe(method: AnyMethod): ServerSubscription {
    const subscription = this.#subscriptions.add(method, this, this.framing)
    if (this.#state === 'ended') subscription.close()
    return subscription
  }

  onClose(release: () => void): () => void {
    if (this.#state === 'ended') {
      this.#safely(release)
      return () => undefined
    }
    const own = (): void => release() // the same function may be registered twice
    this.#releases.add(own)
    return () => this.#releases.delete(own)
  }

  uploadTaken(): void {
    if (this.#paused) this.#pump()
  }

  #open(framing: Framing): Channel {
    const { connection, defer, limits } = this.#options
    const writer = new MessageWriter(framing, connection, defer)
    this.#channel = {
      framing,
      reader: createMessageReader(framing, limits),
      writer,
      answers: new AnswerWriter(writer, framing === 'json' ? limits.lineBytesMax : limits.frameBytesMax),
      mode: { framing, unknownMembers: 'refuse' }
    }
    return this.#channel
  }

  /** Works off what can be worked off, then tells the transport whether to read on. */
  #pump(): void {
    const channel = this.#channel
    if (channel !== undefined && !this.#pumping) {
      this.#pumping = true
      this.#startWaiting()
      while (this.#state !== 'ended' && !this.#stalled()) {
        const incoming = channel.reader.next()
        if (incoming === undefined) {
          this.#inputWorkedOff()
          break
        }
        this.#take(incoming, channel)
      }
      this.#pumping = false
      channel.writer.flush()
    }
    if (this.#state === 'ended') return
    const pause = this.#stalled()
    if (pause !== this.#paused) {
      this.#paused = pause
      if (pause) this.#options.connection.pause()
      else this.#options.connection.resume()
    }
    this.#finishWhenIdle()
  }

  /** At the end of the input, uploads that are not ended never will be. */
  #inputWorkedOff(): void {
    if (this.#state !== 'finishing') return
    for (const request of this.#running) request.inputEnded()
  }

  /** Whether taking more input would use memory without bound. */
  #stalled(): boolean {
    if (this.blocked || this.#waiting.isFull) return true
    for (const request of this.#overfull)
      if (!request.overfull || !this.#running.has(request)) this.#overfull.delete(request)
    return this.#overfull.size > 0
  }

  #finishWhenIdle(): void {
    if (this.#state !== 'finishing' || this.#running.size > 0 || this.blocked) return
    if (this.#waiting.size > 0 || this.#channel?.writer.empty === false) return
    this.#options.connection.close()
    this.end()
  }

  #take(incoming: Incoming, channel: Channel): void {
    if ('problem' in incoming) {
      channel.answers.error(null, incoming.problem, undefined)
      if (incoming.fatal) this.#giveUp(channel)
      return
    }
    const { value, bytes } = incoming
    if (Array.isArray(value) && channel.framing === 'json') this.#takeBatch(value, bytes, channel)
    else this.#takeMessage(value, bytes, undefined, channel)
  }

  /** The input cannot be followed any more. */
  #giveUp(channel: Channel): void {
    channel.writer.flush()
    this.#options.connection.close()
    this.end()
  }

  #takeBatch(values: readonly unknown[], bytes: number, channel: Channel): void {
    const { batchRequestsMax } = this.#options.limits
    if (values.length === 0 || values.length > batchRequestsMax) {
      const problem = `a batch has 1 to ${batchRequestsMax} requests; this one has ${values.length}`
      channel.answers.error(null, new RpcError('ERR_RPC_REQUEST', problem), undefined)
      return
    }
    const batch = new BatchAnswers(values.length)
    for (const value of values) this.#takeMessage(value, Math.ceil(bytes / values.length), batch, channel)
  }

  #takeMessage(value: unknown, bytes: number, batch: BatchAnswers | undefined, channel: Channel): void {
    if (!isRecord(value)) return this.#refuse(null, 'a message is an object', batch, channel)
    if (channel.framing === 'frames') {
      const stream = readStreamFrame(value)
      if (stream !== undefined) return this.#takeStream(stream, batch, channel)
    }
    const { id, method, params } = value
    if (id !== undefined && !isRequestId(id)) {
      return this.#refuse(
        null,
        'an id is a safe integer, text of at most 256 characters, or null',
        batch,
        channel
      )
    }
    if (typeof method !== 'string')
      return this.#refuse(id ?? null, '"method" is missing or not text', batch, channel)
    const served = this.#options.methods.get(method)
    if (served === undefined) return this.#takeUnserved(method, id, params, batch, channel)
    if (id !== undefined && (this.#byId.has(id) || this.#waiting.has(id))) {
      const error = new RpcError(
        'ERR_RPC_ID_IN_USE',
        `a request with the id ${JSON.stringify(id)} is still running`
      )
      return channel.answers.error(id, error, batch)
    }
    const call: Call = { served, id, params, window: value['window'], batch, bytes }
    if (served.urgent || this.#running.size < this.#options.limits.requestsInFlightMax)
      this.#start(call, channel)
    else this.#waiting.add(call)
  }

  #refuse(id: RequestId, problem: string, batch: BatchAnswers | undefined, channel: Channel): void {
    channel.answers.error(id, new RpcError('ERR_RPC_REQUEST', problem), batch)
  }

  #takeUnserved(
    method: string,
    id: RequestId | undefined,
    params: unknown,
    batch: BatchAnswers | undefined,
    channel: Channel
  ): void {
    const stream =
      id === undefined && channel.framing === 'json'
        ? readStreamNotification(method, params, 'stream.write')
        : undefined
    if (stream !== undefined) return this.#takeStream(stream, batch, channel)
    channel.answers.error(
      id,
      id === undefined ? undefined : unknownMethod(method, this.#options.methods.keys()),
      batch
    )
  }

  /** Messages for a request that was answered already are late, not wrong. */
  #takeStream(message: StreamMessage | 'invalid', batch: BatchAnswers | undefined, channel: Channel): void {
    if (message === 'invalid') return this.#refuse(null, 'the stream message is malformed', batch, channel)
    const request = this.#byId.get(message.id)
    if (request !== undefined) {
      this.#safely(() => request.take(message))
      if (request.overfull) this.#overfull.add(request)
    }
    channel.answers.error(undefined, undefined, batch)
  }

  #startWaiting(): void {
    const channel = this.#channel
    if (channel === undefined) return
    while (this.#running.size < this.#options.limits.requestsInFlightMax && !this.blocked) {
      const call = this.#waiting.take()
      if (call === undefined) break
      this.#start(call, channel)
    }
  }

  #start(call: Call, channel: Channel): void {
    const { method, handler } = call.served
    let request: ServerRequest | undefined
    try {
      const params = method.params.read(call.params ?? {}, channel.mode)
      request = new ServerRequest(call.id, method, this, downloadWindow(call.window, channel.framing))
      const result = call.served.urgent
        ? this.#runProtocol(method.name, params, handler)
        : handler(params, request)
      if (result instanceof Promise) this.#await(call, request, result, channel)
      else this.#succeed(call, request, result, channel)
    } catch (error) {
      this.#fail(call, request, error, channel)
    }
  }

  #await(call: Call, request: ServerRequest, result: Promise<unknown>, channel: Channel): void {
    this.#running.add(request)
    if (call.id !== undefined) this.#byId.set(call.id, request)
    const settle = (answer: () => void): void => {
      this.#running.delete(request)
      if (call.id !== undefined) this.#byId.delete(call.id)
      if (this.#state === 'ended') return
      answer()
      channel.writer.flushSoon()
      if (this.#paused || this.#waiting.size > 0 || this.#state === 'finishing') this.#pump()
    }
    result.then(
      (value) => settle(() => this.#succeed(call, request, value, channel)),
      (error: unknown) => settle(() => this.#fail(call, request, error, channel))
    )
  }

  #succeed(call: Call, request: ServerRequest, value: unknown, channel: Channel): void {
    const { method } = call.served
    try {
      if (this.#options.checkResults)
        method.result.read(value, { framing: 'frames', unknownMembers: 'refuse' })
      const wire = method.result.carriesBytes ? method.result.write(value, channel.framing) : value
      request.finishDownload()
      channel.answers.result(call.id, wire, call.batch)
    } catch (error) {
      this.#fail(call, request, resultProblem(error), channel)
      return
    }
    this.#safely(() => request.answered())
  }

  #fail(call: Call, request: ServerRequest | undefined, error: unknown, channel: Channel): void {
    const cancelled = request?.cancelled
    request?.failed()
    if (cancelled === undefined && codeOfSafely(error) === undefined) {
      this.#log({
        level: 'error',
        message: 'a request failed unexpectedly',
        method: call.served.method.name,
        error
      })
    }
    channel.answers.error(call.id, cancelled ?? error, call.batch)
  }

  #runProtocol(name: string, params: unknown, handler: ServedMethod['handler']): unknown {
    if (!isRecord(params)) return {}
    if (name === 'rpc.cancel') this.#cancel(params['id'])
    else if (name === 'rpc.unsubscribe') this.#subscriptions.close(params['subscription'])
    else return handler(params, new ServerRequest(undefined, this.#served(name).method, this, 0))
    return {}
  }

  #served(name: string): ServedMethod {
    const served = this.#options.methods.get(name)
    if (served === undefined) throw unknownMethod(name, this.#options.methods.keys())
    return served
  }

  #cancel(id: unknown): void {
    if (!isRequestId(id)) return
    const reason = new RpcError('ERR_RPC_CANCELLED', 'the request was cancelled')
    this.#byId.get(id)?.cancel(reason)
    const call = this.#waiting.remove(id)
    if (call !== undefined) this.#channel?.answers.error(id, reason, call.batch)
  }

  #send(message: unknown): void {
    const writer = this.#channel?.writer
    if (writer === undefined || this.#state === 'ended') return
    writer.write(message)
    if (!this.#pumping) writer.flushSoon()
  }

  #safely(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#log({ level: 'error', message: 'a listener of the connection failed', error })
    }
  }

  #log(entry: RpcLogEntry): void {
    try {
      this.#options.log(entry)
    } catch {
      // A log that fails must not end the node.
    }
  }
}

/** The client's own choice; else the window in frames, and the transport alone in JSON, where clients may be scripts. */
function downloadWindow(requested: unknown, framing: Framing): number {
  if (typeof requested === 'number' && Number.isSafeInteger(requested) && requested > 0) return requested
  return framing === 'frames' ? streamWindowBytes : Infinity
}

/** A result that its schema refuses is the handler's fault, not the peer's. */
function resultProblem(error: unknown): unknown {
  if (!(error instanceof RpcError) || error.code !== 'ERR_RPC_PARAMS') return error
  return new RpcError(
    'ERR_RPC_RESULT',
    `the result does not match its schema: ${error.message}`,
    {},
    { cause: error }
  )
}

function codeOfSafely(error: unknown): string | undefined {
  try {
    return codeOf(error)
  } catch {
    return undefined
  }
}
