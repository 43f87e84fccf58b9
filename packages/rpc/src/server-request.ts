/** One running request: what its handler sees, and how cancellation and streams reach it. */
import { ByteReceiver, ByteSender } from './byte-stream.ts'
import type { DownloadWriter, Progress, RequestContext, Subscription } from './handlers.ts'
import { streamWindowBytes } from './limits.ts'
import type { RequestId, StreamMessage } from './message.ts'
import type { AnyMethod } from './method-table.ts'
import { fromErrorObject, RpcError } from './rpc-error.ts'
import type { Framing } from './schema.ts'
import type { ServerSubscription } from './server-subscription.ts'

/** What a request needs of its connection. */
export interface RequestOwner {
  readonly peer: unknown
  readonly framing: Framing
  readonly blocked: boolean
  sendStream(message: StreamMessage): void
  sendProgress(id: RequestId, progress: Progress): void
  whenWritable(): Promise<void> | undefined
  subscribe(method: AnyMethod): ServerSubscription
  onClose(release: () => void): () => void
  /** An upload has room again. */
  uploadTaken(): void
}

export class ServerRequest implements RequestContext {
  readonly id: RequestId | undefined
  readonly method: AnyMethod
  readonly #owner: RequestOwner
  readonly #downloadWindow: number
  #abort: AbortController | undefined
  #reason: RpcError | undefined
  #upload: ByteReceiver | undefined
  #sender: ByteSender | undefined
  #subscriptions: ServerSubscription[] | undefined

  constructor(id: RequestId | undefined, method: AnyMethod, owner: RequestOwner, downloadWindow: number) {
    this.id = id
    this.method = method
    this.#owner = owner
    this.#downloadWindow = downloadWindow
    if (method.stream === 'upload' || method.stream === 'both') this.#upload = this.#createUpload()
    if (method.stream === 'download' || method.stream === 'both') this.#sender = this.#createSender()
  }

  get peer(): unknown {
    return this.#owner.peer
  }

  get cancelled(): RpcError | undefined {
    return this.#reason
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#reason !== undefined) this.#abort.abort(this.#reason)
    }
    return this.#abort.signal
  }

  get upload(): AsyncIterable<Uint8Array> {
    if (this.#upload === undefined) throw this.#misuse('upload')
    return this.#upload
  }

  get download(): DownloadWriter {
    if (this.#sender === undefined) throw this.#misuse('download')
    return this.#sender
  }

  /** More upload bytes are held than the window allows. */
  get overfull(): boolean {
    return this.#upload?.overfull ?? false
  }

  progress(progress: Progress): void {
    if (this.id === undefined || this.#reason !== undefined || this.#owner.blocked) return
    this.#owner.sendProgress(this.id, progress)
  }

  subscribe(): Subscription<unknown> {
    const subscription = this.#owner.subscribe(this.method)
    this.#subscriptions ??= []
    this.#subscriptions.push(subscription)
    return subscription
  }

  onClose(release: () => void): () => void {
    return this.#owner.onClose(release)
  }

  cancel(reason: RpcError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#upload?.fail(reason)
    this.#sender?.fail(reason)
    this.#abort?.abort(reason)
  }

  take(message: StreamMessage): void {
    switch (message.kind) {
      case 'data':
        this.#upload?.push(message.bytes)
        if (this.#owner.framing === 'frames' && this.overfull) {
          this.cancel(
            new RpcError(
              'ERR_RPC_STREAM',
              `the upload sent more than its window of ${streamWindowBytes} bytes`
            )
          )
        }
        return
      case 'end':
        this.#upload?.end()
        return
      case 'error':
        this.#upload?.end(fromErrorObject(message.error))
        return
      case 'credit':
        this.#sender?.grant(message.bytes)
    }
  }

  /** Nothing more can come for its upload. */
  inputEnded(): void {
    this.#upload?.end(new RpcError('ERR_RPC_CLOSED', 'the input ended inside the upload'))
  }

  /** The handler returned: its download is complete, its subscriptions may speak once the answer is written. */
  finishDownload(): void {
    this.#sender?.fail(new RpcError('ERR_RPC_STREAM', 'the request was answered already'))
    this.#upload?.discard()
    if (this.#sender !== undefined && this.id !== undefined)
      this.#owner.sendStream({ kind: 'end', id: this.id })
  }

  answered(): void {
    for (const subscription of this.#subscriptions ?? []) subscription.open()
  }

  failed(): void {
    const error = new RpcError('ERR_RPC_STREAM', 'the request failed')
    this.#sender?.fail(error)
    this.#upload?.discard()
    for (const subscription of this.#subscriptions ?? []) subscription.close()
  }

  #createUpload(): ByteReceiver {
    return new ByteReceiver({
      windowBytes: streamWindowBytes,
      grant: (bytes) => {
        if (this.id !== undefined) this.#owner.sendStream({ kind: 'credit', id: this.id, bytes })
        this.#owner.uploadTaken()
      },
      abandoned: () => this.#owner.uploadTaken()
    })
  }

  #createSender(): ByteSender {
    return new ByteSender({
      windowBytes: this.#downloadWindow,
      send: (bytes) => {
        if (this.id !== undefined) this.#owner.sendStream({ kind: 'data', id: this.id, bytes })
      },
      writable: () => this.#owner.whenWritable()
    })
  }

  #misuse(direction: string): RpcError {
    return new RpcError('ERR_RPC_DEFINITION', `method "${this.method.name}" declares no ${direction}`)
  }
}
