/**
 * One HTTP request on its way through an app: what the app has not read of the body yet, the answer it gave, and a body
 * that it goes on writing. The two sides never run ahead of each other by more than a few parts.
 */
import type { Host } from '@blocktree/app-package'
import type { Held } from './handle-table.ts'
import { HostFailure, fail } from './host-failure.ts'
import { streamPartsAhead } from './limits.ts'

/** As the server in front of the apps gives it. */
export interface AppHttpRequest {
  readonly method: string
  /** Absolute and decoded, without dot segments. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Address of the client. */
  readonly client: string
  /** From another machine, or under a public name: takes a grant that says so. */
  readonly isPublic: boolean
  /** Calls when the client goes away, at once when it has. */
  readonly whenGone: (call: () => void) => void
}

export interface AppHttpResponse {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Bytes of a body that comes in parts, where they are known beforehand. */
  readonly bodyBytes?: number
}

/** How bytes of an open file are sent: by the node, never through the app. */
export type FileSender = (range: Host.FileRange) => AsyncIterable<Uint8Array>

const nothing = new Uint8Array(0)

export class HttpExchange implements Held {
  readonly #body: RequestBody
  readonly #sendFile: FileSender
  #answer: AppHttpResponse | undefined
  #failure: Error | undefined
  #waiting: PromiseWithResolvers<AppHttpResponse> | undefined
  #stream: ResponseStream | undefined

  constructor(request: AppHttpRequest, sendFile: FileSender) {
    this.#body = new RequestBody(request.body)
    this.#sendFile = sendFile
  }

  /** What comes with the event: up to `length` bytes that are there already. */
  begin(length: number): Host.BodyPart {
    return this.#body.begin(length)
  }

  /** Resolves once the app has answered; rejects when it failed before. */
  async answered(): Promise<AppHttpResponse> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#answer !== undefined) return this.#answer
    this.#waiting ??= Promise.withResolvers<AppHttpResponse>()
    return await this.#waiting.promise
  }

  read(length: number): Promise<Host.BodyPart> {
    return this.#body.read(length)
  }

  /** Fails with `conflict` when there is an answer already. @returns it as the server in front gets it */
  respond(response: Host.Response): AppHttpResponse {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#answer !== undefined) fail('conflict', 'the request was answered already')
    const headers = response.headers.map(({ name, value }) => [name, value] as const)
    const { status, body } = response
    const size = body.kind === 'file' ? { bodyBytes: body.value.length } : undefined
    const answer = { status, headers, body: this.#bodyOf(body), ...size }
    this.#answer = answer
    this.#waiting?.resolve(answer)
    return answer
  }

  /** Resolves when the client has room for more. Fails with `closed` when it is gone. */
  async write(content: Uint8Array): Promise<void> {
    if (this.#stream === undefined)
      return fail('invalid', 'the request was not answered with a streamed body')
    await this.#stream.write(content)
  }

  finish(): void {
    if (this.#stream === undefined) fail('invalid', 'the request was not answered with a streamed body')
    this.#stream.end()
  }

  /** True when nothing is left to do: then its handle is closed. */
  get isFinished(): boolean {
    return this.#answer !== undefined && (this.#stream?.isEnded ?? true)
  }

  /** The app is gone, or failed at it. */
  fail(error: Error): void {
    if (this.#answer === undefined) this.#failure ??= error
    this.#waiting?.reject(error)
    this.#stream?.abort(error)
  }

  release(): void {
    if (!this.isFinished) this.fail(new HostFailure('closed', 'the app ended before it answered'))
    this.#body.end()
  }

  #bodyOf(body: Host.ResponseBody): Uint8Array | AsyncIterable<Uint8Array> {
    switch (body.kind) {
      case 'empty':
        return nothing
      case 'content':
        return body.value
      case 'file':
        return this.#sendFile(body.value)
      case 'streamed':
        this.#stream = new ResponseStream()
        return this.#stream
    }
  }
}

class RequestBody {
  #source: AsyncIterator<Uint8Array, unknown> | undefined
  #left: Uint8Array
  #isReading = false

  constructor(body: Uint8Array | AsyncIterable<Uint8Array>) {
    this.#left = body instanceof Uint8Array ? body : nothing
    this.#source = body instanceof Uint8Array ? undefined : body[Symbol.asyncIterator]()
  }

  begin(length: number): Host.BodyPart {
    return this.#take(length)
  }

  /** At least one byte unless nothing follows. Fails with `busy` while another call reads. */
  async read(length: number): Promise<Host.BodyPart> {
    if (this.#isReading) return fail('busy', 'the body is being read')
    this.#isReading = true
    try {
      while (this.#left.byteLength === 0 && this.#source !== undefined) await this.#pull(this.#source)
    } finally {
      this.#isReading = false
    }
    return this.#take(Math.max(1, length))
  }

  end(): void {
    void this.#source?.return?.()
    this.#source = undefined
  }

  #take(length: number): Host.BodyPart {
    if (this.#left.byteLength <= length) {
      const content = this.#left
      this.#left = nothing
      return { content, last: this.#source === undefined }
    }
    const content = this.#left.subarray(0, length)
    this.#left = this.#left.subarray(content.byteLength)
    return { content, last: false }
  }

  async #pull(source: AsyncIterator<Uint8Array, unknown>): Promise<void> {
    try {
      const next = await source.next()
      if (next.done === true) this.#source = undefined
      else this.#left = next.value
    } catch (cause) {
      this.#source = undefined
      throw new HostFailure('closed', 'the client ended its body early', { cause })
    }
  }
}

/** Parts that the app writes and the server takes. */
class ResponseStream implements AsyncIterable<Uint8Array> {
  readonly #parts: Uint8Array[] = []
  #taker: (() => void) | undefined
  #writer: (() => void) | undefined
  #failure: Error | undefined
  #isLeft = false
  isEnded = false

  async write(content: Uint8Array): Promise<void> {
    if (this.isEnded || this.#isLeft) return fail('closed', 'the client is gone, or the body was finished')
    if (content.byteLength === 0) return
    this.#parts.push(content)
    this.#wake()
    while (this.#parts.length >= streamPartsAhead && !this.#isLeft && !this.isEnded) {
      await new Promise<void>((resolve) => (this.#writer = resolve))
    }
  }

  end(): void {
    this.isEnded = true
    this.#wake()
    this.#writer?.()
  }

  abort(error: Error): void {
    if (this.isEnded) return
    this.#failure = error
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const part = this.#parts.shift()
        if (part !== undefined) {
          this.#writer?.()
          yield part
        } else if (this.#failure !== undefined) throw this.#failure
        else if (this.isEnded) return
        else await new Promise<void>((resolve) => (this.#taker = resolve))
      }
    } finally {
      this.#isLeft = true
      this.#writer?.()
    }
  }

  #wake(): void {
    const taker = this.#taker
    this.#taker = undefined
    taker?.()
  }
}
