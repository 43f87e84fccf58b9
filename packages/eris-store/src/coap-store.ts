/**
 * A store of somebody else over CoAP (doc/spec/26-coap-and-block-stores.md, section 2). Dialled when first needed and again
 * when the connection was lost; a request that was cut off is asked once more, which does no harm.
 */
import {
  CoapError,
  type CoapPeer,
  type Handler,
  type OutgoingRequest,
  type ReceivedResponse,
  code,
  connectCoap,
  createIntegerOption,
  formatCode,
  optionNumber,
  resourceOptions
} from '@blocktree/coap'
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  ErisError,
  type StoreOptions,
  type StorePermissions,
  largeBlock
} from '@blocktree/eris'
import { datagramOutstandingMax, remoteReconnectMs, remoteTimeoutMs } from './limits.ts'
import { denied, expectBlock, unavailable } from './remote-answer.ts'
import { StoreGate } from './store-gate.ts'

export interface CoapStoreOptions {
  readonly permissions?: Partial<StorePermissions>
  /** Milliseconds for one request; 20,000 when left out. */
  readonly timeoutMs?: number
  /** Answers requests of the peer on the same connection. */
  readonly handler?: Handler
}

export const storePathDefault = '/.well-known/eris'

/** @param url of the peer; a path in it, such as `coap+tcp://host/other`, is where the store lies */
export function createCoapStore(url: string, path: string, options: CoapStoreOptions = {}): BlockStore {
  const connect = (timeoutMs: number): Promise<CoapPeer> =>
    connectCoap(url, {
      outstandingMax: datagramOutstandingMax,
      timeoutMs,
      ...(options.handler === undefined ? {} : { handler: options.handler })
    })
  return new CoapStore(url, path, options, connect)
}

/** The store of a peer that is connected already: asked on the same connection, which closing leaves open. */
export function createPeerStore(peer: CoapPeer, options: CoapStoreOptions = {}): BlockStore {
  return new CoapStore(peer.address, storePathDefault, options, undefined, peer)
}

class CoapStore implements BlockStore {
  readonly name: string
  readonly permissions: StorePermissions
  readonly #gate: StoreGate
  readonly #timeoutMs: number
  readonly #connect: ((timeoutMs: number) => Promise<CoapPeer>) | undefined
  readonly #resource: OutgoingRequest['options']
  #peer: Promise<CoapPeer> | undefined
  #failedAt = -Infinity
  #failure: unknown

  constructor(
    name: string,
    path: string,
    { permissions, timeoutMs }: CoapStoreOptions,
    connect: ((timeoutMs: number) => Promise<CoapPeer>) | undefined,
    peer?: CoapPeer
  ) {
    this.name = name
    this.#gate = new StoreGate(name, { ...permissions, drop: false, list: false })
    this.permissions = this.#gate.permissions
    this.#timeoutMs = timeoutMs ?? remoteTimeoutMs
    this.#connect = connect
    this.#peer = peer === undefined ? undefined : Promise.resolve(peer)
    this.#resource = resourceOptions(`${path.replace(/\/+$/, '')}/blocks`)
  }

  async get(request: BlockRequest, options?: StoreOptions): Promise<Uint8Array | undefined> {
    this.#gate.expect('get', options)
    const { reference, size } = request
    const answer = await this.#ask(
      {
        code: code.get,
        options: [
          ...this.#resource,
          { number: optionNumber.uriQuery, value: reference },
          createIntegerOption(optionNumber.size1, size)
        ]
      },
      options
    )
    if (answer.code === code.content) return expectBlock(this.name, request, answer.payload)
    if (answer.code === code.notFound) return undefined
    throw this.#refusal('get', answer)
  }

  async put({ bytes }: Block, options?: StoreOptions): Promise<void> {
    this.#gate.expect('put', options)
    const answer = await this.#ask(
      { code: code.put, options: this.#resource, payload: bytes.slice() },
      options
    )
    if (answer.code >> 5 !== 2) throw this.#refusal('put', answer)
  }

  async has(request: BlockRequest, options?: StoreOptions): Promise<boolean> {
    return (await this.get(request, options)) !== undefined
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
    if (!this.#gate.close() || this.#connect === undefined) return
    const peer = await this.#peer?.catch(() => undefined)
    await peer?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #refusal(what: 'get' | 'put', { code: answer }: ReceivedResponse): ErisError {
    const text = formatCode(answer)
    const isDenied = [code.unauthorized, code.forbidden, code.notFound, code.methodNotAllowed].some(
      (refused) => refused === answer
    )
    if (isDenied) return denied(this.name, what, text)
    const isAway = answer >> 5 === 5
    return new ErisError(
      isAway ? 'ERR_ERIS_STORE_UNAVAILABLE' : 'ERR_ERIS_STORE_ANSWER',
      `${this.name} answered ${text} to "${what}"`
    )
  }

  async #ask(request: OutgoingRequest, options: StoreOptions | undefined): Promise<ReceivedResponse> {
    const signal = options?.signal
    const bounds = { timeoutMs: this.#timeoutMs, bodyBytesMax: largeBlock }
    const requestOptions = { ...bounds, ...(signal === undefined ? {} : { signal }) }
    for (let attempt = 1; ; attempt++) {
      try {
        const peer = await (this.#peer ?? this.#dial())
        return await peer.request(request, requestOptions)
      } catch (error) {
        signal?.throwIfAborted()
        this.#gate.expect(request.code === code.put ? 'put' : 'get', options)
        const isCutOff = error instanceof CoapError && error.code === 'ERR_COAP_CLOSED'
        if (error instanceof CoapError && error.code === 'ERR_COAP_TOO_LARGE')
          throw new ErisError('ERR_ERIS_STORE_ANSWER', `${this.name} answered more than a block`, {
            cause: error
          })
        if (attempt === 1 && isCutOff && this.#connect !== undefined) continue
        throw unavailable(this.name, error)
      }
    }
  }

  /** Not again right after it has failed: then the failure is the answer. */
  async #dial(): Promise<CoapPeer> {
    if (performance.now() - this.#failedAt < remoteReconnectMs) throw this.#failure
    if (this.#connect === undefined) throw new CoapError('ERR_COAP_CLOSED', `${this.name} has left`)
    const dialled = this.#connect(this.#timeoutMs)
    this.#peer = dialled
    try {
      const peer = await dialled
      const forget = (): void => {
        if (this.#peer === dialled) this.#peer = undefined
      }
      peer.closed.then(forget, forget)
      return peer
    } catch (error) {
      this.#peer = undefined
      this.#failedAt = performance.now()
      this.#failure = error
      throw error
    }
  }
}
