/**
 * Nodes whose disk was restored from a backup or snapshot (spec 28.11): a peer that went back is told so at every
 * comparison, and this node writes nothing when a host shows it what it signed and forgot, until it has caught up.
 */
import { equalBytes } from '@blocktree/codec'
import { type Id, type TakenRecord, recordType } from '@blocktree/tree'
import { type GivenRecords, mustBeHeld } from './given-records.ts'
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
  readonly links: () => Iterable<PeerLink>
}

const showingMs = 60_000 // for at most 16 headers

export class WentBack {
  readonly #deps: WentBackDeps
  /** Versions that hosts say this node gave them and lacks, by who is asked for them now. */
  readonly #claims: Map<string, ReadonlySet<string>> = new Map()
  /** Hosts that were heard while writes were held: each once, so that none can hold them by telling ever more. */
  readonly #heard: Set<string> = new Set()

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

  /**
   * A host tells what this node gave it: it is asked for that at once, and believed when it shows something of it
   * (`taken`). Others are not asked: they could keep this node from writing.
   */
  heard(principal: Id, lacking: readonly Id[], scope: Scope): void {
    const { rights, links, work, ports } = this.#deps
    if (!rights.isHostOfAll(principal)) return
    const name = principal.toHex()
    const link = [...links()].find((one) => one.name === name)
    if (link === undefined || this.#claims.has(name) || this.#heard.has(name)) return
    if (ports.tree.holdsWrites) this.#heard.add(name)
    this.#claims.set(name, new Set(lacking.map((id) => id.toHex())))
    work.run(this.#fetch(link, lacking, scope).finally(() => this.#claims.delete(name)))
  }

  /** Each record that was taken: one that was claimed, and that only this node can have signed, shows that it went back. */
  taken(taken: readonly TakenRecord[]): void {
    if (this.#claims.size === 0) return
    const { tree, work, onNote } = { ...this.#deps, ...this.#deps.ports }
    if (tree.holdsWrites) return
    const shown = taken.find((record) => this.#isClaimed(record) && this.#isForgotten(record.id))
    if (shown === undefined) return
    onNote?.({
      level: 'warn',
      message: 'this node went back to an older state: nothing is written here until it has caught up',
      details: { peers: [...this.#claims.keys()], version: shown.id.toHex() }
    })
    for (const teller of this.#claims.keys()) this.#heard.add(teller)
    work.run(tree.setHoldsWrites(true))
  }

  /** In step with a host: what was lost has come back, as far as the hosts that tell of it could show it. */
  async caughtUp({ principal }: PeerLink, { inStep }: PullReport): Promise<void> {
    const { tree } = this.#deps.ports
    if (!tree.holdsWrites || !inStep || !this.#deps.rights.isHostOfAll(principal)) return
    if (this.#claims.size > 0) return // ends within a minute; comparisons go on
    this.#heard.clear()
    await tree.setHoldsWrites(false)
    this.#deps.ports.onNote?.({
      level: 'warn',
      message: 'this node has caught up, and writes again',
      details: {}
    })
  }

  async #fetch(link: PeerLink, lacking: readonly Id[], scope: Scope): Promise<void> {
    const late = new AbortController()
    const cancel = this.#deps.ports.pace.after(showingMs, () => late.abort())
    try {
      const signal = AbortSignal.any([link.ending.signal, late.signal])
      await this.#deps.puller.pullRecords(link, scope, lacking, signal)
    } finally {
      cancel()
    }
  }

  #isClaimed({ id, type }: TakenRecord): boolean {
    if (type !== recordType.header) return false
    const key = id.toHex()
    return [...this.#claims.values()].some((ids) => ids.has(key))
  }

  /** What others signed can be new to any node. */
  #isForgotten(id: Id): boolean {
    const { tree, self } = this.#deps.ports
    const signer = tree.header(id)?.signer
    if (signer === undefined || !mustBeHeld(tree, id)) return false
    return equalBytes(signer, self.principal) || self.isOwn?.(signer) === true
  }
}
