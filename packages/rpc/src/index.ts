export { type Connection, type Defer, type Receiver, type Timers } from './connection.ts'
export {
  bindHandlers,
  type BoundHandler,
  type BoundHandlers,
  type DownloadWriter,
  type Handler,
  type Handlers,
  type Progress,
  type RequestContext,
  type Subscription
} from './handlers.ts'
export {
  type AnyMethod,
  createMethodTable,
  defineMethod,
  type ErrorDescription,
  type MethodDefinition,
  type MethodName,
  type MethodOptions,
  type MethodShape,
  type MethodShapes,
  type MethodsOf,
  type MethodTable,
  type StreamKind
} from './method-table.ts'
export { nearestName } from './nearest-name.ts'
export {
  codeOf,
  type ErrorData,
  type ErrorObject,
  numericOfCode,
  RpcError,
  type RpcErrorCode,
  toErrorObject
} from './rpc-error.ts'
export * as schema from './schema.ts'
export type { Framing, Infer, JsonSchema, ObjectSchema, Schema } from './schema.ts'
export type {
  CallOptions,
  ClientSubscription,
  RpcClient,
  StreamCall,
  SubscriptionListener
} from './client-api.ts'
export { describeTable, type OpenRpcDocument, type ServiceInfo } from './open-rpc.ts'
export { renderReference } from './reference-page.ts'
export {
  type ConnectionOptions,
  createRpcServer,
  type RpcLogEntry,
  type RpcServer,
  type RpcServerLimits,
  type RpcServerOptions,
  type ServerReceiver
} from './server.ts'
export { createRpcClient, type RpcClientOptions } from './client.ts'
export { createMemoryConnection, type MemoryConnectionOptions, type MemoryEnd } from './memory-connection.ts'
