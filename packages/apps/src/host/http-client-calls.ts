/**
 * http-client.*: requests to other servers. The origin of the URL alone decides; every address is judged after the name
 * was resolved, and every redirect is a new decision (doc/spec/22-app-host.md, section 6).
 */
import type { Host } from '@blocktree/app-package'
import type { CallContext, HandlerGroup, HeldDownload } from '../host-context.ts'
import { HostFailure, fail } from '../host-failure.ts'
import { clientBodyBytesMax, redirectBytesMax, redirectsMax } from '../limits.ts'
import { judgedAddresses } from '../outgoing-address.ts'
import type { HttpPort } from '../ports.ts'

export const httpClientCalls: HandlerGroup<'http-client'> = {
  'http-client.request': async ({ request }, call) => {
    call.handles.expectRoom('download')
    const timeoutMs = Math.max(1, Math.min(request.timeout, call.limits.hostCallMs))
    const ended = new AbortController()
    const cancelTimer = call.timers.start(timeoutMs, () =>
      ended.abort(new HostFailure('timeout', `no answer within ${timeoutMs} ms`))
    )
    const onGone = (): void => ended.abort(new HostFailure('closed', 'the caller has gone'))
    call.signal.addEventListener('abort', onGone)
    try {
      const answer = await follow(call, request, ended.signal)
      return await received(call, answer, ended)
    } catch (error) {
      ended.abort()
      throw asFailure(error, ended.signal)
    } finally {
      cancelTimer()
      call.signal.removeEventListener('abort', onGone)
    }
  },

  'http-client.read': async ({ rest, length }, call) => {
    const part = await call.handles
      .get('download', rest)
      .read(Math.max(1, Math.min(length, call.limits.payloadBytes)))
    if (part.last) call.handles.close(rest)
    return part
  },

  'http-client.close': ({ rest }, call) => {
    call.handles.get('download', rest)
    call.handles.close(rest)
    return undefined
  }
}

interface Answer extends Awaited<ReturnType<HttpPort['request']>> {
  /** Fails with `denied` once the origin that answered is not granted any more. */
  readonly expectGranted: () => void
}
type Outgoing = Pick<Host.OutgoingRequest, 'method' | 'headers' | 'content'>

async function follow(
  call: CallContext,
  request: Host.OutgoingRequest,
  signal: AbortSignal
): Promise<Answer> {
  let url = checkedUrl(request.url)
  let outgoing: Outgoing = checkedRequest(request)
  const most = Math.min(request.redirectsMax, redirectsMax)
  for (let followed = 0; ; followed++) {
    const answer = await ask(call, url, outgoing, signal)
    const location = answer.headers.find(({ name }) => name === 'location')?.value
    if (!isRedirect(answer.status) || location === undefined || followed === most) return answer
    await dropBody(answer.body)
    const next = checkedUrl(URL.parse(location, url)?.href ?? '')
    outgoing = redirected(outgoing, answer.status, next.origin === url.origin)
    url = next
  }
}

/** One request to one judged address; further addresses only while no connection was made. */
async function ask(call: CallContext, url: URL, outgoing: Outgoing, signal: AbortSignal): Promise<Answer> {
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const port = url.port === '' ? (scheme === 'http' ? 80 : 443) : Number(url.port)
  const origin = { scheme, host: url.hostname, port } as const
  const expectGranted = (): 'literal' | 'pattern' =>
    call.grants.expect({ kind: 'http-client', origin }, `requests to ${url.origin}`)
  const cover = expectGranted()
  const addresses = await judgedAddresses(url.hostname, cover, (host) => call.http.resolve(host, signal))
  let failure: unknown
  for (const address of addresses) {
    try {
      return { ...(await call.http.request({ ...outgoing, url, address, signal })), expectGranted }
    } catch (error) {
      failure = error
      if (!(error instanceof HostFailure) || error.failure !== 'unreachable' || signal.aborted) break
    }
  }
  throw failure
}

