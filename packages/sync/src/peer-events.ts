/** Events of peers: what they push, announce and say (spec 28.6). They cannot be held back, so each has its budget. */
import { CodecError } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import type { Comparisons } from './comparisons.ts'
import type { ContentKeeper } from './content-keeper.ts'
import { type Intake, noIntake } from './intake.ts'
import { eventFloodPoints, pushedBytesMax, recordIdsMax } from './limits.ts'
import type { LinkState } from './link-state.ts'
import { type Push, decodeBehind, decodeDoubt, decodeHave, decodePush } from './messages.ts'
import type { SyncPorts } from './ports.ts'
import type { Puller } from './puller.ts'
import type { PeerRights } from './scope.ts'
import type { SyncWork } from './sync-work.ts'

export interface PeerEventsDeps {
  readonly ports: SyncPorts
  readonly work: SyncWork
  readonly rights: PeerRights
  readonly intake: Intake
  readonly puller: Puller
  readonly contents: ContentKeeper
  readonly comparisons: Comparisons
}

const pushedGapMs = 30 // a push that rests on what is missing: others may bring it at once
const announcedMs = 20
const fetchingMax = 4 // streams of announced records of one peer at a time

export class PeerEvents {
  readonly #deps: PeerEventsDeps

  constructor(deps: PeerEventsDeps) {
    this.#deps = deps
  }

  /** @param name without `sync.` */
  take(state: LinkState, name: string, body: Uint8Array): void {
    const { link } = state
    if (link.standing.isBanned) return
    if (!state.budget.take()) return this.#flooded(state)
    try {
      if (name === 'push') this.#pushed(state, body)
      else if (name === 'have') this.#note(state, decodeHave(body).ids)
      else if (name === 'doubt') {
        const { holder, ids } = decodeDoubt(body)
        this.#deps.contents.doubted(link.principal, holder, ids)
      } else if (name === 'behind') {
        decodeBehind(body)
        this.#deps.comparisons.again(state, 0)
      }
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      link.standing.blame(2, 'ERR_SYNC_WRONG_EVENT')
    }
  }

  /** What is dropped a comparison brings; who goes on for long is not spoken to. */
  #flooded(state: LinkState): void {
    state.link.standing.blame(eventFloodPoints, 'ERR_SYNC_FLOOD')
    this.#deps.comparisons.again(state, pushedGapMs)
  }

  /** Events cannot be held back: what comes faster than it is stored is left to a comparison. */
  #pushed(state: LinkState, body: Uint8Array): void {
    if (!state.budget.mayPush) return this.#flooded(state)
    if (state.pushedBytes + body.length > pushedBytesMax)
      return this.#deps.comparisons.again(state, pushedGapMs)
    const push = decodePush(body)
    state.pushedBytes += body.length
    const taking = this.#takePush(state, push).finally(() => {
      state.pushedBytes -= body.length
    })
    this.#deps.work.run(taking)
  }

  async #takePush(state: LinkState, { births, records }: Push): Promise<void> {
    const { link } = state
    if (this.#deps.rights.scopeOf(link.principal).length === 0 && this.#deps.ports.tree.tree !== undefined) {
      // Nobody without a right has anything to say; who is only unknown yet is found by comparing.
      this.#deps.comparisons.again(state, pushedGapMs)
      return
    }
    const count = noIntake()
    await this.#deps.intake.take(link, records, births, count)
    state.budget.spend(count.known + count.refused + count.parked - count.taken)
    state.taken += count.taken
    if (count.parked > 0) this.#deps.comparisons.again(state, pushedGapMs)
  }

  #note(state: LinkState, ids: readonly Id[]): void {
    const { store, tree } = this.#deps.ports
    if (!state.budget.takeIds(ids.length)) return this.#flooded(state)
    for (const id of ids) {
      if (state.announced.size >= recordIdsMax) return this.#deps.comparisons.again(state, pushedGapMs)
      if (!store.hasRecord(id) && !tree.authority.has(id) && !state.link.standing.isRefused(id))
        state.announced.set(id.toHex(), id)
    }
    this.#fetchAnnouncedSoon(state)
  }

  /** A few streams at a time: a peer whose streams do not end gets no more of them. */
  #fetchAnnouncedSoon(state: LinkState): void {
    if (state.announced.size === 0 || state.fetching >= fetchingMax) return
    state.cancelAnnounced ??= this.#deps.ports.pace.after(announcedMs, () => {
      state.cancelAnnounced = undefined
      const wanted = [...state.announced.values()].filter((id) => !this.#deps.ports.store.hasRecord(id))
      state.announced.clear()
      if (wanted.length === 0) return
      state.fetching++
      const fetching = this.#pullAnnounced(state, wanted).finally(() => {
        state.fetching--
        this.#fetchAnnouncedSoon(state)
      })
      this.#deps.work.run(fetching)
    })
  }

  async #pullAnnounced(state: LinkState, ids: readonly Id[]): Promise<void> {
    const { link, scope } = state
    if (scope.length === 0) return this.#deps.comparisons.again(state, 0)
    const count = await this.#deps.puller.pullRecords(link, scope, ids, link.ending.signal)
    state.taken += count.taken
    if (count.parked > 0) this.#deps.comparisons.again(state, pushedGapMs)
  }
}
