/**
 * Watching a directory, a subtree or one file. Changes come from the tree state, are numbered in a ring, and are put
 * into words (name, path) for each watcher with its own keys when it takes them. See ./change-ring.ts for resuming.
 */
import { equalBytes } from '@blocktree/codec'
import type { BlockChange, Id } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { ChangeRing } from './change-ring.ts'
import { type EntryKind, kindName } from './entry.ts'
import { type FilesContext, canReadZone, openFor } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { pathDepthMax, watchersMax } from './limits.ts'
import { pathOfBlock } from './path-of-block.ts'
import { resolveKnown } from './resolve-path.ts'

export interface FileEvent {
  /** `conflicted`: changed apart elsewhere; what is shown may have changed with it. */
  readonly change: 'created' | 'changed' | 'moved' | 'deleted' | 'restored' | 'conflicted' | 'lost'
  readonly block: Id
  readonly kind: EntryKind
  /** Where it is shown now; of a deleted block, where it was. undefined when not to be named by this actor. */
  readonly path: string | undefined
  readonly versionId: Id | undefined
  /** Resume after this event. */
  readonly token: string
}

/** Changes were missed (the watcher was too slow, or the node started anew): list again, go on from `token`. */
export interface LostEvents {
  readonly change: 'overrun'
  readonly token: string
}

export interface WatchOptions {
  /** Everything below, not only direct children. Default true. */
  readonly recursive?: boolean
  /** From an event before; without it from now on. */
  readonly after?: string
  readonly signal?: AbortSignal
}

export class Watches {
  readonly #context: FilesContext
  readonly #ring: ChangeRing<BlockChange>
  #open = 0

  constructor(context: FilesContext, ring: ChangeRing<BlockChange>) {
    this.#context = context
    this.#ring = ring
  }

  /** The token of now: list, then watch after it, and nothing is missed in between. */
  get token(): string {
    return this.#ring.token(this.#ring.last)
  }

  /** @throws ERR_WATCH_LIMIT, ERR_CURSOR_INVALID, and what a path throws, at once and not at the first event */
  watch(actor: Actor, path: string, options: WatchOptions = {}): AsyncIterable<FileEvent | LostEvents> {
    const top = resolveKnown(this.#context, actor, path).block
    const start = options.after === undefined ? this.#ring.last : this.#ring.parseToken(options.after)
    if (start === undefined) {
      throw new FilesError(
        'ERR_CURSOR_INVALID',
        `"${path}": the resume token is not one of ours: watch without it`,
        { path }
      )
    }
    if (this.#open >= watchersMax) {
      throw new FilesError('ERR_WATCH_LIMIT', `"${path}": ${watchersMax} watches are open: end one first`, {
        path
      })
    }
    return this.#events(actor, top, start, options)
  }

  async *#events(
    actor: Actor,
    top: Id,
    start: number | 'lost',
    options: WatchOptions
  ): AsyncGenerator<FileEvent | LostEvents, void, undefined> {
    this.#open++
    try {
      let at = start === 'lost' ? this.#ring.last : start
      if (start === 'lost') yield { change: 'overrun', token: this.#ring.token(at) }
      while (options.signal?.aborted !== true) {
        if (this.#ring.isLost(at)) {
          at = this.#ring.last
          yield { change: 'overrun', token: this.#ring.token(at) }
        }
        const change = this.#ring.at(at + 1)
        if (change === undefined) {
          await this.#nextChange(options.signal)
          continue
        }
        at++
        const event = this.#describe(actor, top, change, at, options.recursive ?? true)
        if (event !== undefined) yield event
      }
    } finally {
      this.#open--
    }
  }

  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        takeBack()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const takeBack = this.#ring.onNext(done)
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  #describe(
    actor: Actor,
    top: Id,
    change: BlockChange,
    sequence: number,
    recursive: boolean
  ): FileEvent | undefined {
    if (change.change === 'named') return undefined
    const isInside = (parent: Id | undefined): boolean =>
      parent !== undefined && (equalBytes(parent, top) || (recursive && this.#isBelow(parent, top)))
    const concerns =
      equalBytes(change.block, top) || isInside(change.shownParent) || isInside(change.shownParentBefore)
    if (!concerns || !this.#mayKnow(actor, change)) return undefined
    return {
      change: change.change,
      block: change.block,
      kind: kindName(change.kind),
      path: pathOfBlock(this.#context, actor, change.block),
      versionId: change.winner,
      token: this.#ring.token(sequence)
    }
  }

  /** The zone is read by the actor, or the version is opened by it: else even the time of a change is not its to know. */
  #mayKnow(actor: Actor, change: BlockChange): boolean {
    if (canReadZone(this.#context, actor, change.zone)) return true
    const header = change.winner && this.#context.tree.header(change.winner)
    return header !== undefined && openFor(this.#context, actor, header) !== undefined
  }

  #isBelow(block: Id, top: Id): boolean {
    let at: Id | undefined = block
    for (let depth = 0; at !== undefined && depth <= pathDepthMax; depth++) {
      if (equalBytes(at, top)) return true
      at = this.#context.tree.blockSummary(at)?.shownParent
    }
    return false
  }
}