/** Fails with `invalid`. */
function checkedUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return fail('invalid', 'the address is not one of http or https')
  }
  if (url.username !== '' || url.password !== '')
    return fail('invalid', 'an address with a user in it is not taken')
  url.hash = ''
  return url
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Say where a request goes, how it is framed, or what only the node may claim. */
const ownHeaders: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

function checkedRequest({ method, headers, content }: Host.OutgoingRequest): Outgoing {
  if (!methods.has(method)) return fail('invalid', `the method ${JSON.stringify(method)} is not offered`)
  for (const { name, value } of headers) {
    if (!token.test(name) || name !== name.toLowerCase()) {
      return fail('invalid', `the header name ${JSON.stringify(name)} is not a token in lower case`)
    }
    if (!fieldValue.test(value)) return fail('invalid', `the value of "${name}" holds a control character`)
    if (ownHeaders.has(name)) return fail('invalid', `the header "${name}" is set by the node`)
  }
  return { method, headers, content }
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

/** As browsers do: the method changes with 303 (and POST with 301, 302), secrets stay with their origin. */
function redirected(outgoing: Outgoing, status: number, isSameOrigin: boolean): Outgoing {
  const becomesGet =
    (status === 303 && outgoing.method !== 'HEAD') || (status < 303 && outgoing.method === 'POST')
  const headers = outgoing.headers.filter(
    ({ name }) =>
      (isSameOrigin || !['authorization', 'cookie'].includes(name)) &&
      (!becomesGet || !name.startsWith('content-'))
  )
  return becomesGet ? { method: 'GET', headers, content: new Uint8Array(0) } : { ...outgoing, headers }
}

async function dropBody(body: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0
  for await (const part of body) {
    bytes += part.byteLength
    if (bytes > redirectBytesMax) break
  }
}

/** What fits one call comes with the answer; the rest is read with the handle. */
async function received(
  call: CallContext,
  answer: Answer,
  ended: AbortController
): Promise<Host.IncomingResponse> {
  const { status, headers, body, expectGranted } = answer
  const download = new Download(body[Symbol.asyncIterator](), expectGranted, () => ended.abort())
  const { content, last } = await download.read(Math.floor(call.limits.payloadBytes / 2))
  const rest = last ? undefined : call.handles.add('download', call.process, download)
  return { status, headers: headers.slice(0, 128), content, rest }
}

class Download implements HeldDownload {
  readonly #source: AsyncIterator<Uint8Array, unknown>
  readonly #expectGranted: () => void
  readonly #end: () => void
  #left: Uint8Array = new Uint8Array(0)
  #bytes = 0
  #isDone = false

  constructor(source: AsyncIterator<Uint8Array, unknown>, expectGranted: () => void, end: () => void) {
    this.#source = source
    this.#expectGranted = expectGranted
    this.#end = end
  }

  /** As much as has come, at least one byte unless it is the last part. */
  async read(length: number): Promise<{ readonly content: Uint8Array; readonly last: boolean }> {
    this.#expectGranted()
    const parts: Uint8Array[] = []
    let bytes = 0
    while (bytes < length) {
      if (this.#left.byteLength === 0 && !(await this.#pull())) break
      const part = this.#left.subarray(0, length - bytes)
      this.#left = this.#left.subarray(part.byteLength)
      parts.push(part)
      bytes += part.byteLength
    }
    return { content: joined(parts, bytes), last: this.#isDone && this.#left.byteLength === 0 }
  }

  release(): void {
    this.#end()
    void this.#source.return?.()
  }

  async #pull(): Promise<boolean> {
    if (this.#isDone) return false
    const next = await this.#source.next()
    if (next.done === true) {
      this.#isDone = true
      return false
    }
    this.#bytes += next.value.byteLength
    if (this.#bytes > clientBodyBytesMax) fail('too-large', `the answer exceeds ${clientBodyBytesMax} bytes`)
    this.#left = next.value
    return true
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** The reason of the abort counts, not what the port made of it. */
function asFailure(error: unknown, signal: AbortSignal): unknown {
  const reason: unknown = signal.reason
  return reason instanceof HostFailure ? reason : error
}
