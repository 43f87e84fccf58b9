/**
 * Answers the calls of one running app: strict decoding, the handler, the reply. Everything that a call may do is
 * decided here and below, never in the app's process.
 */
import {
  AppRunError,
  type HostCall,
  type HostOperation,
  type HostOperationName,
  type HostReplies,
  type HostReply,
  type HostRequests,
  encodeExplanation,
  hostOperationName,
  hostOperations,
  hostStatus
} from '@blocktree/app-package'
import { CodecError } from '@blocktree/codec'
import type { CallContext, Handler, HostContext } from './host-context.ts'
import { HostFailure } from './host-failure.ts'
import { uncopiedBytesMin } from './limits.ts'
import { basicCalls } from './host/basic-calls.ts'
import { fileCalls } from './host/file-calls.ts'
import { grantCalls } from './host/grant-calls.ts'
import { httpClientCalls } from './host/http-client-calls.ts'
import { httpServerCalls } from './host/http-server-calls.ts'
import { keyValueCalls } from './host/key-value-calls.ts'
import { lockCalls } from './host/lock-calls.ts'
import { messageCalls } from './host/message-calls.ts'
import { socketCalls } from './host/socket-calls.ts'
import { watchCalls } from './host/watch-calls.ts'

type Handlers = { readonly [Name in HostOperationName]: Handler<Name> }

const handlers: Handlers = {
  ...fileCalls,
  ...messageCalls,
  ...lockCalls,
  ...watchCalls,
  ...httpClientCalls,
  ...httpServerCalls,
  ...socketCalls,
  ...basicCalls,
  ...keyValueCalls,
  ...grantCalls
}

/** Never throws or rejects: what fails is a status. A promise only where something is waited for. */
export function answerHostCall(context: HostContext, call: HostCall): HostReply | Promise<HostReply> {
  const name = hostOperationName(call.op)
  if (name === undefined) return failed('unsupported', `there is no operation ${call.op} in this version`)
  try {
    const reply = answerNamed(context, call, name)
    return reply instanceof Promise ? reply.catch((error) => failedBy(context, name, error)) : reply
  } catch (error) {
    return failedBy(context, name, error)
  }
}

function answerNamed<Name extends HostOperationName>(
  context: HostContext,
  call: HostCall,
  name: Name
): HostReply | Promise<HostReply> {
  const operation = hostOperations[name]
  const request: HostRequests[Name] = operation.decodeRequest(call.payload)
  const handler: Handler<Name> = handlers[name]
  const callContext: CallContext = { ...context, process: call.process, signal: call.signal }
  const encode = (reply: HostReplies[Name]): HostReply => {
    const encoded = encodeReply(operation, reply)
    const bytes = encoded.payload.byteLength + (encoded.rest?.byteLength ?? 0)
    if (bytes <= context.limits.payloadBytes) return encoded
    return failed('too-large', `the reply of ${bytes} bytes exceeds ${context.limits.payloadBytes}`)
  }
  const reply = handler(request, callContext)
  return reply instanceof Promise ? reply.then(encode) : encode(reply)
}

/** Long bytes, of a file say, are not copied behind their head: the reply is written from where they lie. */
function encodeReply<Name extends HostOperationName>(
  operation: HostOperation<Name>,
  reply: HostReplies[Name]
): HostReply {
  const isLong = reply instanceof Uint8Array && reply.byteLength >= uncopiedBytesMin
  if (!isLong || operation.encodeReplyHead === undefined)
    return { status: hostStatus.ok, payload: operation.encodeReply(reply) }
  return { status: hostStatus.ok, payload: operation.encodeReplyHead(reply), rest: reply }
}

function failedBy(context: HostContext, name: HostOperationName, error: unknown): HostReply {
  const { app, log } = context
  if (error instanceof CodecError)
    return failed('invalid', `${name}: the request is malformed: ${error.message}`)
  if (error instanceof HostFailure) {
    if (error.failure === 'denied' || error.failure === 'revoked') {
      log({
        app,
        level: 'warning',
        message: `${name} was ${error.failure}: ${error.message}`,
        source: 'host'
      })
    }
    return failed(error.failure, error.message)
  }
  if (error instanceof AppRunError) return failed('closed', error.message)
  const message = error instanceof Error ? error.message : String(error)
  log({ app, level: 'error', message: `${name} failed in the node: ${message}`, source: 'host' })
  return failed('internal', 'the node failed; its log says how')
}

function failed(failure: keyof typeof hostStatus, explanation: string): HostReply {
  return { status: hostStatus[failure], payload: encodeExplanation(explanation) }
}
