/** Blocks between nodes, as bytes: what is asked and what is answered (doc/spec/25-eris.md, section 10). Every answer is bounded by its request. */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import { type BlockRequest, isBlockSize, toReference } from '@blocktree/eris'
import { NodeError } from '../node-error.ts'

export const getMethod = 'eris.get'
export const hasMethod = 'eris.has'

/** Blocks that one request names. */
export const askedBlocksMax = 512
/** Bytes of the blocks that one request of `eris.get` names: half of what one message may have. */
export const askedBytesMax: number = 512 * 1024
export const requestBytesMax: number = 24 * 1024

const format = 1
const referenceBytes = 32

export function encodeBlockRequests(requests: readonly BlockRequest[]): Uint8Array {
  const writer = new CanonicalWriter(requests.length * 40 + 16).array(2).uint(format).array(requests.length)
  for (const { reference, size } of requests) writer.array(2).bin(reference).uint(size)
  return writer.finish()
}

/** @throws ERR_BLOCKS_FORMAT, also for more than one request may name */
export function decodeBlockRequests(bytes: Uint8Array, isForBytes: boolean): readonly BlockRequest[] {
  return strictly('a request for blocks', () => {
    const reader = opened(bytes)
    const requests: BlockRequest[] = []
    let total = 0
    for (let left = reader.array(askedBlocksMax, 1); left > 0; left--) {
      reader.arrayOf(2)
      const reference = toReference(reader.bin(referenceBytes, referenceBytes).slice())
      const size = reader.uint()
      if (!isBlockSize(size)) throw damaged('a request for blocks', `${size} is no size of a block`)
      total += size
      requests.push({ reference, size })
    }
    reader.end()
    if (isForBytes && total > askedBytesMax)
      throw damaged('a request for blocks', `${total} bytes are asked for, ${askedBytesMax} at most`)
    return requests
  })
}

export function encodeBlocks(blocks: readonly (Uint8Array | undefined)[]): Uint8Array {
  const length = blocks.reduce((sum, block) => sum + (block?.length ?? 0) + 5, 16)
  const writer = new CanonicalWriter(length).array(2).uint(format).array(blocks.length)
  for (const block of blocks) writer.bin(block ?? nothing)
  return writer.finish()
}

/** Views of the answer, not verified; undefined where the peer has none. @throws ERR_BLOCKS_FORMAT for other lengths than were asked for */
export function decodeBlocks(
  bytes: Uint8Array,
  requests: readonly BlockRequest[]
): readonly (Uint8Array | undefined)[] {
  return strictly('an answer with blocks', () => {
    const reader = opened(bytes)
    reader.arrayOf(requests.length)
    const blocks = requests.map(({ size }) => {
      const block = reader.bin(size)
      if (block.length !== 0 && block.length !== size)
        throw damaged('an answer with blocks', `${block.length} bytes for a block of ${size}`)
      return block.length === 0 ? undefined : block
    })
    reader.end()
    return blocks
  })
}

export function encodePresence(present: readonly boolean[]): Uint8Array {
  const writer = new CanonicalWriter(present.length + 16).array(2).uint(format).array(present.length)
  for (const isPresent of present) writer.boolean(isPresent)
  return writer.finish()
}

/** @throws ERR_BLOCKS_FORMAT */
export function decodePresence(bytes: Uint8Array, count: number): readonly boolean[] {
  return strictly('an answer about blocks', () => {
    const reader = opened(bytes)
    reader.arrayOf(count)
    const present = Array.from({ length: count }, () => reader.boolean())
    reader.end()
    return present
  })
}

const nothing = new Uint8Array(0)

function opened(bytes: Uint8Array): CanonicalReader {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(2)
  reader.uint(format, format)
  return reader
}

function strictly<Result>(what: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof CodecError) throw damaged(what, cause.message, cause)
    throw cause
  }
}

function damaged(what: string, problem: string, cause?: unknown): NodeError {
  return new NodeError('ERR_BLOCKS_FORMAT', `${what} is damaged: ${problem}`, { cause })
}
