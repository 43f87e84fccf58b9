/**
 * Names of blocks that peers send: indexed at once with the keys of the node, so that a path works here as soon as its
 * header is held. A row says that names may be missing from before the first of them until some seconds after the last:
 * a crash in between is made good at the next start. Headers that were set aside first and are shown once their anchor has
 * come (those of a writer who was removed) are no arrivals any more: what changes without a name is looked at too.
 */
import type { Actor } from '@blocktree/files'
import type { BlockChange, Id } from '@blocktree/tree'
import { namePaths } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'

const idleMs = 3000

export class ArrivingNames {
  readonly #held: Pick<HeldTree, 'tree' | 'store' | 'files'>
  readonly #node: () => Actor
  readonly #onFailure: (error: unknown) => void
  readonly #endListening: () => void
  #blocks: Map<string, Id> = new Map()
  #end: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(
    held: Pick<HeldTree, 'tree' | 'store' | 'files'>,
    node: () => Actor,
    onFailure: (error: unknown) => void
  ) {
    this.#held = held
    this.#node = node
    this.#onFailure = onFailure
    this.#endListening = held.tree.onChange((change) => this.#look(change))
  }

  /** Called before records of a peer are judged. */
  begin(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#end?.(), idleMs).unref()
    if (this.#end !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#end = () => {
      this.#end = undefined
      resolve()
    }
    this.#running = this.#held.files.arriving(() => promise).catch(this.#onFailure)
  }

  /** These were taken a moment ago. */
  add(blocks: readonly Id[]): void {
    if (this.#blocks.size === 0) queueMicrotask(() => void this.#index())
    for (const block of blocks) this.#blocks.set(block.toHex(), block)
  }

  async close(): Promise<void> {
    this.#endListening()
    clearTimeout(this.#timer)
    this.#end?.()
    await this.#running
  }

  #look({ block, change, winner }: BlockChange): void {
    if (change === 'named' || winner === undefined) return
    if (this.#blocks.has(block.toHex()) || !this.#isUnnamed(block)) return
    this.begin()
    this.add([block])
  }

  #isUnnamed(block: Id): boolean {
    const summary = this.#held.tree.blockSummary(block)
    return summary?.parent !== undefined && summary.nameKey === undefined
  }

  async #index(): Promise<void> {
    const blocks = this.#blocks
    this.#blocks = new Map()
    try {
      await this.#held.files.indexNames(this.#node(), blocks.values())
      await namePaths(this.#held) // of shares whose surrounding folder is not readable here
    } catch (error) {
      this.#onFailure(error)
    }
  }
}
