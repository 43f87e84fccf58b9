/** The block resource over HTTP on the side that answers (doc/spec/26-coap-and-block-stores.md, section 3). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import {
  type BlockReference,
  type BlockStore,
  ErisError,
  contentLength,
  formatReference,
  isBlockSize,
  largeBlock,
  nameBlock,
  parseReference,
  parseUrn,
  readContent,
  smallBlock
} from '@blocktree/eris'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { parseRange } from './byte-range.ts'
import { hashing } from './hashing.ts'

export interface HttpResourceOptions {
  /** Whether `urn:eris:` is decoded here: this tells the server what is read. */
  readonly isPrivate: boolean
  readonly onFailure?: (error: unknown) => void
}

const prefix = '/uri-res/N2R?'
const blockUrn = 'urn:blake2b:'

export type HttpResource = (request: IncomingMessage, response: ServerResponse) => void

export function createHttpResource(store: BlockStore, options: HttpResourceOptions): HttpResource {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '', method = '' } = request
    if (!url.startsWith(prefix)) return end(response, 404)
    const urn = url.slice(prefix.length)
    const isReading = method === 'GET' || method === 'HEAD'
    if (urn.startsWith('urn:eris:')) {
      if (!options.isPrivate) return end(response, 403)
      return isReading
        ? await sendContent(store, urn, request, response)
        : end(response, 405, { allow: 'GET, HEAD' })
    }
    const reference = referenceOf(urn)
    if (reference === undefined) return end(response, 400)
    if (isReading) return await sendBlock(store, reference, request, response)
    if (method === 'PUT') return await takeBlock(store, reference, request, response)
    end(response, 405, { allow: 'GET, HEAD, PUT' })
  }
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      options.onFailure?.(error)
      if (response.headersSent) response.destroy()
      else end(response, statusOf(error))
    })
  }
}

function referenceOf(urn: string): BlockReference | undefined {
  if (!urn.startsWith(blockUrn)) return undefined
  try {
    return parseReference(urn.slice(blockUrn.length))
  } catch {
    return undefined
  }
}

async function sendBlock(
  store: BlockStore,
  reference: BlockReference,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const bytes =
    (await store.get({ reference, size: largeBlock })) ?? (await store.get({ reference, size: smallBlock }))
  if (bytes === undefined) return end(response, 404)
  const tag = `"${formatReference(reference)}"`
  if (request.headers['if-none-match'] === tag) return end(response, 304, { etag: tag })
  const headers = {
    'content-type': 'application/octet-stream',
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    etag: tag
  }
  const range = parseRange(request.headers.range, bytes.length)
  if (range === 'outside') return end(response, 416, { 'content-range': `bytes */${bytes.length}` })
  const part = range === undefined ? bytes : bytes.subarray(range.first, range.last + 1)
  const partial =
    range === undefined ? {} : { 'content-range': `bytes ${range.first}-${range.last}/${bytes.length}` }
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    ...partial,
    'content-length': part.length
  })
  response.end(request.method === 'HEAD' ? undefined : part)
}

async function takeBlock(
  store: BlockStore,
  reference: BlockReference,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > largeBlock) return end(response, 413, { connection: 'close' })
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > largeBlock) return end(response, 413, { connection: 'close' })
    parts.push(part)
  }
  if (!isBlockSize(length)) return end(response, 400)
  const block = nameBlock(hashing, Buffer.concat(parts, length))
  if (formatReference(block.reference) !== formatReference(reference)) return end(response, 400)
  await store.put(block)
  end(response, 201, { 'content-location': `${prefix}${blockUrn}${formatReference(reference)}` })
}

async function sendContent(
  store: BlockStore,
  urn: string,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const capability = parseUrn(urn)
  const gone = new AbortController()
  response.once('close', () => gone.abort(new ErisError('ERR_ERIS_STORE_CLOSED', 'the client has left')))
  const opening = { store, kernel: chooseBlockKernel(), signal: gone.signal }
  const length = await contentLength(opening, capability)
  const range = parseRange(request.headers.range, length)
  if (range === 'outside') return end(response, 416, { 'content-range': `bytes */${length}` })
  const { first, last } = range ?? { first: 0, last: length - 1 }
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'content-length': last - first + 1,
    ...(range === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${length}` })
  })
  if (request.method === 'HEAD') response.end()
  else await pipeline(readContent(opening, capability, { start: first, end: last + 1 }), response)
}

function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, ...(status === 304 ? {} : { 'content-length': '0' }) })
  response.end()
}

function statusOf(error: unknown): number {
  if (!(error instanceof ErisError)) return 500
  switch (error.code) {
    case 'ERR_ERIS_STORE_DENIED':
      return 403
    case 'ERR_ERIS_STORE_FULL':
      return 507
    case 'ERR_ERIS_BLOCK_MISSING':
    case 'ERR_ERIS_BLOCK_CORRUPT':
    case 'ERR_ERIS_BLOCK_SIZE':
      return 404
    case 'ERR_ERIS_URN':
    case 'ERR_ERIS_CAPABILITY':
    case 'ERR_ERIS_LEVEL':
      return 400
    default:
      return error.code.startsWith('ERR_ERIS_STORE_') ? 503 : 422
  }
}
