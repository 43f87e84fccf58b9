/**
 * Block-wise transfer on the side that asks (RFC 7959): a long body is sent in Block1 pieces, an answer that comes in
 * Block2 pieces is put together. One message each way when everything fits.
 */
import { equalBytes } from '@blocktree/codec'
import { answerKey } from './answer-key.ts'
import {
  type Block,
  blockBytes,
  blockOffset,
  createBlockOption,
  readBlockOption,
  sizeExponentFor
} from './block-option.ts'
import { CoapError } from './coap-error.ts'
import { code, formatCode } from './code.ts'
import { bodyBytesMax, bodyTimeoutMs } from './limits.ts'
import { type OutgoingRequest, type ReceivedResponse, noBytes } from './message.ts'
import { createIntegerOption, findOption, integerOption, optionNumber } from './option.ts'
import type { UploadLine } from './upload-line.ts'

/** One request, one answer, over some transport. */
export interface Exchange {
  send(request: OutgoingRequest): Promise<ReceivedResponse>
  /** Largest payload of one message to the peer. */
  readonly payloadBytesMax: number
  /** Largest block, when the caller wants smaller ones than fit. */
  readonly blockBytes: number
  /** Largest answer put together from blocks; the limit of this package when left out. */
  readonly bodyBytesMax?: number | undefined
  /** Milliseconds from any fixed point. */
  readonly now: () => number
  readonly uploads: UploadLine
  /** Names the peer among those that share `uploads`. */
  readonly peerKey: string
}

export function requestInBlocks(exchange: Exchange, request: OutgoingRequest): Promise<ReceivedResponse> {
  const isLong = (request.payload?.length ?? 0) > exchange.payloadBytesMax
  const first = isLong
    ? exchange.uploads.run(answerKey(exchange.peerKey, request), () => sendBody(exchange, request))
    : exchange.send(request)
  return first.then((response) => {
    const block = readBlockOption(response.options, optionNumber.block2)
    return block?.isMore === true ? fetchRest(exchange, request, response, block) : response
  })
}

/** Sends the body; @returns the answer to its last block, or the first one that refuses. */
async function sendBody(exchange: Exchange, request: OutgoingRequest): Promise<ReceivedResponse> {
  const body = request.payload ?? noBytes
  let sizeExponent = sizeExponentFor(Math.min(exchange.blockBytes, exchange.payloadBytesMax))
  let start = 0
  const began = exchange.now()
  for (;;) {
    expectInTime(exchange, began)
    const size = blockBytes(sizeExponent)
    const isMore = start + size < body.length
    const block = { number: start / size, isMore, sizeExponent }
    const options = [...request.options, createBlockOption(optionNumber.block1, block)]
    if (start === 0 && findOption(options, optionNumber.size1) === undefined)
      options.push(createIntegerOption(optionNumber.size1, body.length))
    const payload = body.subarray(start, start + size)
    const response = await exchange.send({ code: request.code, options, payload })
    const answered = readBlockOption(response.options, optionNumber.block1)
    const smaller = answered !== undefined && answered.sizeExponent < sizeExponent
    if (response.code === code.requestEntityTooLarge && smaller && start === 0) {
      sizeExponent = answered.sizeExponent
      continue
    }
    if (!isMore || response.code !== code.continue) return response
    if (answered?.number !== block.number)
      throw new CoapError('ERR_COAP_BLOCK', `block ${block.number} of a body was answered as another one`)
    start += size
    if (smaller) sizeExponent = answered.sizeExponent
  }
}

/** Asks for the blocks behind `first`. ERR_COAP_BLOCK when they do not fit, ERR_COAP_TOO_LARGE. */
export async function fetchRest(
  exchange: Exchange,
  request: OutgoingRequest,
  first: ReceivedResponse,
  firstBlock: Block
): Promise<ReceivedResponse> {
  const tag = findOption(first.options, optionNumber.etag)?.value ?? noBytes
  const announced = integerOption(first.options, optionNumber.size2) ?? 0
  const most = exchange.bodyBytesMax ?? bodyBytesMax
  if (announced > most) throw tooLarge(announced, most)
  const began = exchange.now()
  const parts = [first.payload]
  let length = first.payload.length
  let block = checkedBlock(first, firstBlock, 0)
  while (block.isMore) {
    expectInTime(exchange, began)
    const size = blockBytes(block.sizeExponent)
    const next = { number: length / size, isMore: false, sizeExponent: block.sizeExponent }
    const response = await exchange.send({
      code: request.code,
      options: [
        ...request.options.filter(({ number }) => number !== optionNumber.observe),
        createBlockOption(optionNumber.block2, next)
      ]
    })
    if (response.code !== first.code)
      throw new CoapError('ERR_COAP_BLOCK', `block ${next.number} was answered ${formatCode(response.code)}`)
    if (!equalBytes(findOption(response.options, optionNumber.etag)?.value ?? noBytes, tag))
      throw new CoapError('ERR_COAP_BLOCK', 'the resource changed while it was fetched')
    block = checkedBlock(response, readBlockOption(response.options, optionNumber.block2), length)
    parts.push(response.payload)
    length += response.payload.length
    if (length > most) throw tooLarge(length, most)
  }
  return { code: first.code, options: first.options, payload: Buffer.concat(parts, length) }
}

/** The block that was asked for, full unless it is the last one. */
function checkedBlock(response: ReceivedResponse, block: Block | undefined, start: number): Block {
  const size = block === undefined ? 0 : blockBytes(block.sizeExponent)
  const { length } = response.payload
  const isFull = block?.sizeExponent === 7 ? length > 0 && length % size === 0 : length === size
  if (block === undefined || blockOffset(block) !== start || (block.isMore && !isFull))
    throw new CoapError('ERR_COAP_BLOCK', `the answer is not the block at byte ${start}`)
  return block
}

function tooLarge(length: number, most: number): CoapError {
  return new CoapError('ERR_COAP_TOO_LARGE', `an answer of ${length} bytes; ${most} are taken`)
}

/** Each block has a time of its own, so a peer that sends them one by one, slowly, could take days. */
function expectInTime(exchange: Exchange, began: number): void {
  if (exchange.now() - began <= bodyTimeoutMs) return
  throw new CoapError('ERR_COAP_TIMEOUT', `a body in blocks was not whole within ${bodyTimeoutMs} ms`)
}
