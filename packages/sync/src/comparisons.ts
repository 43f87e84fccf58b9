/** When this node compares with each peer: at once when it connects, later when nothing is new, ever later when it fails. */
import type { Id } from '@blocktree/tree'
import type { LinkState } from './link-state.ts'
import { encodeBehind } from './messages.ts'
import { isForbidden } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import type { PullReport, Puller } from './puller.ts'
import type { Scope } from './scope.ts'
import type { Summaries } from './summaries.ts'
import { SyncError } from './sync-error.ts'
import type { SyncWork } from './sync-work.ts'
import type { WentBack } from './went-back.ts'

export interface ComparisonsDeps {
  readonly treeId: Id
  readonly ports: SyncPorts
  readonly work: SyncWork
  readonly puller: Puller
  readonly wentBack: WentBack
  readonly summaries: Summaries
  /** Between two comparisons with a peer that was in step. */
  readonly compareEveryMs: number
  /** False when its connection has ended. */
  readonly isLinked: (state: LinkState) => boolean
  /** Fetches what the comparison found to be missing. */
  readonly pump: () => void
}

const unequalMs = 500
const unequalFree = 2 // comparisons without agreement before calls of the peer are put off
const calledGapMs = 50
const failureFirstMs = 500
const failureLongestMs = 60_000
const forbiddenMs = 30_000

export class Comparisons {
  readonly #deps: ComparisonsDeps
  #corrected = 0

  constructor(deps: ComparisonsDeps) {
    this.#deps = deps
  }

  /** Places of summaries that were not what the records say, and were made anew. */
  get corrected(): number {
    return this.#corrected
  }

  /**
   * Because the peer says so: not in step with its messages, and ever later while comparing changes nothing. Two nodes
   * that refuse what the other one holds would otherwise call each other for ever.
   */
  again(state: LinkState, milliseconds: number): void {
    const sinceMs = this.#deps.ports.pace.now() - (state.comparedAt ?? -Infinity)
    this.soon(state, Math.max(milliseconds, this.#gapMs(state) - sinceMs))
  }

  /** Shortest time between two comparisons that the peer causes. */
  #gapMs({ unequal }: LinkState): number {
    if (unequal <= unequalFree) return calledGapMs
    return Math.min(this.#deps.compareEveryMs, unequalMs * 2 ** Math.min(16, unequal - unequalFree - 1))
  }

  /** Compares after so many milliseconds, or when the comparison that runs has ended. */
  soon(state: LinkState, milliseconds: number): void {
    if (this.#deps.work.isClosed) return
    if (state.isPulling) {
      state.isDue = true
      return
    }
    state.cancelTimer()
    const wait = Math.max(milliseconds, state.link.standing.bannedMs)
    state.cancelTimer = this.#deps.ports.pace.after(wait, () => {
      if (this.#deps.isLinked(state)) this.#deps.work.run(this.#pull(state))
    })
  }

  async #pull(state: LinkState): Promise<void> {
    if (state.isPulling) return
    const { link } = state
    const { wentBack } = this.#deps
    state.isPulling = true
    state.isDue = false
    if (state.comparedAt === undefined) state.state = 'comparing'
    let next: number
    try {
      // Not before its checkpoints are known: who gave up what they allow has not gone back.
      const ask = (scope: Scope): Promise<void> => wentBack.ask(state, scope)
      const report = await this.#deps.puller.pull(link, link.ending.signal, ask)
      next = this.#pulled(state, report)
      await this.#doubt(state, report)
      await ask(report.scope)
      await wentBack.caughtUp(link, report)
    } catch (error) {
      next = this.#failed(state, error)
    }
    state.isPulling = false
    this.#deps.work.progressed()
    this.#deps.pump()
    this.soon(state, state.isDue ? Math.min(next, this.#gapMs(state)) : next)
  }

  #pulled(state: LinkState, report: PullReport): number {
    state.failures = 0
    state.scope = report.scope
    state.state = report.inStep ? 'in step' : 'out of step'
    state.comparedAt = this.#deps.ports.pace.now()
    state.taken += report.taken
    state.unequal = report.inStep ? 0 : state.unequal + 1
    // What one lacks the other was told of: it will have fetched it soon, unless it refuses it.
    if (!report.inStep)
      return Math.min(this.#deps.compareEveryMs, unequalMs * 2 ** Math.min(16, state.unequal - 1))
    // Nodes that compare at the same moment for ever would all be busy at once.
    const [dice = 0] = this.#deps.ports.random.bytes(1)
    return this.#deps.compareEveryMs * (0.75 + dice / 512)
  }

  /**
   * Again unequal, and nothing came: the fault may lie in what is kept in memory here, or in the peer. Here it is looked
   * for among the records, ever more seldom, so that no fault of this kind lasts until a restart.
   */
  async #doubt({ link, unequal }: LinkState, report: PullReport): Promise<void> {
    const isDue = unequal >= 2 && (unequal & (unequal - 1)) === 0
    if (!isDue || report.inStep || report.taken > 0) return
    const summaries = this.#deps.summaries.of(report.scope)
    const looked = new Set<string>()
    let corrected = 0
    for (const { set, path } of report.unequal) {
      const place = path.slice(0, 4)
      const name = `${set} ${place.toHex()}`
      if (looked.has(name)) continue
      looked.add(name)
      corrected += (await summaries.of(set).verify(place)).length
    }
    if (corrected === 0) return
    this.#corrected += corrected
    this.#deps.ports.onNote?.({
      level: 'warn',
      message: 'a summary was not what the records say, and was made anew: please report it',
      details: { peer: link.name, places: corrected }
    })
    link.connection.notify('sync.behind', encodeBehind(this.#deps.treeId)) // it was told the wrong one
  }

  #failed(state: LinkState, error: unknown): number {
    const { link } = state
    state.failures++
    if (isForbidden(error)) {
      state.state = 'forbidden'
      return forbiddenMs
    }
    state.state = 'out of step'
    if (error instanceof SyncError && error.code === 'ERR_SYNC_PEER_WRONG')
      link.standing.blame(3, 'ERR_SYNC_WRONG_ANSWER')
    this.#deps.ports.onNote?.({
      level: 'debug',
      message: 'a comparison with a peer was cut short',
      details: { peer: link.name, reason: error instanceof Error ? error.message : String(error) }
    })
    return Math.min(failureLongestMs, failureFirstMs * 2 ** Math.min(10, state.failures - 1))
  }
}
