/** What is known of one connection while replication runs over it. */
import type { EventBudget } from './event-budget.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncWrong } from './peer-standing.ts'
import type { Id } from '@blocktree/tree'
import type { Scope } from './scope.ts'

export interface PeerStatus {
  readonly principal: Id
  readonly state: 'comparing' | 'in step' | 'out of step' | 'forbidden' | 'shut out'
  /** Milliseconds since the last comparison ended; undefined before the first. */
  readonly comparedMsAgo: number | undefined
  /** Records taken from it since it connected. */
  readonly taken: number
  /** It lacks what it gave us before: restored from a backup or snapshot. */
  readonly wentBack: boolean
  /** What it was blamed for last; undefined when it was not. */
  readonly wrong: SyncWrong | undefined
  /** Until it is spoken to again; 0 when it is not shut out. */
  readonly shutOutMs: number
}

export interface LinkState {
  readonly link: PeerLink
  isPulling: boolean
  isDue: boolean
  cancelTimer: () => void
  failures: number
  /** Comparisons in a row that ended with a difference. */
  unequal: number
  state: PeerStatus['state']
  comparedAt: number | undefined
  taken: number
  scope: Scope
  /** Of pushes that are being taken. */
  pushedBytes: number
  /** It lacks what it gave us before. */
  wentBack: boolean
  readonly budget: EventBudget
  readonly announced: Map<string, Id>
  /** Streams of announced records that are under way. */
  fetching: number
  cancelAnnounced: (() => void) | undefined
}

/** Of a connection that has just come. */
export function newLinkState(link: PeerLink, budget: EventBudget): LinkState {
  return {
    link,
    isPulling: false,
    isDue: false,
    cancelTimer: () => undefined,
    failures: 0,
    unequal: 0,
    state: 'comparing',
    comparedAt: undefined,
    taken: 0,
    scope: [],
    pushedBytes: 0,
    wentBack: false,
    budget,
    announced: new Map(),
    fetching: 0,
    cancelAnnounced: undefined
  }
}
