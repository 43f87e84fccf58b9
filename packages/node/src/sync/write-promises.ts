/**
 * What a write says of its copies when it is answered (spec 28.9), and waiting for more of them where that is asked for.
 * A node whose tree no other one may keep loads nothing for it.
 */
import { equalBytes } from '@blocktree/codec'
import type { Actor } from '@blocktree/files'
import type { WritePromise } from '@blocktree/sync'
import { type Id, recordType, right } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { PrincipalDirectory } from '../principal-directory.ts'
import type { LazySync } from './lazy-sync.ts'
import { WrittenRecords } from './written-records.ts'

/** How many nodes are waited for, and how long. */
export interface WaitChoice {
  /** `all`: as many as the policy of the directory asks for. */
  readonly copies: number | 'all'
  readonly timeoutMs?: number | undefined
}

export interface StatedPromise extends WritePromise {
  /** Whether as many promised as were waited for; absent when nobody waits. */
  readonly isReached?: boolean
}

export interface StatedWrite {
  readonly held: HeldTree
  readonly actor: Actor
  readonly wait: WaitChoice | undefined
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

export interface WritePromisesDeps {
  readonly sync: Pick<LazySync, 'get'>
  readonly principals: Pick<PrincipalDirectory, 'node'>
}

export const waitDefaultMs = 30_000
const alone: WritePromise = { kept: 1, of: 1, wanted: 1, isPending: false }

export class WritePromises {
  readonly #deps: WritePromisesDeps
  /** Whether other nodes may keep a tree, as of a number of its authority records. */
  readonly #others: WeakMap<HeldTree, { readonly change: number; readonly areThere: boolean }> = new WeakMap()

  constructor(deps: WritePromisesDeps) {
    this.#deps = deps
  }

  /**
   * Writes, and says what is promised of it. Too few promises are no failure: the write stays.
   * @param blockOf what was written, or the directory above all of it
   */
  async stated<Reply>(
    { held, actor, wait, signal }: StatedWrite,
    write: () => Reply | Promise<Reply>,
    blockOf: (reply: Reply) => Id | undefined
  ): Promise<{ readonly reply: Reply; readonly promise: StatedPromise }> {
    const written = wait === undefined ? undefined : new WrittenRecords(held.tree, actor.id)
    let reply: Reply
    try {
      reply = await write()
    } finally {
      written?.end()
    }
    const hasOthers = this.hasOthers(held)
    const block = hasOthers || wait !== undefined ? blockOf(reply) : undefined
    if (wait === undefined || written === undefined) {
      return { reply, promise: hasOthers ? await this.#promiseOf(held, block) : alone }
    }
    const promise = hasOthers ? await this.#waited(held, block, written, wait, signal) : alone
    return { reply, promise: { ...promise, isReached: promise.kept >= copiesOf(wait, promise) } }
  }

  /** Whether other nodes may keep what is in this tree. */
  hasOthers(held: HeldTree): boolean {
    const { tree } = held
    const change = tree.authority.changeCount
    const known = this.#others.get(held)
    if (known?.change === change) return known.areThere
    const areThere = !held.isOwn || this.#isKeptByOthers(tree)
    this.#others.set(held, { change, areThere })
    return areThere
  }

  async #promiseOf(held: HeldTree, block: Id | undefined): Promise<WritePromise> {
    if (block === undefined) return alone
    return (await this.#deps.sync.get()).promiseOf(held, block) ?? alone
  }

  async #waited(
    held: HeldTree,
    block: Id | undefined,
    written: WrittenRecords,
    wait: WaitChoice,
    signal: AbortSignal
  ): Promise<WritePromise> {
    const before = await this.#promiseOf(held, block)
    const replication = await this.#deps.sync.get()
    const shown = block === undefined ? undefined : held.tree.blockState(block)?.winner?.id
    const records = written.count > 0 || shown === undefined ? written.ids() : [shown]
    const report = await replication.waitForEach(held, records, {
      copies: copiesOf(wait, before),
      timeoutMs: wait.timeoutMs ?? waitDefaultMs,
      signal
    })
    const { isPending, wanted } = await this.#promiseOf(held, block)
    return report === undefined ? before : { kept: report.kept, of: report.of, wanted, isPending }
  }

  #isKeptByOthers(tree: HeldTree['tree']): boolean {
    const self = this.#deps.principals.node.id
    for (const record of tree.authorityRecords()) {
      if (record.type !== recordType.cap || (record.body.rights & (right.host | right.keep)) === 0) continue
      if (!equalBytes(record.body.subject, self)) return true
    }
    return false
  }
}

function copiesOf({ copies }: WaitChoice, { wanted }: WritePromise): number {
  return copies === 'all' ? wanted : copies
}
