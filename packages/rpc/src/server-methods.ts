/** The methods of the protocol itself: discovery, cancellation, subscriptions, a ping. */
import type { BoundHandler } from './handlers.ts'
import { type AnyMethod, defineMethod, type MethodDefinition, type StreamKind } from './method-table.ts'
import {
  anything,
  integer,
  nullable,
  object,
  type ObjectSchema,
  type Schema,
  string,
  union
} from './schema.ts'

function defineProtocolMethod<P extends object, R>(
  name: string,
  summary: string,
  params: ObjectSchema<P>,
  result: Schema<R>
): MethodDefinition<string, P, R, StreamKind, unknown> {
  return { ...defineMethod({ name: 'protocol.method', summary, params, result }), name, event: undefined }
}

export const discoverMethod: AnyMethod = defineProtocolMethod(
  'rpc.discover',
  'Describes all methods as an OpenRPC document',
  object({}),
  anything()
)

export const pingMethod: AnyMethod = defineProtocolMethod(
  'rpc.ping',
  'Answers at once',
  object({}),
  object({})
)

export const cancelMethod: AnyMethod = defineProtocolMethod(
  'rpc.cancel',
  'Cancels a running request of this connection; unknown ids are ignored, since the answer may be on its way',
  object({ id: nullable(union([integer(), string()])) }),
  object({})
)

export const unsubscribeMethod: AnyMethod = defineProtocolMethod(
  'rpc.unsubscribe',
  'Ends a subscription of this connection',
  object({ subscription: integer({ min: 1 }) }),
  object({})
)

export const protocolMethods: readonly AnyMethod[] = [
  discoverMethod,
  pingMethod,
  cancelMethod,
  unsubscribeMethod
]

/** A method as the server runs it. */
export interface ServedMethod {
  readonly method: AnyMethod
  readonly handler: BoundHandler
  /** Runs even when the connection has too many requests. */
  readonly urgent: boolean
}
