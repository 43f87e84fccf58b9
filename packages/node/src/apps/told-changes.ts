/**
 * Changes as an app is told of them: when what it is told of can be read. A change that another node made is known with
 * its header; its name and its content may come a moment later, and nobody would tell the app then.
 */
import type { TimerPort } from '@blocktree/apps'
import type { Actor, FileEvent, Files } from '@blocktree/files'
import { isPayloadHeld } from '@blocktree/sync'

const firstPauseMs = 5
const longestPauseMs = 1000
/** Content that does not come for so long may never: the app is told, and sees for itself. */
const patienceMs = 60_000
const waitingMax = 4096

interface Waiting {
  readonly event: FileEvent
  readonly sinceMs: number
  /** No change: a reader found its content missing. */
  readonly isMissed: boolean
}

export interface ToldChangesDeps {
  readonly files: Files
  /** Who names what is told. */
  readonly owner: Actor
  /** Who reads it. */
  readonly actor: Actor
  readonly timers: TimerPort
  /** `undefined`: some were missed, or left what is watched. */
  readonly tell: (event: FileEvent | undefined, path: string | undefined) => void
}

export class ToldChanges {
  readonly #deps: ToldChangesDeps
  /** The last change of each block that cannot be read yet. */
  readonly #waiting = new Map<string, Waiting>()
  #pauseMs = firstPauseMs
  #stopTimer: (() => void) | undefined

  constructor(deps: ToldChangesDeps) {
    this.#deps = deps
  }

  take(event: FileEvent): void {
    const key = event.block.toHex()
    this.#waiting.delete(key)
    const path = this.#deps.files.pathOf(this.#deps.owner, event.block)
    if (path === undefined || this.#isReadable(event, path)) return this.#deps.tell(event, path)
    if (this.#waiting.size >= waitingMax) return this.#deps.tell(undefined, undefined)
    this.#waitFor(key, event, false)
  }

  /**
   * The app read a file whose content is not here yet: it is told when it is. A header may have come just before the
   * watch began, its content after.
   */
  missed(file: Omit<FileEvent, 'change' | 'token'>): void {
    const key = file.block.toHex()
    if (this.#waiting.has(key) || this.#waiting.size >= waitingMax) return
    this.#waitFor(key, { ...file, change: 'changed', token: '' }, true)
  }

  close(): void {
    this.#stopTimer?.()
    this.#waiting.clear()
  }

  #waitFor(key: string, event: FileEvent, isMissed: boolean): void {
    this.#waiting.set(key, { event, sinceMs: this.#deps.timers.monotonic(), isMissed })
    this.#pauseMs = firstPauseMs
    this.#stopTimer?.()
    this.#wait()
  }

  #wait(): void {
    this.#stopTimer = this.#deps.timers.start(this.#pauseMs, () => {
      this.#stopTimer = undefined
      this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
      this.#look()
      if (this.#waiting.size > 0) this.#wait()
    })
  }

  #look(): void {
    const { files, owner, timers, tell } = this.#deps
    for (const [key, { event, sinceMs, isMissed }] of this.#waiting) {
      const path = files.pathOf(owner, event.block)
      const isOver = timers.monotonic() - sinceMs > patienceMs
      if (path !== undefined && !isOver && !this.#isReadable(event, path)) continue
      this.#waiting.delete(key)
      if (!isOver || !isMissed) tell(event, path)
    }
  }

  #isReadable({ change, kind, versionId }: FileEvent, path: string): boolean {
    if (change === 'deleted' || change === 'lost') return true
    const { files, actor } = this.#deps
    if (!files.exists(actor, path)) return false
    if (kind !== 'file' || versionId === undefined) return true
    const { tree, store } = files.context
    return isPayloadHeld(store, versionId, tree.header(versionId)?.body.payload)
  }
}
