/** What a client offers, typed by the methods it talks to. */
import type { Receiver } from './connection.ts'
import type { Progress } from './handlers.ts'
import type { MethodName, MethodShapes } from './method-table.ts'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Sent along with the request; read as fast as the peer takes it. */
  readonly upload?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
  /** Needs the client's `timers`; the request is cancelled when it passes. */
  readonly timeoutMs?: number | undefined
}

/** A call whose answer comes with bytes. Read the download to its end, or cancel: unread bytes hold back the peer. */
export interface StreamCall<R> {
  /** May be read once. Leaving the loop early cancels the call. */
  readonly download: AsyncIterable<Uint8Array>
  readonly result: Promise<R>
  cancel(): void
}

export interface ClientSubscription<R> {
  /** What the method answered. */
  readonly result: R
  /** Stops it here at once and tells the peer. */
  unsubscribe(): void
}

export interface SubscriptionListener<E> {
  onEvent(event: E): void
  /** This many events were dropped since the last one, because they were not read in time. */
  onLost?(count: number): void
  /** The peer or the connection ended it; not called after `unsubscribe`. */
  onEnd?(): void
}

/** Calls reject with RpcError: the peer's own, or ERR_RPC_CANCELLED, ERR_RPC_TIMEOUT, ERR_RPC_CLOSED. */
export interface RpcClient<M extends MethodShapes<M>> extends Receiver {
  call<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    options?: CallOptions
  ): Promise<M[K]['result']>
  callStream<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    options?: CallOptions
  ): StreamCall<M[K]['result']>
  subscribe<K extends MethodName<M>>(
    method: K,
    params: M[K]['params'],
    listener: SubscriptionListener<M[K]['event']>
  ): Promise<ClientSubscription<M[K]['result']>>
  /** Any method by name, nothing converted: for tools that pass JSON through. */
  request(method: string, params: unknown, options?: CallOptions): Promise<unknown>
  /** Sent without asking for an answer. */
  notify<K extends MethodName<M>>(method: K, params: M[K]['params']): void
  /** Ends the connection; requests still waiting reject with ERR_RPC_CLOSED. */
  close(): void
  /** Requests that wait for an answer. */
  readonly pending: number
}
