/** Answers a request for an app: from its assets, else by its handler. */
import type { IncomingMessage } from 'node:http'
import type { AppRequest, AppResponse, Asset, ServedApp } from './app-directory.ts'
import { assetAnswer } from './asset-response.ts'
import type { Exchange } from './exchange.ts'
import { AppFailure, GatewayError } from './gateway-error.ts'
import type { GatewayLimits } from './limits.ts'
import { readBody } from './request-body.ts'
import { bodilessStatuses, responseHead } from './response-head.ts'
import { writeStream, writeWhole } from './response-writer.ts'

export interface AppAnswerContext {
  readonly authority: string
  readonly isPublic: boolean
  readonly limits: GatewayLimits
}

/** Never throws or rejects. undefined when the whole answer is handed over already. */
export function answerApp(
  exchange: Exchange,
  app: ServedApp,
  context: AppAnswerContext
): Promise<void> | undefined {
  try {
    app.admit?.(context.isPublic)
    const asset = app.asset(exchange.target?.decodedPath ?? '')
    const answered =
      asset === undefined ? answerByHandler(exchange, app, context) : answerByAsset(exchange, asset)
    return answered?.catch((error: unknown) => fail(exchange, error))
  } catch (error) {
    fail(exchange, error)
    return undefined
  }
}

function answerByAsset(exchange: Exchange, asset: Asset): Promise<void> | undefined {
  const { status, head, body, text } = assetAnswer(exchange.message, asset, exchange.id)
  exchange.status = status
  if (body instanceof Uint8Array) {
    exchange.bytes = writeWhole(exchange.response, status, head, text ?? body)
    return undefined
  }
  return writeStream(exchange.response, status, head, { body }).then((bytes) => {
    exchange.bytes = bytes
  })
}

/** A request without a body, or with a small one that is here, reaches the app without waiting for another turn. */
function answerByHandler(
  exchange: Exchange,
  app: ServedApp,
  context: AppAnswerContext
): Promise<void> | undefined {
  const { message } = exchange
  if (!app.allowsOtherOrigins && isForged(message, `${exchange.scheme}://${context.authority}`)) {
    exchange.refuse(403, 'ERR_ORIGIN', 'a page of another origin may not write here')
    return undefined
  }
  const bytesMax = Math.min(app.bodyBytesMax ?? Number.POSITIVE_INFINITY, context.limits.bodyBytesMax)
  const length = declaredLength(message)
  if (length !== undefined && length > bytesMax) {
    exchange.refuse(413, 'ERR_BODY_TOO_LARGE', `a body of ${length} bytes exceeds ${bytesMax}`)
    return undefined
  }
  const body = readBody(message, length, bytesMax)
  const answer =
    body instanceof Promise
      ? body.then((whole) => app.handle(appRequest(exchange, context, whole)))
      : app.handle(appRequest(exchange, context, body))
  return answer.then((response) => sendAnswer(exchange, response))
}

function sendAnswer(exchange: Exchange, answer: AppResponse): Promise<void> | undefined {
  const { message, response } = exchange
  const head = responseHead(answer, exchange.id, message.method ?? 'GET')
  if (!message.complete) head.push('connection', 'close') // the app did not want the rest of the body
  const hasBody = message.method !== 'HEAD' && !bodilessStatuses.has(answer.status)
  exchange.status = answer.status
  if (hasBody && answer.body instanceof Uint8Array) {
    exchange.bytes = writeWhole(response, answer.status, head, answer.body)
    return undefined
  }
  return hasBody ? sendStream(exchange, answer, head) : sendHead(exchange, answer, head)
}

async function sendStream(exchange: Exchange, answer: AppResponse, head: string[]): Promise<void> {
  const { status, body, bodyBytes: size } = answer
  if (!(body instanceof Uint8Array))
    exchange.bytes = await writeStream(exchange.response, status, head, { body, size })
}

async function sendHead(exchange: Exchange, { status, body }: AppResponse, head: string[]): Promise<void> {
  await endUnread(body)
  exchange.response.writeHead(status, head).end()
}

/**
 * True for a writing request that a page of another origin caused. Browsers always tell (Origin, Sec-Fetch-Site);
 * programs that are no browsers carry nobody's cookies and need no such check.
 */
function isForged(message: IncomingMessage, ownOrigin: string): boolean {
  if (message.method === 'GET' || message.method === 'HEAD' || message.method === 'OPTIONS') return false
  const { origin } = message.headers
  if (origin !== undefined) return origin !== ownOrigin
  const site = message.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** undefined when the body is sent in chunks. Node has checked that it is a number, and is not there twice. */
function declaredLength(message: IncomingMessage): number | undefined {
  if (message.headers['transfer-encoding'] !== undefined) return undefined
  return Number(message.headers['content-length'] ?? 0)
}

function appRequest(exchange: Exchange, context: AppAnswerContext, body: AppRequest['body']): AppRequest {
  const { message, target } = exchange
  return {
    id: exchange.id,
    method: message.method ?? 'GET',
    path: target?.path ?? '/',
    decodedPath: target?.decodedPath ?? '/',
    query: target?.query ?? '',
    scheme: exchange.scheme,
    authority: context.authority,
    headers: passedHeaders(message.rawHeaders),
    body,
    remote: message.socket.remoteAddress ?? '',
    isPublic: context.isPublic,
    whenGone: (call) => exchange.whenGone(call)
  }
}

/** Of the connection, or a claim that only a proxy in front could make. */
const withheldHeaders: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id'
])

function passedHeaders(raw: readonly string[]): (readonly [string, string])[] {
  const passed: (readonly [string, string])[] = []
  const nominated = connectionNames(raw)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    if (!withheldHeaders.has(name) && !nominated.includes(name)) passed.push([name, raw[index + 1] ?? ''])
  }
  return passed
}

const neverNominated: readonly string[] = []

/** Names that the client binds to its connection (RFC 9110, section 7.6.1). */
function connectionNames(raw: readonly string[]): readonly string[] {
  let names = neverNominated
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = (raw[index + 1] ?? '').toLowerCase()
    if (value === 'keep-alive' || value === 'close') continue
    names = [...names, ...value.split(',').map((one) => one.trim())]
  }
  return names
}

async function endUnread(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.()
}

function fail(exchange: Exchange, error: unknown): void {
  if (error instanceof AppFailure) {
    const retry = error.retryAfterSeconds
    const headers = retry === undefined ? [] : ['retry-after', String(retry)]
    exchange.refuse(error.status, error.code, error.message, headers)
  } else if (error instanceof GatewayError) {
    exchange.refuse(statusOf(error), error.code, error.message)
  } else {
    exchange.refuse(502, 'ERR_APP_FAILED', error instanceof Error ? error.message : String(error))
  }
}

function statusOf(error: GatewayError): number {
  switch (error.code) {
    case 'ERR_GATEWAY_BODY_TOO_LARGE':
      return 413
    case 'ERR_GATEWAY_BODY_CUT':
      return 400
    default:
      return 502
  }
}
