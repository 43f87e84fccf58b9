/**
 * Pairs of one level on their way into the nodes above. Pairs lie one after another as they do in nodes, so whole nodes
 * are sealed where they were gathered, several at once.
 */
import { type BlockBatch, type BlockKernel, pairBytes } from '@blocktree/crypto'
import { type BlockSize, arityOf } from './block-size.ts'
import { nodeBatchBytes } from './limits.ts'

export class PairLevel {
  readonly #blockSize: BlockSize
  /** Level of the nodes that are made here: one above that of the pairs. */
  readonly #level: number
  #nodes: Uint8Array
  #used = 0
  #hasNodes = false

  constructor(blockSize: BlockSize, level: number) {
    this.#blockSize = blockSize
    this.#level = level
    this.#nodes = new Uint8Array(blockSize)
  }

  /** The only pair that ever came, which is the root's then; otherwise undefined. */
  get onlyPair(): Uint8Array | undefined {
    return this.#used === pairBytes && !this.#hasNodes ? this.#nodes.slice(0, pairBytes) : undefined
  }

  /** Takes whole pairs; what became full is sealed and given to `take`, nodes with their pairs. */
  add(pairs: Uint8Array, kernel: BlockKernel, take: (batch: BlockBatch) => void): void {
    for (let from = 0; from < pairs.length;) {
      if (this.#used === this.#nodes.length) this.#makeRoom(kernel, take)
      const length = Math.min(pairs.length - from, this.#nodes.length - this.#used)
      this.#nodes.set(pairs.subarray(from, from + length), this.#used)
      this.#used += length
      from += length
    }
  }

  /** Seals what is left; the last node may be short. */
  finish(kernel: BlockKernel, take: (batch: BlockBatch) => void): void {
    if (this.#used > 0) this.#seal(kernel, take)
  }

  /** Only when another pair is there: so a level that ends exactly with a full node needs no other. */
  #makeRoom(kernel: BlockKernel, take: (batch: BlockBatch) => void): void {
    const larger = Math.min(this.#nodes.length * 4, Math.max(nodeBatchBytes, this.#blockSize))
    if (larger > this.#nodes.length) {
      const nodes = new Uint8Array(larger)
      nodes.set(this.#nodes)
      this.#nodes = nodes
    } else {
      this.#seal(kernel, take)
    }
  }

  #seal(kernel: BlockKernel, take: (batch: BlockBatch) => void): void {
    const count = Math.ceil(this.#used / pairBytes / arityOf(this.#blockSize))
    const batch: BlockBatch = {
      blocks: this.#nodes.subarray(0, count * this.#blockSize),
      blockBytes: this.#blockSize,
      level: this.#level,
      pairs: new Uint8Array(count * pairBytes)
    }
    kernel.seal(batch, undefined)
    this.#hasNodes = true
    this.#used = 0
    this.#nodes = new Uint8Array(this.#nodes.length)
    take(batch)
  }
}
