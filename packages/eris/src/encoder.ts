/**
 * The encoder: content goes in piece by piece, encrypted blocks come out, and at the end the capability that finds and
 * opens them (doc/spec/25-eris.md). Memory is bounded by a few batches of blocks and one row of nodes for each level.
 */
import {
  type BlockBatch,
  type BlockKernel,
  type BlockWorkers,
  pairBytes,
  referenceBytes
} from '@blocktree/crypto'
import { type Block, makeBlock } from './block.ts'
import { toReference } from './block-reference.ts'
import type { BlockSize } from './block-size.ts'
import { expectSecretLength } from './convergence-secret.ts'
import { ErisError } from './eris-error.ts'
import { batchBytesMax, contentBytesMax, putsUnderWayMax, workersFromBytes } from './limits.ts'
import { paddingStart } from './padding.ts'
import { PairLevel } from './pair-level.ts'
import { type ReadCapability, expectLevel } from './read-capability.ts'

export interface EncoderOptions {
  readonly kernel: BlockKernel
  /** Take over when the content turns out to be large. They are not closed. */
  readonly workers?: BlockWorkers | undefined
  readonly blockSize: BlockSize
  /** 32 bytes: `nullSecret()`, one of your own, or `uniqueSecret(random)`. */
  readonly secret: Uint8Array
  /**
   * Stores blocks, each as often as it occurs in the content; a rejection ends the encoding. Called again before it has
   * settled, a few times at most; leaves come in order, nodes after what they name. Their bytes are overwritten once it
   * has settled.
   */
  readonly put: (blocks: readonly Block[]) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface EncodedContent {
  readonly capability: ReadCapability
  /** Length of the content. */
  readonly contentBytes: number
  /** Blocks that were put, repeated ones counted each time. */
  readonly blockCount: number
}

export interface Encoder {
  /**
   * Takes content; the bytes may be changed as soon as the promise settles. Await it before the next call: it is what
   * keeps memory bounded. Rejects with what `put` rejected with, ERR_ERIS_ENCODER_CLOSED after `finish` or a failure.
   */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when every block was put. */
  finish(): Promise<EncodedContent>
}

export function createEncoder(options: EncoderOptions): Encoder {
  expectSecretLength(options.secret)
  return new PushEncoder(options)
}

/** The whole of a source, pulled as fast as blocks are put. */
export async function encodeContent(
  options: EncoderOptions,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): Promise<EncodedContent> {
  const encoder = createEncoder(options)
  for await (const bytes of source) await encoder.write(bytes)
  return encoder.finish()
}

class PushEncoder implements Encoder {
  readonly #options: EncoderOptions
  readonly #secret: Uint8Array
  readonly #levels: PairLevel[] = []
  #leaves: Uint8Array
  #filled = 0
  /** Buffers of batches that were put, to be filled again: garbage of this size would wait long for its collection. */
  readonly #spares: Uint8Array[] = []
  #contentBytes = 0
  #blockCount = 0
  /** Batches that were dispatched and not put yet, oldest first; none rejects. */
  readonly #underWay: Promise<void>[] = []
  /** Settles when the pairs of the last dispatched batch were taken: levels are filled in order. */
  #taken: Promise<void> = Promise.resolve()
  #failure: { readonly cause: unknown } | undefined
  #isClosed = false

