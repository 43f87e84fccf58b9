/**
 * Who may promise to keep what is in a zone, and who of them keeps for others; remembered until an authority record comes,
 * and until the next moment at which a cap begins or ends.
 */
import {
  type CapRecord,
  type Clock,
  type Id,
  type TreeState,
  keepsOnDemand,
  recordType,
  right
} from '@blocktree/tree'

interface Hosts {
  readonly all: readonly Id[]
  readonly promising: readonly Id[]
  readonly keepers: readonly Id[]
}

export class ZoneHosts {
  readonly #tree: TreeState
  readonly #clock: Clock
  readonly #byZone: Map<string, Hosts> = new Map()
  #change = -1
  /** By the clock; a clock that was set back may bring back rights too. */
  #sinceMs = 0
  #untilMs = 0

  constructor(tree: TreeState, clock: Clock) {
    this.#tree = tree
    this.#clock = clock
  }

  /** Everybody with `host` or `keep`. */
  of(zone: Id): readonly Id[] {
    return this.#lookUp(zone).all
  }

  /** Those of them whose newest endpoint does not say that they keep on demand only: who is expected to promise. */
  promisingIn(zone: Id): readonly Id[] {
    return this.#lookUp(zone).promising
  }

  /** Holders of `host` whose newest endpoint does not say that they keep on demand only. */
  keepersOf(zone: Id): readonly Id[] {
    return this.#lookUp(zone).keepers
  }

  #lookUp(zone: Id): Hosts {
    this.#forget()
    const key = zone.toHex()
    const known = this.#byZone.get(key)
    if (known !== undefined) return known
    const subjects = new Map<string, Id>()
    for (const record of this.#tree.authorityRecords()) {
      if (record.type === recordType.cap && (record.body.rights & (right.host | right.keep)) !== 0)
        subjects.set(record.body.subject.toHex(), record.body.subject)
    }
    const holds = (id: Id, bit: number): boolean => this.#tree.explainInside(id, zone, bit).allowed
    const all = [...subjects.values()].filter((id) => holds(id, right.host) || holds(id, right.keep))
    const promising = all.filter((id) => !this.#isOnDemand(id))
    const hosts = { all, promising, keepers: promising.filter((id) => holds(id, right.host)) }
    this.#byZone.set(key, hosts)
    return hosts
  }

  #forget(): void {
    const change = this.#tree.authority.changeCount
    const nowMs = this.#clock.now()
    if (this.#change === change && nowMs >= this.#sinceMs && nowMs <= this.#untilMs) return
    this.#byZone.clear()
    this.#change = change
    this.#sinceMs = nowMs
    this.#untilMs = Infinity
    for (const record of this.#tree.authorityRecords())
      if (record.type === recordType.cap) this.#untilMs = Math.min(this.#untilMs, lastMs(record, nowMs))
  }

  #isOnDemand(principal: Id): boolean {
    const endpoints = this.#tree.authority.endpointsOf(principal)
    const newest = endpoints.toSorted((left, right_) => right_.body.sequence - left.body.sequence)[0]
    return newest !== undefined && keepsOnDemand(newest)
  }
}

/** The last moment at which it counts as it does now. */
function lastMs({ body: { notBefore, notAfter } }: CapRecord, nowMs: number): number {
  if (notBefore !== undefined && nowMs < notBefore) return notBefore - 1
  return notAfter !== undefined && nowMs <= notAfter ? notAfter : Infinity
}
