/**
 * The asking side as a state machine: calls in, bytes out, and back (doc/spec/10-rpc.md). Calls made in one go leave as
 * one chunk; answers are matched by id, in whatever order they come.
 */
import { ByteReceiver, ByteSender } from './byte-stream.ts'
import type {
  CallOptions,
  ClientSubscription,
  RpcClient,
  StreamCall,
  SubscriptionListener
} from './client-api.ts'
import { ClientCall, readProgress, subscriptionOf } from './client-call.ts'
import type { Connection, Defer, Timers } from './connection.ts'
import { frameBytesMax, lineBytesMax, streamWindowBytes } from './limits.ts'
import { notification, readStreamFrame, readStreamNotification, type StreamMessage } from './message.ts'
import { createMessageReader, type Incoming, type MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'
import type { AnyMethod, MethodName, MethodShapes, MethodTable } from './method-table.ts'
import { fromErrorObject, RpcError, toErrorObject } from './rpc-error.ts'
import { type Framing, isRecord } from './schema.ts'

export interface RpcClientOptions<M extends MethodShapes<M>> {
  readonly connection: Connection
  readonly framing: Framing
  /** Needed for bytes inside JSON parameters and results; results are then checked too. */
  readonly table?: MethodTable<M> | undefined
  /** Needed for `timeoutMs`. */
  readonly timers?: Timers | undefined
  /** When calls are written; a microtask when absent. */
  readonly defer?: Defer | undefined
  /** Lines that are no message: a peer that prints other things. They are ignored. */
  readonly onNoise?: ((problem: RpcError) => void) | undefined
}

export function createRpcClient<M extends MethodShapes<M>>(options: RpcClientOptions<M>): RpcClient<M> {
  return new ClientConnection<M>(options)
}

interface OpenSubscription {
  readonly listener: SubscriptionListener<unknown>
  readonly method: AnyMethod | undefined
}

class ClientConnection<M extends MethodShapes<M>> implements RpcClient<M> {
  readonly #options: RpcClientOptions<M>
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  readonly #calls = new Map<number, ClientCall>()
  readonly #subscriptions = new Map<number, OpenSubscription>()
  #lastId = 0
  #writable: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #ended = false

  constructor(options: RpcClientOptions<M>) {
    this.#options = options
    this.#reader = createMessageReader(options.framing, { lineBytesMax, frameBytesMax })
    this.#writer = new MessageWriter(options.framing, options.connection, options.defer ?? queueMicrotask)
  }

  get pending(): number {
    return this.#calls.size
  }

  async call<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    options?: CallOptions
  ): Promise<M[K]['result']> {
    return await this.#promise(method, params, options)
  }

  callStream<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    options?: CallOptions
  ): StreamCall<M[K]['result']> {
    let call: ClientCall | undefined
    const cancel = (): void => {
      if (call !== undefined) this.#cancel(call, new RpcError('ERR_RPC_CANCELLED', 'the call was cancelled'))
    }
    const download = new ByteReceiver({
      windowBytes: streamWindowBytes,
      grant: (bytes) => {
        if (call !== undefined) this.#sendStream({ kind: 'credit', id: call.id, bytes })
      },
      abandoned: cancel
    })
    const result = this.#promise<M[K]['result']>(method, params, options, (made) => {
      call = made
      made.download = download
    })
    // A reader of the download alone learns of the failure there.
    result.catch((error: unknown) => download.fail(error instanceof Error ? error : new Error(String(error))))
    return { download, result, cancel }
  }

  async subscribe<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    listener: SubscriptionListener<M[K]['event']>
  ): Promise<ClientSubscription<M[K]['result']>> {
    let id: number | undefined
    const result = await this.#promise<M[K]['result']>(method, params, undefined, (call) => {
      call.onResult = (value) => {
        id = subscriptionOf(value)
        if (id !== undefined) this.#subscriptions.set(id, { listener, method: call.method })
      }
    })
    const unsubscribe = (): void => {
      if (id === undefined || !this.#subscriptions.delete(id)) return
      this.#send(notification('rpc.unsubscribe', { subscription: id }))
    }
    return { result, unsubscribe }
  }

  async request(method: string, params: unknown, options?: CallOptions): Promise<unknown> {
    return await this.#promise(method, params, options, undefined, true)
  }

  notify<K extends MethodName<M>>(method: K, params: M[K]['params']): void {
    const definition = this.#options.table?.methods.get(method)
    this.#send(notification(method, writeParams(definition, params, this.#options.framing)))
  }

  close(): void {
    if (this.#ended) return
    this.#writer.flush()
    this.#options.connection.close()
    this.end()
  }

  receive(chunk: Uint8Array): void {
    if (this.#ended) return
    this.#reader.push(chunk)
    for (;;) {
      const incoming = this.#reader.next()
      if (incoming === undefined || this.#ended) break
      this.#take(incoming)
    }
  }

  drained(): void {
    this.#writer.drained()
    if (this.#writer.blocked) return
    this.#writable?.resolve()
    this.#writable = undefined
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#writer.close()
    this.#writable?.resolve()
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.fail(closed())
    const subscriptions = [...this.#subscriptions.values()]
    this.#subscriptions.clear()
    for (const { listener } of subscriptions) listener.onEnd?.()
  }

  /** The result has the type that the method's schema, or the caller's table of types, says. */
  #promise<R>(
    method: string,
    params: unknown,
    options: CallOptions | undefined,
    prepare?: (call: ClientCall) => void,
    raw = false
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (this.#ended) {
        reject(closed())
        return
      }
      const definition = raw ? undefined : this.#options.table?.methods.get(method)
      const call = new ClientCall(++this.#lastId, definition, resolve as (value: unknown) => void, reject)
      prepare?.(call)
      try {
        if (options !== undefined) this.#applyOptions(call, options)
        this.#writeRequest(call, method, params)
      } catch (error) {
        call.fail(error instanceof Error ? error : new Error(String(error)))
        return
      }
      this.#calls.set(call.id, call)
      if (options?.upload !== undefined) void this.#upload(call, options.upload)
    })
  }

  #writeRequest(call: ClientCall, method: string, params: unknown): void {
    const { framing } = this.#options
    const wire = writeParams(call.method, params, framing)
    const window = call.download === undefined ? undefined : streamWindowBytes
    try {
      if (framing === 'json') {
        const extra = window === undefined ? '' : `,"window":${window}`
        const text: string | undefined = JSON.stringify(wire)
        this.#writer.writeText(
          `{"jsonrpc":"2.0","id":${call.id},"method":${JSON.stringify(method)},"params":${text ?? '{}'}${extra}}`
        )
      } else {
        this.#writer.write({
          id: call.id,
          method,
          params: wire ?? {},
          ...(window === undefined ? {} : { window })
        })
      }
    } catch (error) {
      throw new RpcError(
        'ERR_RPC_PARAMS',
        `the parameters of "${method}" cannot be sent; large content needs an upload`,
        {},
        { cause: error }
      )
    }
    this.#writer.flushSoon()
  }

  #applyOptions(call: ClientCall, options: CallOptions): void {
    const { signal, timeoutMs } = options
    call.onProgress = options.onProgress
    if (signal?.aborted === true)
      throw new RpcError('ERR_RPC_CANCELLED', 'the call was cancelled before it was made')
    const releases: (() => void)[] = []
    call.release = () => {
      for (const release of releases) release()
    }
    if (signal !== undefined) {
      const abort = (): void =>
        this.#cancel(call, new RpcError('ERR_RPC_CANCELLED', 'the call was cancelled'))
      signal.addEventListener('abort', abort, { once: true })
      releases.push(() => signal.removeEventListener('abort', abort))
    }
    if (timeoutMs === undefined) return
    const { timers } = this.#options
    if (timers === undefined) throw new RpcError('ERR_RPC_DEFINITION', 'timeoutMs needs a client with timers')
    const expire = (): void =>
      this.#cancel(call, new RpcError('ERR_RPC_TIMEOUT', `no answer within ${timeoutMs} ms`))
    releases.push(timers.start(timeoutMs, expire))
  }

  #cancel(call: ClientCall, reason: Error): void {
    if (!this.#calls.delete(call.id)) return
    this.#send(notification('rpc.cancel', { id: call.id }))
    call.fail(reason)
  }

  async #upload(call: ClientCall, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const sender = new ByteSender({
      windowBytes: streamWindowBytes,
      send: (bytes) => this.#sendStream({ kind: 'data', id: call.id, bytes }),
      writable: () => this.#whenWritable()
    })
    call.sender = sender
    try {
      await sender.writeAll(source)
      if (this.#calls.has(call.id)) this.#sendStream({ kind: 'end', id: call.id })
    } catch (error) {
      // After the answer this is the sender being stopped; before, the source failed and the call with it.
      if (!this.#calls.delete(call.id)) return
      this.#sendStream({ kind: 'error', id: call.id, error: toErrorObject(error) })
      this.#send(notification('rpc.cancel', { id: call.id }))
      call.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #take(incoming: Incoming): void {
    if ('problem' in incoming) {
      this.#options.onNoise?.(incoming.problem)
      if (incoming.fatal) this.close()
      return
    }
    const { value } = incoming
    if (!isRecord(value)) return
    const { id, method } = value
    if (typeof method === 'string') return this.#takeNotification(method, value['params'])
    if (typeof id === 'number') return this.#takeAnswer(id, value)
    const stream = this.#options.framing === 'frames' ? readStreamFrame(value) : undefined
    if (stream !== undefined && stream !== 'invalid') this.#takeStream(stream)
  }

  #takeAnswer(id: number, answer: Record<string, unknown>): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    if (answer['error'] !== undefined) return call.fail(fromErrorObject(answer['error']))
    let result = answer['result']
    try {
      if (call.method !== undefined) {
        result = call.method.result.read(result, { framing: this.#options.framing, unknownMembers: 'keep' })
      }
    } catch (error) {
      call.fail(
        new RpcError(
          'ERR_RPC_RESULT',
          `the answer does not match the method's schema: ${String(error)}`,
          {},
          { cause: error }
        )
      )
      return
    }
    call.succeed(
      result,
      call.sender === undefined
        ? undefined
        : new RpcError('ERR_RPC_STREAM', 'the call was answered before its upload ended')
    )
  }

  #takeNotification(method: string, params: unknown): void {
    if (!isRecord(params)) return
    if (method === 'rpc.event') return this.#takeEvent(params)
    if (method === 'rpc.progress') {
      const progress = readProgress(params)
      const call = typeof params['id'] === 'number' ? this.#calls.get(params['id']) : undefined
      if (progress !== undefined) call?.onProgress?.(progress)
      return
    }
    const stream =
      this.#options.framing === 'json' ? readStreamNotification(method, params, 'stream.data') : undefined
    if (stream !== undefined && stream !== 'invalid') this.#takeStream(stream)
  }

  #takeEvent(params: Record<string, unknown>): void {
    const { subscription: id, event, lost, end } = params
    const subscription = typeof id === 'number' ? this.#subscriptions.get(id) : undefined
    if (subscription === undefined || typeof id !== 'number') return
    const { listener, method } = subscription
    if (end === true) {
      this.#subscriptions.delete(id)
      listener.onEnd?.()
    } else if (typeof lost === 'number') {
      listener.onLost?.(lost)
    } else {
      const schema = method?.event
      listener.onEvent(
        schema?.read(event, { framing: this.#options.framing, unknownMembers: 'keep' }) ?? event
      )
    }
  }

  #takeStream(message: StreamMessage): void {
    const call = typeof message.id === 'number' ? this.#calls.get(message.id) : undefined
    if (call === undefined) return
    const read = call.take(message)
    if (!read && message.kind === 'data' && message.bytes.length > 0) {
      this.#sendStream({ kind: 'credit', id: message.id, bytes: message.bytes.length })
    }
    if (call.download?.overfull === true) {
      this.#cancel(call, new RpcError('ERR_RPC_STREAM', 'the peer sent more than the window of the download'))
    }
  }

  #sendStream(message: StreamMessage): void {
    if (this.#ended) return
    this.#writer.writeStream(message, 'stream.write')
    this.#writer.flushSoon()
  }

  #send(message: unknown): void {
    if (this.#ended) return
    this.#writer.write(message)
    this.#writer.flushSoon()
  }

  #whenWritable(): Promise<void> | undefined {
    if (!this.#writer.blocked || this.#ended) return undefined
    this.#writable ??= Promise.withResolvers<void>()
    return this.#writable.promise
  }
}

function writeParams(method: AnyMethod | undefined, params: unknown, framing: Framing): unknown {
  if (method === undefined || !method.params.carriesBytes || !isRecord(params)) return params
  return method.params.write(params, framing)
}

function closed(): RpcError {
  return new RpcError('ERR_RPC_CLOSED', 'the connection ended before the answer')
}
