/**
 * Walks the tree of a content from the root to a range of its leaves, level by level as a pipeline: each stage fetches
 * the next blocks of its level while the stage below works on the last ones. No recursion over what a stranger sent; a
 * level holds a bounded number of blocks, whatever the content.
 */
import { type BlockKernel, pairBytes } from '@blocktree/crypto'
import { type OpeningOptions, openBlocks } from './block-opening.ts'
import { arityOf } from './block-size.ts'
import { ErisError } from './eris-error.ts'
import { nodesAtOnce } from './limits.ts'
import { pairsOfNode } from './opened-node.ts'
import { type ReadCapability, expectLevel } from './read-capability.ts'

/** Pairs of neighbours on one level. */
export interface PairRun {
  readonly pairs: Uint8Array
  /** Index of the first of them on its level. */
  readonly first: number
  /** The last of them is the last of its level. */
  readonly endsLevel: boolean
}

/** Leaves by index, `end` not included; the range may go beyond the content. */
export interface LeafRange {
  readonly first: number
  readonly end: number
}

export const allLeaves: LeafRange = { first: 0, end: Number.POSITIVE_INFINITY }

/**
 * The pairs of the nodes of one level, or of the leaves (0), that lie above a range of leaves, in order; nothing when the
 * range lies behind the content. Every node on the way is verified.
 * @throws what `openBlocks` throws, ERR_ERIS_LEVEL, ERR_ERIS_ROOT_KEY, ERR_ERIS_NODE_INVALID
 */
export async function* pairsAt(
  options: OpeningOptions,
  capability: ReadCapability,
  lowest: number,
  range: LeafRange
): AsyncGenerator<PairRun> {
  const { level: rootLevel, blockSize } = capability
  expectLevel(rootLevel, blockSize)
  if (range.end <= range.first) return
  let runs: AsyncIterable<PairRun> = rootRun(capability)
  for (let level = rootLevel; level > lowest; level--) {
    const childLeaves = arityOf(blockSize) ** (level - 1)
    const children: LeafRange = {
      first: Math.floor(range.first / childLeaves),
      end: Math.ceil(range.end / childLeaves)
    }
    runs = childRuns({ options, capability, level, children }, runs)
  }
  // A root that is a leaf has index 0; of a higher level the stages above have left out what is not wanted.
  if (rootLevel > 0 || range.first === 0) yield* runs
}

/** The pair and the index of the last leaf: one node is fetched for each level. */
export async function lastLeaf(
  options: OpeningOptions,
  capability: ReadCapability
): Promise<{ readonly pair: Uint8Array; readonly index: number }> {
  const { level: rootLevel, blockSize } = capability
  expectLevel(rootLevel, blockSize)
  let pair = pairOfRoot(capability)
  let index = 0
  for (let level = rootLevel; level > 0; level--) {
    const node = await openBlocks({ ...options, workers: undefined }, pair, blockSize, level)
    const isRoot = level === rootLevel
    if (isRoot) expectRootKey(options.kernel, node, capability)
    const pairs = pairsOfNode(node, { isRoot, isAtRightEdge: true })
    pair = pairs.subarray(pairs.length - pairBytes)
    index = index * arityOf(blockSize) + pairs.length / pairBytes - 1
  }
  return { pair, index }
}

function pairOfRoot({ rootReference, rootKey }: ReadCapability): Uint8Array {
  const pair = new Uint8Array(pairBytes)
  pair.set(rootReference)
  pair.set(rootKey, rootReference.length)
  return pair
}

async function* rootRun(capability: ReadCapability): AsyncGenerator<PairRun> {
  yield { pairs: pairOfRoot(capability), first: 0, endsLevel: true }
}

interface Stage {
  readonly options: OpeningOptions
  readonly capability: ReadCapability
  /** Of the nodes that are opened here. */
  readonly level: number
  /** Which of their children are wanted. */
  readonly children: LeafRange
}

/** Opens the nodes that come in, and gives the wanted pairs in them. */
async function* childRuns(stage: Stage, runs: AsyncIterable<PairRun>): AsyncGenerator<PairRun> {
  const { options, capability, level } = stage
  const open = async (run: PairRun): Promise<PairRun> => {
    const blocks = await openBlocks(
      { ...options, workers: undefined },
      run.pairs,
      capability.blockSize,
      level
    )
    return childrenOf(stage, run, blocks)
  }
  for await (const children of inOrder(splitRuns(runs, nodesAtOnce), open, 2)) {
    if (children.pairs.length > 0) yield children
  }
}

function childrenOf(
  { options, capability, level, children }: Stage,
  run: PairRun,
  blocks: Uint8Array
): PairRun {
  const { blockSize } = capability
  const isRoot = level === capability.level
  if (isRoot) expectRootKey(options.kernel, blocks, capability)
  const count = blocks.length / blockSize
  let end = 0 // all nodes but the last are full, so the pairs of all of them lie without a gap
  for (let index = 0; index < count; index++) {
    const isAtRightEdge = run.endsLevel && index === count - 1
    const node = blocks.subarray(index * blockSize, (index + 1) * blockSize)
    end += pairsOfNode(node, { isRoot, isAtRightEdge }).length
  }
  const arity = arityOf(blockSize)
  const firstChild = run.first * arity
  const childCount = end / pairBytes
  const from = Math.min(Math.max(children.first - firstChild, 0), childCount)
  const to = Math.min(Math.max(children.end - firstChild, from), childCount)
  return {
    pairs: blocks.subarray(from * pairBytes, to * pairBytes),
    first: firstChild + from,
    endsLevel: run.endsLevel && to === childCount
  }
}

function expectRootKey(kernel: BlockKernel, root: Uint8Array, { rootKey }: ReadCapability): void {
  if (kernel.hash(root).every((byte, index) => byte === rootKey[index])) return
  throw new ErisError('ERR_ERIS_ROOT_KEY', 'the key in the capability does not belong to its root node')
}

/** The same pairs in runs of at most `most`. */
export async function* splitRuns(runs: AsyncIterable<PairRun>, most: number): AsyncGenerator<PairRun> {
  for await (const { pairs, first, endsLevel } of runs) {
    const count = pairs.length / pairBytes
    for (let from = 0; from < count; from += most) {
      const to = Math.min(count, from + most)
      yield {
        pairs: pairs.subarray(from * pairBytes, to * pairBytes),
        first: first + from,
        endsLevel: endsLevel && to === count
      }
    }
  }
}

/**
 * Results in the order of the items, with up to `width` under way. A failure is thrown in its turn; what was started
 * after it settles unheard.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  run: (item: Item) => Promise<Result>,
  width: number
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = []
  for await (const item of items) {
    const result = run(item)
    result.catch(() => {}) // heard when its turn comes, if it comes
    started.push(result)
    if (started.length < width) continue
    const oldest = started.shift()
    if (oldest !== undefined) yield await oldest
  }
  for (const result of started) yield await result
}
