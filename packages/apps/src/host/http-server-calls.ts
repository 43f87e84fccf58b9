/** http-server.*: requests that the app answers later, or in parts; and the event that brings a request to it. */
import type { Host } from '@blocktree/app-package'
import type { HandlerGroup, HostContext } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import { type AppHttpRequest, type AppHttpResponse, HttpExchange } from '../http-exchange.ts'

export const httpServerCalls: HandlerGroup<'http-server'> = {
  'http-server.read': ({ request, length }, call) =>
    call.handles.get('request', request).read(Math.min(length, call.limits.payloadBytes)),

  'http-server.respond': ({ request, response }, call) => {
    const exchange = call.handles.get('request', request)
    exchange.respond(response)
    if (exchange.isFinished) call.handles.close(request)
    return undefined
  },

  'http-server.write': async ({ request, content }, call) => {
    await call.handles.get('request', request).write(content)
    return undefined
  },

  'http-server.finish': ({ request }, call) => {
    call.handles.get('request', request).finish()
    call.handles.close(request)
    return undefined
  }
}

/** Fails with `denied` unless the grants let the app answer these. */
export function expectRequests({ grants }: HostContext, isPublic: boolean): void {
  const what = `answering web requests${isPublic ? ' that come from outside this machine' : ''}`
  grants.expect({ kind: 'http-server', public: isPublic }, what)
}

/** What of a body comes with the event itself. */
const firstPartBytes = 64 * 1024
const sentPartBytes = 256 * 1024

/**
 * Brings one request to the app and gives its answer. Fails with `denied` when the grant to answer requests was taken
 * back; rejects with AppRunError when the app fails.
 */
export async function answerHttp(context: HostContext, request: AppHttpRequest): Promise<AppHttpResponse> {
  expectRequests(context, request.isPublic)
  context.handles.expectRoom('request')
  const exchange = new HttpExchange(request, (range) => sendFile(context, range))
  const handle = context.handles.add('request', 0, exchange)
  request.whenGone(() => context.handles.close(handle))
  try {
    const answer = await context.deliver('http', {
      request: describeRequest(context, handle, request, exchange)
    })
    if (answer.kind === 'now') {
      const response = exchange.respond(answer.value)
      if (exchange.isFinished) context.handles.close(handle)
      return response
    }
  } catch (error) {
    if (error instanceof Error) exchange.fail(error)
    context.handles.close(handle)
    throw error
  }
  return await exchange.answered()
}

function describeRequest(
  context: HostContext,
  handle: number,
  request: AppHttpRequest,
  exchange: HttpExchange
): Host.IncomingRequest {
  const { content, last } = exchange.begin(Math.min(firstPartBytes, context.limits.payloadBytes / 2))
  const showsClient = context.grants
    .list()
    .some(({ scope }) => scope.kind === 'http-server' && scope.clientAddress)
  return {
    request: handle,
    method: request.method,
    path: request.path,
    query: request.query === '' ? undefined : request.query,
    headers: request.headers.map(([name, value]) => ({ name, value })),
    content,
    more: !last,
    client: showsClient ? request.client : undefined
  }
}

/** The handle is closed at the end, and also when nobody begins to read: an answer to HEAD has no body. */
function sendFile(context: HostContext, range: Host.FileRange): AsyncIterable<Uint8Array> {
  const parts = readParts(context, range)
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => parts.next(),
      async return() {
        context.handles.close(range.file)
        return await parts.return()
      }
    })
  }
}

/** Reads ahead by one part, so that the disk and the client work at the same time. */
async function* readParts(
  context: HostContext,
  { file, offset, length }: Host.FileRange
): AsyncGenerator<Uint8Array, void> {
  const open = context.handles.get('file', file)
  try {
    if (offset + length > open.size) fail('invalid', 'the range to send lies beyond the end of the file')
    const end = offset + length
    let next = open.read(offset, Math.min(sentPartBytes, length))
    for (let at = offset; at < end;) {
      const part = await next
      if (part.byteLength === 0) fail('closed', 'the file ended early')
      at += part.byteLength
      if (at < end) {
        next = open.read(at, Math.min(sentPartBytes, end - at))
        next.catch(() => undefined) // seen at the next turn, or nobody is there to see it
      }
      yield part
    }
  } finally {
    context.handles.close(file)
  }
}
