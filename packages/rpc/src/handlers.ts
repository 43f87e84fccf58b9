/** Handlers: the functions behind a method table, and what a request offers them. */
import type { MethodName, MethodShapes, MethodTable } from './method-table.ts'
import { RpcError } from './rpc-error.ts'

export interface Progress {
  readonly done: number
  readonly total?: number | undefined
  /** `bytes`, `files`, `blocks` … */
  readonly unit?: string | undefined
  readonly text?: string | undefined
}

/** The download of a request. It ends by itself when the handler returns. */
export interface DownloadWriter {
  /**
   * Resolves when the peer has room for more: await it. The bytes must not be changed until then.
   * Rejects with ERR_RPC_CANCELLED or ERR_RPC_CLOSED.
   */
  write(bytes: Uint8Array): Promise<void>
  /** Writes all of the source. */
  writeAll(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>
}

/** A subscription of the peer that asked; the handler's result carries its id. */
export interface Subscription<E> {
  readonly id: number
  /** Aborted by `rpc.unsubscribe` and by the end of the connection. */
  readonly signal: AbortSignal
  /**
   * Never waits: events that the peer does not read are held up to a bound; beyond it the oldest are dropped and the
   * peer is told how many (`lost`).
   */
  emit(event: E): void
  /** Ends it from the serving side; the peer is told. */
  end(): void
}

/** What a handler can use of its request. `Peer` is what the owner of the connection said about the other side. */
export interface RequestContext<Peer = unknown, E = unknown> {
  readonly peer: Peer
  /** Aborted by `rpc.cancel` and by the end of the connection. */
  readonly signal: AbortSignal
  /** Bytes the peer sends with the request; may be read once. Chunks belong to the reader. */
  readonly upload: AsyncIterable<Uint8Array>
  readonly download: DownloadWriter
  /** Progress is advice: it is dropped while the peer does not read. */
  progress(progress: Progress): void
  subscribe(): Subscription<E>
  /**
   * Runs `release` when the connection ends (at once when it has); for what outlives the request. The returned function
   * takes it back.
   */
  onClose(release: () => void): () => void
}

/** Synchronous handlers are answered without a promise: prefer them for what is at hand. */
export type Handler<S extends { params: unknown; result: unknown; event?: unknown }, Peer> = (
  params: S['params'],
  context: RequestContext<Peer, S['event']>
) => S['result'] | Promise<S['result']>

export type Handlers<M extends MethodShapes<M>, Peer> = { readonly [K in MethodName<M>]: Handler<M[K], Peer> }

/** A handler as the server calls it, its parameters having been checked. */
export type BoundHandler = (params: unknown, context: RequestContext) => unknown

export interface BoundHandlers<M extends MethodShapes<M>, Peer> {
  readonly table: MethodTable<M>
  readonly byName: ReadonlyMap<string, BoundHandler>
  /** Only in types; never set. */
  readonly peer?: Peer
}

/** Throws ERR_RPC_DEFINITION when a handler is missing or belongs to no method. */
export function bindHandlers<M extends MethodShapes<M>, Peer = unknown>(
  table: MethodTable<M>,
  handlers: Handlers<M, Peer>
): BoundHandlers<M, Peer> {
  const byName = new Map<string, BoundHandler>()
  for (const [name, handler] of Object.entries(handlers)) {
    if (!table.methods.has(name))
      throw new RpcError('ERR_RPC_DEFINITION', `handler "${name}" belongs to no method`)
    // The server checks the parameters by the method's schema before it calls.
    byName.set(name, handler as BoundHandler)
  }
  for (const name of table.methods.keys()) {
    if (!byName.has(name)) throw new RpcError('ERR_RPC_DEFINITION', `method "${name}" has no handler`)
  }
  return { table, byName }
}
