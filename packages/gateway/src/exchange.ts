/** One request and its answer, from the first header to the line in the access log. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessLine } from './access-log.ts'
import type { RequestTarget } from './request-target.ts'
import { securityHeaders } from './security-headers.ts'

export class Exchange {
  readonly id: string
  readonly startedMs: number
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly scheme: 'http' | 'https'
  target: RequestTarget | undefined
  /** Name of the app that was found. */
  app: string | undefined
  /** What was sent; 499 when the client went away before an answer. */
  status = 499
  bytes = 0
  /** Among those that run (`RunningExchanges`). */
  place = 0
  failure: { readonly code: string; readonly message: string } | undefined
  #isGone = false
  #whenGone: (() => void)[] | undefined

  constructor(parts: {
    readonly id: string
    readonly startedMs: number
    readonly message: IncomingMessage
    readonly response: ServerResponse
    readonly scheme: 'http' | 'https'
  }) {
    this.id = parts.id
    this.startedMs = parts.startedMs
    this.message = parts.message
    this.response = parts.response
    this.scheme = parts.scheme
  }

  /** Calls when the client goes away or the gateway closes, at once when that has been. */
  whenGone(call: () => void): void {
    if (this.#isGone) call()
    else if (this.#whenGone === undefined) this.#whenGone = [call]
    else this.#whenGone.push(call)
  }

  /** The client is gone, or is to be left. */
  leave(): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const call of this.#whenGone?.splice(0) ?? []) call()
  }

  /** Sends an answer of the gateway's own: a status, and the code as text. Without effect once something was sent. */
  refuse(status: number, code: string, message: string, headers: readonly string[] = []): void {
    this.failure = { code, message }
    if (this.response.headersSent) {
      this.response.destroy() // the client sees that the answer is not whole
      return
    }
    this.sendText(status, `${status} ${code}\n`, headers)
  }

  sendText(status: number, text: string, headers: readonly string[] = []): void {
    const body = Buffer.from(text)
    const head = ['x-request-id', this.id, ...securityHeaders, 'cache-control', 'no-store']
    if (!this.message.complete) head.push('connection', 'close') // what is left of the body is not read
    head.push(
      'content-type',
      'text/plain; charset=utf-8',
      'content-length',
      String(body.byteLength),
      ...headers
    )
    this.response.writeHead(status, head)
    this.response.end(this.message.method === 'HEAD' ? undefined : body)
    this.status = status
    this.bytes = this.message.method === 'HEAD' ? 0 : body.byteLength
  }

  line(durationMs: number): AccessLine {
    const { id, startedMs, message, target, app, status, bytes, failure } = this
    return {
      id,
      timeMs: startedMs,
      remote: message.socket.remoteAddress ?? '',
      method: message.method ?? '',
      path: target?.path,
      app,
      status,
      bytes,
      durationMs,
      failure
    }
  }
}
