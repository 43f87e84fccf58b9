/**
 * Nodes whose disk was restored from a backup or snapshot (spec 28.11): a peer that went back is told so at every
 * comparison, and this node writes nothing when hosts say it of it, until it has caught up.
 */
import type { Id } from '@blocktree/tree'
import type { GivenRecords } from './given-records.ts'
import type { LinkState } from './link-state.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import type { PullReport, Puller } from './puller.ts'
import type { PeerRights, Scope } from './scope.ts'
import type { SyncWork } from './sync-work.ts'

export interface WentBackDeps {
  readonly ports: SyncPorts
  readonly rights: PeerRights
  readonly given: GivenRecords
  readonly puller: Puller
  readonly work: SyncWork
}

export class WentBack {
  readonly #deps: WentBackDeps
  /** What this node gave others before and does not hold, by the host that says so: of each what it said last. */
  readonly #lost: Map<string, readonly Id[]> = new Map()

  constructor(deps: WentBackDeps) {
    this.#deps = deps
  }

  /** Asks a peer for what it gave us before: one that lacks it went back, and learns that it did. */
  async ask(state: LinkState, scope: Scope): Promise<void> {
    const { link, wentBack } = state
    const lacking = await this.#deps.puller.lacking(
      link,
      scope,
      this.#deps.given.ask(link.principal),
      link.ending.signal
    )
    state.wentBack = lacking.length > 0
    if (state.wentBack && !wentBack)
      this.#deps.ports.onNote?.({
        level: 'warn',
        message: 'a peer went back to an older state: it lacks what it gave us before',
        details: { peer: link.name, versions: lacking.length }
      })
  }

  /** A host tells what this node gave it. Others are not believed: they could keep this node from writing. */
  heard(principal: Id, lacking: readonly Id[]): void {
    if (!this.#deps.rights.isHostOfAll(principal)) return
    this.#lost.set(principal.toHex(), lacking)
    if (this.#deps.ports.tree.holdsWrites) return
    this.#deps.ports.onNote?.({
      level: 'warn',
      message: 'this node went back to an older state: nothing is written here until it has caught up',
      details: { peer: principal.toHex(), versions: lacking.length }
    })
    this.#deps.work.run(this.#deps.ports.tree.setHoldsWrites(true))
  }

  /** In step with a host: what was lost has come back, or who told of it has not got it, or is no host any more. */
  async caughtUp({ principal, name }: PeerLink, { inStep }: PullReport): Promise<void> {
    const { tree, store } = this.#deps.ports
    if (!tree.holdsWrites || !inStep || !this.#deps.rights.isHostOfAll(principal)) return
    for (const [teller, ids] of this.#lost) {
      const isHost = this.#deps.rights.isHostOfAll(Uint8Array.fromHex(teller))
      if (teller === name || !isHost || ids.every((id) => store.hasRecord(id))) this.#lost.delete(teller)
    }
    if (this.#lost.size > 0) return
    await tree.setHoldsWrites(false)
    this.#deps.ports.onNote?.({
      level: 'warn',
      message: 'this node has caught up, and writes again',
      details: {}
    })
  }
}