  constructor(options: EncoderOptions) {
    this.#options = options
    this.#secret = Uint8Array.from(options.secret)
    this.#leaves = new Uint8Array(options.blockSize)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#expectOpen()
    this.#contentBytes += bytes.length
    if (this.#contentBytes > contentBytesMax) throw this.#fail(tooLong())
    for (let from = 0; from < bytes.length;) {
      const length = Math.min(bytes.length - from, this.#leaves.length - this.#filled)
      this.#leaves.set(length === bytes.length ? bytes : bytes.subarray(from, from + length), this.#filled)
      this.#filled += length
      from += length
      if (this.#filled === this.#leaves.length) await this.#dispatch(false)
    }
  }

  async finish(): Promise<EncodedContent> {
    this.#expectOpen()
    this.#isClosed = true
    this.#leaves.fill(0, this.#filled)
    this.#leaves[this.#filled] = paddingStart // there is room: full batches leave at once
    await this.#dispatch(true)
    await this.#settle(0)
    const blocks: Block[] = []
    const rootPair = this.#finishLevels(blocks)
    await this.#put(blocks)
    this.#secret.fill(0)
    this.#throwFailure()
    const { blockSize } = this.#options
    const level = this.#levels.length - 1
    expectLevel(level, blockSize)
    return {
      capability: {
        blockSize,
        level,
        rootReference: toReference(rootPair.slice(0, referenceBytes)),
        rootKey: rootPair.slice(referenceBytes)
      },
      contentBytes: this.#contentBytes,
      blockCount: this.#blockCount
    }
  }

  /** Seals the leaves that are there, and sees to room for the next. */
  async #dispatch(isLast: boolean): Promise<void> {
    this.#options.signal?.throwIfAborted()
    this.#throwFailure()
    const { blockSize } = this.#options
    const count = isLast ? Math.floor(this.#filled / blockSize) + 1 : this.#leaves.length / blockSize
    const batch: BlockBatch = {
      blocks: isLast ? this.#leaves.slice(0, count * blockSize) : this.#leaves,
      blockBytes: blockSize,
      level: 0,
      pairs: new Uint8Array(count * pairBytes)
    }
    const room = this.#leaves.length // a batch that moves to a thread is empty afterwards
    this.#underWay.push(this.#process(this.#seal(batch)))
    const workers = this.#workers()
    this.#filled = 0
    await this.#settle((workers?.width ?? 0) + putsUnderWayMax - 1)
    if (!isLast) this.#leaves = this.#spares.pop() ?? new Uint8Array(Math.min(room * 4, batchBytesMax))
    this.#throwFailure()
  }

  #workers(): BlockWorkers | undefined {
    return this.#contentBytes >= workersFromBytes ? this.#options.workers : undefined
  }

  #seal(batch: BlockBatch): Promise<BlockBatch> | BlockBatch {
    const workers = this.#workers()
    if (workers !== undefined) return workers.seal(batch, this.#secret)
    this.#options.kernel.seal(batch, this.#secret)
    return batch
  }

  /** Never rejects: the first failure is kept and ends everything. */
  async #process(sealing: Promise<BlockBatch> | BlockBatch): Promise<void> {
    const before = this.#taken
    let release = (): void => {}
    this.#taken = new Promise((resolve) => (release = resolve))
    const blocks: Block[] = []
    let spare: Uint8Array | undefined
    try {
      const batch = await sealing
      spare = batch.blocks
      await before
      if (this.#failure === undefined) this.#take(0, batch, blocks)
    } catch (error) {
      this.#fail(error)
    } finally {
      release()
    }
    await this.#put(blocks)
    if (spare?.length === batchBytesMax) this.#spares.push(spare)
  }

  /** Blocks to be put, their pairs to the level above. */
  #take(level: number, { blocks, pairs, blockBytes }: BlockBatch, target: Block[]): void {
    const count = blocks.length / blockBytes
    for (let index = 0; index < count; index++) {
      const at = index * pairBytes
      const reference = toReference(pairs.subarray(at, at + referenceBytes))
      target.push(makeBlock(reference, blocks.subarray(index * blockBytes, (index + 1) * blockBytes)))
    }
    this.#levelAt(level).add(pairs, this.#options.kernel, (batch) => this.#take(level + 1, batch, target))
  }

  #levelAt(level: number): PairLevel {
    const known = this.#levels[level]
    if (known !== undefined) return known
    const made = new PairLevel(this.#options.blockSize, level + 1)
    this.#levels.push(made)
    return made
  }

  /** Closes level after level until one pair is left: the root's. */
  #finishLevels(target: Block[]): Uint8Array {
    for (let level = 0; ; level++) {
      const pairs = this.#levelAt(level)
      const root = pairs.onlyPair
      if (root !== undefined || this.#failure !== undefined) return root ?? new Uint8Array(pairBytes)
      pairs.finish(this.#options.kernel, (batch) => this.#take(level + 1, batch, target))
    }
  }

  async #put(blocks: readonly Block[]): Promise<void> {
    if (blocks.length === 0 || this.#failure !== undefined) return
    try {
      this.#options.signal?.throwIfAborted()
      await this.#options.put(blocks)
      this.#blockCount += blocks.length
    } catch (error) {
      this.#fail(error)
    }
  }

  async #settle(most: number): Promise<void> {
    while (this.#underWay.length > most) {
      await this.#underWay.shift()
    }
  }

  #fail(cause: unknown): unknown {
    this.#failure ??= { cause }
    this.#isClosed = true
    this.#secret.fill(0)
    return cause
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #expectOpen(): void {
    this.#options.signal?.throwIfAborted()
    if (!this.#isClosed) return
    throw new ErisError('ERR_ERIS_ENCODER_CLOSED', 'this encoder has finished or failed; create another')
  }
}

function tooLong(): ErisError {
  return new ErisError('ERR_ERIS_ARGUMENT', `content of more than ${contentBytesMax} bytes`)
}
