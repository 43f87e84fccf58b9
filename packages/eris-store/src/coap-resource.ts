/** The block resource over CoAP on the side that answers (doc/spec/26-coap-and-block-stores.md, section 2). */
import {
  type Handler,
  type HandlerResponse,
  type IncomingRequest,
  code,
  createIntegerOption,
  describeResources,
  integerOption,
  optionNumber,
  wellKnownCorePath
} from '@blocktree/coap'
import { equalBytes } from '@blocktree/codec'
import {
  type BlockReference,
  type BlockSize,
  type BlockStore,
  ErisError,
  isBlockSize,
  largeBlock,
  nameBlock,
  parseReference,
  smallBlock,
  toReference
} from '@blocktree/eris'
import { storePathDefault } from './coap-store.ts'
import { hashing } from './hashing.ts'

export interface CoapResourceOptions {
  /** Where the store lies; `/.well-known/eris` when left out. */
  readonly path?: string
  /** Told of failures of the store and of blocks that were not what they should be. */
  readonly onFailure?: (error: unknown) => void
}

const octetStream = 42
const immutableSeconds = 31_536_000

const blockOptions = [
  createIntegerOption(optionNumber.contentFormat, octetStream),
  createIntegerOption(optionNumber.maxAge, immutableSeconds)
]

/** Everything that a handler of `listenCoap` needs; answers 4.04 outside its paths. */
export function createCoapResource(store: BlockStore, options: CoapResourceOptions = {}): Handler {
  const base = options.path ?? storePathDefault
  const path = `${base}/blocks`
  const links = [{ path, resourceType: 'eris.blocks', title: 'ERIS blocks', contentFormat: octetStream }]
  return (request) => {
    if (request.path === wellKnownCorePath) return answerCore(request, links)
    if (request.path !== path) return { code: code.notFound }
    if (request.code === code.get) return getBlock(store, request, options.onFailure)
    if (request.code === code.put) return putBlock(store, request, options.onFailure)
    return { code: code.methodNotAllowed }
  }
}

function answerCore(
  { code: method }: IncomingRequest,
  links: Parameters<typeof describeResources>[0]
): HandlerResponse {
  return method === code.get ? describeResources(links) : { code: code.methodNotAllowed }
}

async function getBlock(
  store: BlockStore,
  { options }: IncomingRequest,
  onFailure: CoapResourceOptions['onFailure']
): Promise<HandlerResponse> {
  const reference = referenceOf(options)
  const size = integerOption(options, optionNumber.size1)
  if (reference === undefined || (size !== undefined && !isBlockSize(size))) return { code: code.badRequest }
  const accepted = integerOption(options, optionNumber.accept)
  if (accepted !== undefined && accepted !== octetStream) return { code: code.notAcceptable }
  try {
    const sizes: readonly BlockSize[] = size === undefined ? [smallBlock, largeBlock] : [size]
    for (const wanted of sizes) {
      const bytes = await store.get({ reference, size: wanted })
      if (bytes !== undefined) return { code: code.content, options: blockOptions, payload: bytes }
    }
    return { code: code.notFound }
  } catch (error) {
    onFailure?.(error)
    return { code: refusalOf(error) }
  }
}

async function putBlock(
  store: BlockStore,
  { options, payload }: IncomingRequest,
  onFailure: CoapResourceOptions['onFailure']
): Promise<HandlerResponse> {
  if (!isBlockSize(payload.length)) return { code: code.badRequest }
  const block = nameBlock(hashing, payload)
  const hasQuery = options.some(({ number }) => number === optionNumber.uriQuery)
  if (hasQuery && !equalBytes(referenceOf(options) ?? new Uint8Array(0), block.reference))
    return { code: code.badRequest }
  try {
    await store.put(block)
    return { code: code.created }
  } catch (error) {
    onFailure?.(error)
    return { code: refusalOf(error) }
  }
}

/** The whole value of the one query: 32 bytes, or their base32. */
function referenceOf(options: IncomingRequest['options']): BlockReference | undefined {
  const queries = options.filter(({ number }) => number === optionNumber.uriQuery)
  const [query] = queries
  if (query === undefined || queries.length > 1) return undefined
  if (query.value.length === 32) return toReference(query.value)
  try {
    return parseReference(Buffer.from(query.value).toString('latin1'))
  } catch {
    return undefined
  }
}

/** A corrupt block is as good as none. */
function refusalOf(error: unknown): number {
  if (!(error instanceof ErisError)) return code.internalServerError
  if (error.code === 'ERR_ERIS_STORE_DENIED') return code.forbidden
  if (error.code === 'ERR_ERIS_BLOCK_CORRUPT' || error.code === 'ERR_ERIS_BLOCK_SIZE') return code.notFound
  return error.code.startsWith('ERR_ERIS_STORE_') ? code.serviceUnavailable : code.internalServerError
}
