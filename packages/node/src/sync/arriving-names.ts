/**
 * Names of blocks that peers send: indexed at once with the keys of the node, so that a path works here as soon as its
 * header is held. A row says that names may be missing from before the first of them until some seconds after the last:
 * a crash in between is made good at the next start. Headers that were set aside first and are shown once their anchor has
 * come (those of a writer who was removed) are no arrivals any more: what changes without a name is looked at too. What no key
 * opens when it comes (the grant after a succession may be on its way) is tried again when grants and keys have come; so is
 * all that had no name when the store met damage, since the keys may be what it took.
 */
import type { Actor } from '@blocktree/files'
import { type BlockChange, type Id, recordType } from '@blocktree/tree'
import { namePaths } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'

const idleMs = 3000
const retryMs = 200
const unopenedMax = 10_000 // more are found by the next start

const opensMore: ReadonlySet<number> = new Set([
  recordType.epoch,
  recordType.grant,
  recordType.delivery,
  recordType.succession
])

export class ArrivingNames {
  readonly #held: Pick<HeldTree, 'tree' | 'store' | 'files'>
  readonly #node: () => Actor
  readonly #onFailure: (error: unknown) => void
  readonly #endListening: () => void
  #blocks: Map<string, Id> = new Map()
  #end: (() => void) | undefined
  #stopTimer: () => void = () => undefined
  readonly #after: (milliseconds: number, callback: () => void) => () => void
  #running: Promise<unknown> = Promise.resolve()
  /** Blocks that no key has opened yet. */
  readonly #unopened: Map<string, Id> = new Map()
  #stopRetry: (() => void) | undefined
  /** Damage was met at the start: blocks held since before may have no name, for want of keys that come again. */
  #isLacking: boolean
  readonly #endHearing: () => void
  #isClosed = false

  constructor(
    held: Pick<HeldTree, 'tree' | 'store' | 'files'>,
    node: () => Actor,
    onFailure: (error: unknown) => void,
    after: (milliseconds: number, callback: () => void) => () => void = startUnheldTimer
  ) {
    this.#after = after
    this.#held = held
    this.#node = node
    this.#onFailure = onFailure
    const { rebuilt, findings } = held.store.recovery
    this.#isLacking = rebuilt !== undefined || findings.length > 0
    this.#endListening = held.tree.onChange((change) => this.#look(change))
    this.#endHearing = held.tree.onTaken((taken) => {
      const isWaiting = this.#unopened.size > 0 || this.#isLacking
      if (isWaiting && taken.some(({ type }) => opensMore.has(type))) this.#retry()
    })
  }

  /** Called before records of a peer are judged. */
  begin(): void {
    this.#stopTimer()
    this.#stopTimer = this.#after(idleMs, () => this.#end?.())
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
    this.#isClosed = true
    this.#endListening()
    this.#endHearing()
    this.#stopRetry?.()
    this.#stopTimer()
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

  /** Once for many records that come together. */
  #retry(): void {
    this.#stopRetry ??= this.#after(retryMs, () => {
      this.#stopRetry = undefined
      void this.#findLacking().then(() => {
        if (this.#isClosed) return
        this.begin()
        this.add([...this.#unopened.values()])
      })
    })
  }

  /** Once: those that no key opens now are waited for like arrivals. */
  async #findLacking(): Promise<void> {
    if (!this.#isLacking) return
    this.#isLacking = false
    try {
      for await (const block of this.#held.tree.unnamedBlocks()) {
        if (this.#isClosed || this.#unopened.size >= unopenedMax) return
        if (this.#isUnnamed(block)) this.#unopened.set(block.toHex(), block.slice())
      }
    } catch (error) {
      this.#onFailure(error)
    }
  }

  async #index(): Promise<void> {
    const blocks = this.#blocks
    this.#blocks = new Map()
    try {
      await this.#held.files.indexNames(this.#node(), blocks.values())
      for (const [key, block] of blocks) {
        if (!this.#isUnnamed(block)) this.#unopened.delete(key)
        else if (this.#unopened.size < unopenedMax) this.#unopened.set(key, block.slice())
      }
      await namePaths(this.#held) // of shares whose surrounding folder is not readable here
    } catch (error) {
      this.#onFailure(error)
    }
  }
}

function startUnheldTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds).unref()
  return () => clearTimeout(timer)
}
