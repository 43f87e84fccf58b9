/**
 * Fetches blocks and opens them. Each is checked for itself, and the first in order that is not good decides the error:
 * missing, then another size, then another hash.
 */
import { type BlockKernel, type BlockWorkers, pairBytes, referenceBytes } from '@blocktree/crypto'
import { type BlockReference, formatReference, toReference } from './block-reference.ts'
import type { BlockSize } from './block-size.ts'
import { ErisError } from './eris-error.ts'
import { type BlockRequest, type BlockStore, getBlocks } from './store-port.ts'

export interface OpeningOptions {
  readonly kernel: BlockKernel
  /** For leaves only, when much is read. */
  readonly workers?: BlockWorkers | undefined
  readonly store: Pick<BlockStore, 'get' | 'getMany' | 'name'>
  readonly signal?: AbortSignal | undefined
}

/**
 * @param pairs references and keys of the blocks, 64 bytes each
 * @returns the decrypted blocks one after another, in a buffer of their own
 */
export async function openBlocks(
  { kernel, workers, store, signal }: OpeningOptions,
  pairs: Uint8Array,
  blockSize: BlockSize,
  level: number
): Promise<Uint8Array> {
  const requests = requestsOf(pairs, blockSize)
  const answers = await getBlocks(store, requests, { signal })
  signal?.throwIfAborted()
  const blocks = new Uint8Array(requests.length * blockSize)
  let given = 0
  while (given < requests.length && answers[given]?.length === blockSize) {
    blocks.set(answers[given] ?? blocks, given * blockSize)
    given++
  }
  const batch = {
    blocks: given === requests.length ? blocks : blocks.slice(0, given * blockSize),
    blockBytes: blockSize,
    level,
    pairs: pairs.slice(0, given * pairBytes)
  }
  const opened = workers === undefined ? { batch, good: kernel.open(batch) } : await workers.open(batch)
  const bad = requests[opened.good]
  if (bad === undefined) return opened.batch.blocks
  throw opened.good < given
    ? corruptBlock(bad.reference, store.name)
    : unusable(bad, answers[given], store.name)
}

export function requestsOf(pairs: Uint8Array, size: BlockSize): BlockRequest[] {
  const requests: BlockRequest[] = []
  for (let at = 0; at < pairs.length; at += pairBytes) {
    requests.push({ reference: toReference(pairs.subarray(at, at + referenceBytes)), size })
  }
  return requests
}

function unusable(
  { reference, size }: BlockRequest,
  answer: Uint8Array | undefined,
  store: string
): ErisError {
  const text = formatReference(reference)
  if (answer === undefined) {
    return new ErisError('ERR_ERIS_BLOCK_MISSING', `block ${text} is not in ${store}; try another store`)
  }
  return new ErisError(
    'ERR_ERIS_BLOCK_SIZE',
    `block ${text} from ${store} has ${answer.length} bytes, but this content has blocks of ${size}`
  )
}

function corruptBlock(reference: BlockReference, store: string): ErisError {
  return new ErisError(
    'ERR_ERIS_BLOCK_CORRUPT',
    `block ${formatReference(reference)} from ${store} has another hash; take it from another store`
  )
}
