/**
 * Block-wise transfer on the side that answers (RFC 7959): bodies of requests are put together before the handler sees
 * them, long answers are cut. What is kept for it is bounded in number, bytes and time, for all peers together.
 *
 * A body is known by its peer, code and options, never by its token: libcoap changes the token with each block.
 */
import {
  blockBytes,
  type Block,
  blockOffset,
  createBlockOption,
  readBlockOption,
  sizeExponentFor
} from './block-option.ts'
import { answerKey } from './answer-key.ts'
import type { Clock } from './clock.ts'
import { code } from './code.ts'
import { DownloadCache, entityTag } from './download-cache.ts'
import type { Handler, HandlerResponse, IncomingRequest } from './handler.ts'
import { noBytes } from './message.ts'
import { createIntegerOption, findOption, type Option, optionNumber } from './option.ts'
import { UploadTable } from './upload-table.ts'

/** What the transport of a request can carry. */
export interface BlockLimits {
  /** Names the peer among all peers. */
  readonly peerKey: string
  /** Largest payload of one message to the peer. */
  readonly payloadBytesMax: number
  /** Whether the peer may use several blocks in one message (BERT). */
  readonly isStream: boolean
}

export class BlockServer {
  readonly #handler: Handler
  readonly #uploads: UploadTable
  readonly #downloads: DownloadCache

  constructor(handler: Handler, clock: Clock) {
    this.#handler = handler
    this.#uploads = new UploadTable(clock)
    this.#downloads = new DownloadCache(clock)
  }

  /** Answers one message: a part of a transfer or the whole of it. */
  answer(request: IncomingRequest, limits: BlockLimits): HandlerResponse | Promise<HandlerResponse> {
    const block1 = readBlockOption(request.options, optionNumber.block1)
    const block2 = readBlockOption(request.options, optionNumber.block2)
    if (block1 === undefined && block2 === undefined) {
      const response = this.#handler(request)
      if (response instanceof Promise) return response.then((late) => this.cut(request, late, limits))
      return this.cut(request, response, limits)
    }
    if (!limits.isStream && (block1?.sizeExponent === 7 || block2?.sizeExponent === 7))
      return { code: code.badRequest }
    return this.#answerBlocks(request, limits, block1, block2)
  }

  /** Cuts an answer that is too long for one message; the rest is kept for a while. */
  cut(request: IncomingRequest, response: HandlerResponse, limits: BlockLimits): HandlerResponse {
    if ((response.payload?.length ?? 0) <= limits.payloadBytesMax) return response
    return this.#cutBlock(request, response, limits, undefined)
  }

  async #answerBlocks(
    request: IncomingRequest,
    limits: BlockLimits,
    block1: Block | undefined,
    block2: Block | undefined
  ): Promise<HandlerResponse> {
    let whole = request
    if (block1 !== undefined) {
      const taken = this.#uploads.take(answerKey(limits.peerKey, request), limits.peerKey, request, block1)
      if (taken.kind === 'response') return taken.response
      whole = { ...request, payload: taken.body }
    }
    const options = whole.options.filter(
      ({ number }) => number !== optionNumber.block1 && number !== optionNumber.block2
    )
    const isLater = block2 !== undefined && block2.number > 0
    const kept = isLater ? this.#downloads.find(answerKey(limits.peerKey, request)) : undefined
    if (isLater && kept === undefined && request.code !== code.get)
      return { code: code.requestEntityIncomplete } // asking again would act again
    const response = kept ?? (await this.#handler({ ...whole, options }))
    const cut =
      block2 !== undefined || (response.payload?.length ?? 0) > limits.payloadBytesMax
        ? this.#cutBlock(request, response, limits, block2)
        : response
    if (block1 === undefined) return cut
    return { ...cut, options: [...(cut.options ?? []), createBlockOption(optionNumber.block1, block1)] }
  }

  #cutBlock(
    request: IncomingRequest,
    response: HandlerResponse,
    limits: BlockLimits,
    asked: Block | undefined
  ): HandlerResponse {
    const payload = response.payload ?? noBytes
    const largest = sizeExponentFor(limits.payloadBytesMax)
    const sizeExponent = Math.min(asked?.sizeExponent ?? largest, largest)
    const size = blockBytes(sizeExponent)
    const start = asked === undefined ? 0 : blockOffset(asked)
    if (start > 0 && start >= payload.length) return { code: code.badRequest }
    const isMore = start + size < payload.length
    const key = answerKey(limits.peerKey, request)
    if (isMore) this.#downloads.keep(key, response)
    else if (start > 0) this.#downloads.drop(key)
    const block = { number: start / size, isMore, sizeExponent }
    return {
      ...response,
      payload: payload.subarray(start, start + size),
      options: blockOptions(response.options ?? [], payload, block)
    }
  }
}

function blockOptions(options: readonly Option[], payload: Uint8Array, block: Block): readonly Option[] {
  const added: Option[] = [createBlockOption(optionNumber.block2, block)]
  if (block.number === 0 && block.isMore) added.push(createIntegerOption(optionNumber.size2, payload.length))
  if (findOption(options, optionNumber.etag) === undefined && (block.isMore || block.number > 0))
    added.push({ number: optionNumber.etag, value: entityTag(payload) })
  return [...options, ...added]
}
