/**
 * Reading: the whole content as a stream, any part of it, its length, the blocks it consists of. Everything is verified
 * on the way; nothing is given out before the block it lies in was.
 */
import type { BlockWorkers } from '@blocktree/crypto'
import { type OpeningOptions, openBlocks, requestsOf } from './block-opening.ts'
import { ErisError } from './eris-error.ts'
import { batchBytesMax, fetchesUnderWay, workersFromBytes } from './limits.ts'
import { unpaddedLength } from './padding.ts'
import type { ReadCapability } from './read-capability.ts'
import type { BlockRequest } from './store-port.ts'
import { type PairRun, allLeaves, inOrder, lastLeaf, pairsAt, splitRuns } from './tree-walk.ts'
import { type BlockSize, arityOf } from './block-size.ts'

/** Bytes of the content, `end` not included. */
export interface ByteRange {
  readonly start?: number | undefined
  /** Beyond the content means up to its end. */
  readonly end?: number | undefined
}

/**
 * The content, in pieces of at most half a megabyte that belong to the caller. A range behind the content gives nothing.
 * Blocks are fetched ahead while the caller is busy, half a dozen batches at most; leaving the loop ends that.
 * @throws the errors of `ErisErrorCode` for content, and whatever the store rejects with
 */
export async function* readContent(
  options: OpeningOptions,
  capability: ReadCapability,
  range: ByteRange = {}
): AsyncGenerator<Uint8Array> {
  const { start, end } = expectRange(range)
  const { blockSize } = capability
  const left = new AbortController()
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal])
  const opening: OpeningOptions = { ...options, signal }
  const leaves = { first: Math.floor(start / blockSize), end: Math.ceil(end / blockSize) }
  const runs = splitRuns(pairsAt(opening, capability, 0, leaves), batchBytesMax / blockSize)
  const workers = workersFor(options, capability, end - start)
  const open = async (run: PairRun): Promise<Uint8Array> => {
    const blocks = await openBlocks({ ...opening, workers }, run.pairs, blockSize, 0)
    return contentOf(run, blocks, blockSize, { start, end })
  }
  try {
    for await (const bytes of inOrder(runs, open, workers?.width ?? fetchesUnderWay)) {
      if (bytes.length > 0) yield bytes
    }
  } finally {
    left.abort(new ErisError('ERR_ERIS_ARGUMENT', 'nobody reads this content any more'))
  }
}

/** Threads pay for a range that is long, in a content that may be. */
function workersFor(
  { workers }: OpeningOptions,
  { level, blockSize }: ReadCapability,
  length: number
): BlockWorkers | undefined {
  const most = blockSize * arityOf(blockSize) ** level
  return Math.min(length, most) >= workersFromBytes ? workers : undefined
}

/** The part of opened leaves that lies in the range, without the padding. */
function contentOf(
  run: PairRun,
  blocks: Uint8Array,
  blockSize: number,
  { start, end }: { readonly start: number; readonly end: number }
): Uint8Array {
  const offset = run.first * blockSize
  const padded = run.endsLevel ? blocks.length - blockSize : undefined
  const length = padded === undefined ? blocks.length : padded + unpaddedLength(blocks.subarray(padded))
  const from = Math.min(Math.max(start - offset, 0), length)
  const to = Math.max(from, Math.min(end - offset, length))
  return from === 0 && to === blocks.length ? blocks : blocks.subarray(from, to)
}

/** The length of the content, from the blocks along its right edge: one for each level. */
export async function contentLength(options: OpeningOptions, capability: ReadCapability): Promise<number> {
  const { pair, index } = await lastLeaf(options, capability)
  const leaf = await openBlocks({ ...options, workers: undefined }, pair, capability.blockSize, 0)
  return index * capability.blockSize + unpaddedLength(leaf)
}

export interface VerifiedContent {
  readonly contentBytes: number
  /** Blocks of the tree, repeated ones counted each time. */
  readonly blockCount: number
}

/** Reads everything and keeps nothing; throws what `readContent` throws. */
export async function verifyContent(
  options: OpeningOptions,
  capability: ReadCapability
): Promise<VerifiedContent> {
  let contentBytes = 0
  for await (const { length } of readContent(options, capability)) contentBytes += length
  return { contentBytes, blockCount: blockCountOf(contentBytes, capability.blockSize) }
}

/** How many blocks the tree of a content has, repeated ones counted each time. */
export function blockCountOf(contentBytes: number, blockSize: BlockSize): number {
  let nodes = Math.floor(contentBytes / blockSize) + 1
  let count = nodes
  while (nodes > 1) {
    nodes = Math.ceil(nodes / arityOf(blockSize))
    count += nodes
  }
  return count
}

/** Collects a whole content or range; ERR_ERIS_ARGUMENT when it is longer than `bytesMax`. */
export async function readWhole(
  options: OpeningOptions,
  capability: ReadCapability,
  bytesMax: number,
  range: ByteRange = {}
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const bytes of readContent(options, capability, range)) {
    length += bytes.length
    if (length > bytesMax) {
      throw new ErisError(
        'ERR_ERIS_ARGUMENT',
        `this content is longer than ${bytesMax} bytes; read it as a stream`
      )
    }
    parts.push(bytes)
  }
  const whole = new Uint8Array(length)
  let offset = 0
  for (const bytes of parts) {
    whole.set(bytes, offset)
    offset += bytes.length
  }
  return whole
}

/**
 * Every block of a content, nodes before what they name, repeated ones each time. Nodes are fetched and verified for
 * that; leaves are only named.
 */
export async function* blocksOf(
  options: OpeningOptions,
  capability: ReadCapability
): AsyncGenerator<BlockRequest> {
  for (let level = capability.level; level >= 0; level--) {
    for await (const run of pairsAt(options, capability, level, allLeaves)) {
      yield* requestsOf(run.pairs, capability.blockSize)
    }
  }
}

function expectRange({ start = 0, end = Number.POSITIVE_INFINITY }: ByteRange): {
  start: number
  end: number
} {
  const isGood = Number.isSafeInteger(start) && start >= 0 && end >= start
  if (isGood && (end === Number.POSITIVE_INFINITY || Number.isSafeInteger(end))) return { start, end }
  throw new ErisError('ERR_ERIS_ARGUMENT', `bytes ${start} to ${end}: give whole numbers in order`)
}
