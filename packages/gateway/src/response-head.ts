/**
 * The head of an app's answer, as it may go to a client: names and values checked (no response splitting), nothing
 * that belongs to the connection or to the gateway, cookies bound to the app's own host.
 */
import type { AppResponse } from './app-directory.ts'
import { GatewayError } from './gateway-error.ts'
import { responseHeaderBytesMax, responseHeadersMax } from './limits.ts'
import { ownHeaders, securityHeaders } from './security-headers.ts'

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Belong to the connection (RFC 9110, section 7.6.1). */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

/**
 * Name, value, name, value for `writeHead`. A body of known size gets a content-length; a `content-length` that an
 * app sends must be that number.
 * @throws ERR_GATEWAY_RESPONSE
 */
export function responseHead(response: AppResponse, requestId: string, method: string): string[] {
  const { status, headers } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw refused(`its status ${status} is not one of 200 to 599`)
  }
  if (headers.length > responseHeadersMax) throw refused(`it has more than ${responseHeadersMax} headers`)
  const head: string[] = ['x-request-id', requestId, ...securityHeaders]
  let bytes = 0
  for (const [name, value] of headers) {
    bytes += name.length + value.length
    if (bytes > responseHeaderBytesMax) throw refused(`its headers exceed ${responseHeaderBytesMax} bytes`)
    addHeader(head, name, value)
  }
  const size = bodySize(response, method)
  if (size !== undefined && !bodilessStatuses.has(status)) head.push('content-length', String(size))
  if (status === 205) head.push('content-length', '0')
  return head
}

/** Of the body itself; an answer to HEAD without a body may say how long it would be. undefined when nobody knows. */
function bodySize({ headers, body, bodyBytes }: AppResponse, method: string): number | undefined {
  const size = body instanceof Uint8Array ? body.byteLength : bodyBytes
  let said: string | undefined
  for (const [name, value] of headers) if (name.toLowerCase() === 'content-length') said = value
  if (said === undefined || size === undefined || said === String(size)) return size
  if (method === 'HEAD' && size === 0 && /^\d{1,15}$/.test(said)) return Number(said)
  throw refused(`its content-length ${said} is not that of its body, ${size}`)
}

/** Statuses without a body (RFC 9110, section 15), whatever an app gives. */
export const bodilessStatuses: ReadonlySet<number> = new Set([204, 205, 304])

function addHeader(head: string[], name: string, value: string): void {
  if (!token.test(name)) throw refused(`a header name ${JSON.stringify(name.slice(0, 40))} is not a token`)
  const lower = name.toLowerCase()
  if (!fieldValue.test(value)) throw refused(`the value of its header "${lower}" holds a control character`)
  if (connectionHeaders.has(lower)) throw refused(`its header "${lower}" belongs to the connection`)
  if (ownHeaders.has(lower)) throw refused(`its header "${lower}" is set by the gateway`)
  if (
    lower.startsWith('content-security-policy') &&
    /(?:^|[;,\s])report-(?:uri|to)(?:$|[;,\s])/i.test(value)
  ) {
    throw refused(`its header "${lower}" sends reports to another server`)
  }
  if (lower === 'content-length') return // `bodySize` judges it
  head.push(lower, lower === 'set-cookie' ? boundToHost(value) : value)
}

/** A cookie for a parent domain would be sent to other apps. */
function boundToHost(cookie: string): string {
  return cookie
    .split(';')
    .filter((part, index) => index === 0 || !/^\s*domain\s*=/i.test(part))
    .join(';')
}

function refused(problem: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_RESPONSE', `the app's answer was not sent: ${problem}`)
}
