/** A store of somebody else over HTTP: `/uri-res/N2R?urn:blake2b:…` (doc/spec/26-coap-and-block-stores.md, section 3). */
import {
  type Block,
  type BlockReference,
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  type StorePermissions,
  formatReference,
  largeBlock
} from '@blocktree/eris'
import { remoteTimeoutMs } from './limits.ts'
import { denied, expectBlock, unavailable } from './remote-answer.ts'
import { StoreGate } from './store-gate.ts'

export interface HttpStoreOptions {
  readonly permissions?: Partial<StorePermissions>
  /** Milliseconds for one request; 20,000 when left out. */
  readonly timeoutMs?: number
}

const deniedStatus: ReadonlySet<number> = new Set([401, 403, 405])

/** @param base such as `http://host:8080`; what stands behind the host comes before `/uri-res/N2R` */
export function createHttpStore(base: URL, options: HttpStoreOptions = {}): BlockStore {
  return new HttpStore(base, options)
}

class HttpStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #prefix: string
  readonly #gate: StoreGate
  readonly #timeoutMs: number
  readonly #closing = new AbortController()

  constructor(base: URL, { permissions, timeoutMs }: HttpStoreOptions) {
    this.name = `${base.protocol}//${base.host}${base.pathname}`
    this.#prefix = this.name.replace(/\/+$/, '')
    this.#gate = new StoreGate(this.name, { ...permissions, drop: false, list: false })
    this.permissions = this.#gate.permissions
    this.#timeoutMs = timeoutMs ?? remoteTimeoutMs
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    return await this.#ask(request.reference, { method: 'GET' }, options, async (response) => {
      if (isFound(this.name, 'get', response))
        return expectBlock(this.name, request, await readBounded(this.name, response))
      await response.body?.cancel()
      return undefined
    })
  }

  async put({ reference, bytes }: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    await this.#ask(reference, { method: 'PUT', body: bytes }, options, async (response) => {
      await response.body?.cancel()
      if (response.status === 507) throw new ErisError('ERR_ERIS_STORE_FULL', `${this.name} has no room`)
      if (!isFound(this.name, 'put', response)) throw denied(this.name, 'put', 'status 404')
    })
  }

  async has({ reference, size }: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('get', options)
    return await this.#ask(reference, { method: 'HEAD' }, options, async (response) => {
      await response.body?.cancel()
      const length = Number(response.headers.get('content-length') ?? size)
      return isFound(this.name, 'get', response) && length === size
    })
  }

  async drop(_request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    this.#gate.expect('drop', options)
    return false
  }

  async *list(options?: StoreOptions): AsyncIterable<BlockRequest> {
    this.#gate.expect('list', options)
    yield* []
  }

  async close(): Promise<void> {
    if (this.#gate.close()) this.#closing.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Runs one request to its last byte; what fails on the way is ERR_ERIS_STORE_UNAVAILABLE. */
  async #ask<Result>(
    reference: BlockReference,
    init: { readonly method: string; readonly body?: Uint8Array },
    options: StoreOptions | undefined,
    read: (response: Response) => Promise<Result>
  ): Promise<Result> {
    const signals = [this.#closing.signal, AbortSignal.timeout(this.#timeoutMs)]
    if (options?.signal !== undefined) signals.push(options.signal)
    const body = init.body === undefined ? null : Uint8Array.from(init.body)
    try {
      const response = await fetch(`${this.#prefix}/uri-res/N2R?urn:blake2b:${formatReference(reference)}`, {
        method: init.method,
        body,
        signal: AbortSignal.any(signals),
        redirect: 'error',
        headers: body === null ? {} : { 'content-type': 'application/octet-stream' }
      })
      return await read(response)
    } catch (error) {
      options?.signal?.throwIfAborted()
      if (this.#closing.signal.aborted)
        throw new ErisError('ERR_ERIS_STORE_CLOSED', `${this.name} is closed`, { cause: error })
      if (error instanceof ErisError) throw error
      throw unavailable(this.name, error instanceof Error && error.cause !== undefined ? error.cause : error)
    }
  }
}

function isFound(name: string, what: string, { status }: Response): boolean {
  if (status === 404 || status === 410) return false
  if (deniedStatus.has(status)) throw denied(name, what, `status ${status}`)
  if (status >= 200 && status < 300 && status !== 206) return true
  const code = status >= 500 ? 'ERR_ERIS_STORE_UNAVAILABLE' : 'ERR_ERIS_STORE_ANSWER'
  throw new ErisError(code, `${name} answered status ${status}`)
}

/** At most one block; whoever sends more is left. */
async function readBounded(name: string, { body }: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > largeBlock)
      throw new ErisError('ERR_ERIS_STORE_ANSWER', `${name} answered more than a block`)
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}
