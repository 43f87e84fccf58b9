/**
 * The serving side as a state machine: bytes in, bytes out, no socket and no clock (doc/spec/10-rpc.md).
 * One server has many connections; each finds out its framing by the first byte it receives.
 */
import type { Connection, Defer, Receiver } from './connection.ts'
import type { BoundHandlers } from './handlers.ts'
import {
  batchRequestsMax,
  frameBytesMax,
  lineBytesMax,
  requestsInFlightMax,
  requestsWaitingMax,
  waitingBytesMax
} from './limits.ts'
import type { MethodShapes } from './method-table.ts'
import { describeTable, type OpenRpcDocument, type ServiceInfo } from './open-rpc.ts'
import type { Framing } from './schema.ts'
import { ServerConnection } from './server-connection.ts'
import {
  cancelMethod,
  discoverMethod,
  pingMethod,
  type ServedMethod,
  unsubscribeMethod
} from './server-methods.ts'

export interface RpcServerLimits {
  readonly lineBytesMax: number
  readonly frameBytesMax: number
  readonly batchRequestsMax: number
  readonly requestsInFlightMax: number
  readonly requestsWaitingMax: number
  readonly waitingBytesMax: number
}

/** What the peer does not get to see. */
export interface RpcLogEntry {
  readonly level: 'warn' | 'error'
  readonly message: string
  readonly method?: string | undefined
  readonly error?: unknown
}

export interface RpcServerOptions<M extends MethodShapes<M>, Peer> {
  readonly handlers: BoundHandlers<M, Peer>
  readonly info?: ServiceInfo
  readonly limits?: Partial<RpcServerLimits>
  readonly log?: (entry: RpcLogEntry) => void
  /** When answers of asynchronous handlers are written; a microtask when absent. */
  readonly defer?: Defer
  /** Checks every result by its schema: for tests and development. */
  readonly checkResults?: boolean
}

export interface ConnectionOptions {
  /** Fixed instead of found out by the first byte. */
  readonly framing?: Framing
}

export interface ServerReceiver extends Receiver {
  /** No more input: resolves when what was asked is answered and handed over, then the connection ends. */
  finish(): Promise<void>
  readonly requestsInFlight: number
}

export interface RpcServer<Peer> {
  connect(connection: Connection, peer: Peer, options?: ConnectionOptions): ServerReceiver
  readonly connections: ReadonlySet<ServerReceiver>
}

const limitsByDefault: RpcServerLimits = {
  lineBytesMax,
  frameBytesMax,
  batchRequestsMax,
  requestsInFlightMax,
  requestsWaitingMax,
  waitingBytesMax
}

export function createRpcServer<M extends MethodShapes<M>, Peer = unknown>(
  options: RpcServerOptions<M, Peer>
): RpcServer<Peer> {
  const { handlers, info = { title: 'Blocktree', version: '0' }, log = () => undefined } = options
  const connections = new Set<ServerReceiver>()
  const methods = new Map<string, ServedMethod>()
  for (const [name, method] of handlers.table.methods) {
    const handler = handlers.byName.get(name)
    if (handler !== undefined) methods.set(name, { method, handler, urgent: false })
  }
  let document: OpenRpcDocument | undefined
  methods.set('rpc.discover', {
    method: discoverMethod,
    handler: () => (document ??= describeTable(handlers.table, info)),
    urgent: true
  })
  methods.set('rpc.ping', { method: pingMethod, handler: () => ({}), urgent: true })
  // These two act on their connection, which answers them itself.
  methods.set('rpc.cancel', { method: cancelMethod, handler: () => ({}), urgent: true })
  methods.set('rpc.unsubscribe', { method: unsubscribeMethod, handler: () => ({}), urgent: true })

  return {
    connections,
    connect(connection, peer, { framing } = {}) {
      const receiver: ServerReceiver = new ServerConnection({
        connection,
        peer,
        methods,
        framing,
        limits: { ...limitsByDefault, ...options.limits },
        log,
        defer: options.defer ?? queueMicrotask,
        checkResults: options.checkResults ?? false,
        ended: () => connections.delete(receiver)
      })
      connections.add(receiver)
      return receiver
    }
  }
}
