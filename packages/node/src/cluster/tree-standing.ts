/**
 * What a principal may do in one tree, from the records held now: asked for every request of a peer, so it is remembered
 * until an authority record changes, and for a second at most, because caps end by the clock.
 */
import { equalBytes } from '@blocktree/codec'
import type { Standing } from '@blocktree/cluster'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type CapRecord,
  type Clock,
  type Id,
  type TreeState,
  capScope,
  currentRoot,
  right,
  scopeType
} from '@blocktree/tree'

const rememberMs = 1000
const rememberedMax = 4096

export class TreeStanding {
  readonly #tree: TreeState
  readonly #crypto: CryptoProvider
  readonly #clock: Clock
  readonly #known = new Map<string, Standing>()
  #members: readonly Id[] | undefined
  #change = -1
  #untilMs = 0

  constructor(tree: TreeState, crypto: CryptoProvider, clock: Clock) {
    this.#tree = tree
    this.#crypto = crypto
    this.#clock = clock
  }

  standingOf(principal: Id): Standing {
    this.#refresh()
    const key = principal.toHex()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const standing = this.#lookUp(principal)
    if (this.#known.size >= rememberedMax) this.#known.clear()
    this.#known.set(key, standing)
    return standing
  }

  /** Now or at any time: a cap was made for it, whatever became of that. */
  hadRights(principal: Id): boolean {
    return this.#tree.authority.capsOf(principal).length > 0
  }

  /** True when each of these caps is held here, live or not. */
  knows(caps: readonly Id[]): boolean {
    return caps.every((cap) => this.#tree.authority.cap(cap) !== undefined)
  }

  /** Principals with `host` over a zone, in no particular order. */
  members(): readonly Id[] {
    this.#refresh()
    this.#members ??= [...this.#tree.authority.principals()]
      .map(({ signer }) => signer)
      .filter((id) => this.#tree.authority.capsOf(id).length > 0 && this.standingOf(id) === 'member')
    return this.#members
  }

  /** Members whose cap with `host` covers this zone. */
  hostsOf(zone: Id): readonly Id[] {
    return this.members().filter((id) => this.#tree.explainInside(id, zone, right.host).allowed)
  }

  #refresh(): void {
    const { changeCount } = this.#tree.authority
    const nowMs = this.#clock.now()
    const isFresh = nowMs < this.#untilMs && nowMs + rememberMs >= this.#untilMs
    if (changeCount === this.#change && isFresh) return
    this.#known.clear()
    this.#members = undefined
    this.#change = changeCount
    this.#untilMs = nowMs + rememberMs
  }

  #lookUp(principal: Id): Standing {
    const { authority } = this.#tree
    const root = currentRoot(authority)
    if (root !== undefined && equalBytes(root, principal)) return 'member'
    let standing: Standing = 'stranger'
    for (const cap of authority.capsOf(principal)) {
      if (this.#holds(principal, cap, right.host)) return 'member'
      if (standing === 'stranger' && this.#holdsAny(principal, cap)) standing = 'peer'
    }
    return standing === 'stranger' && this.#reads(principal) ? 'peer' : standing
  }

  #holdsAny(principal: Id, cap: CapRecord): boolean {
    return Object.values(right).some((bit) => this.#holds(principal, cap, bit))
  }

  /** Under a live chain, in the scope of this cap. */
  #holds(principal: Id, { body }: CapRecord, bit: number): boolean {
    if ((body.rights & bit) === 0) return false
    const scope = capScope(this.#crypto, body)
    return body.scopeType === scopeType.zone
      ? this.#tree.explainInside(principal, scope, bit).allowed
      : this.#tree.explain(principal, scope, bit).allowed
  }

  #reads(principal: Id): boolean {
    return this.#tree.authority
      .grantsTo(principal)
      .some(({ id, body }) => this.#tree.liveGrants(body.target).some((live) => equalBytes(live.id, id)))
  }
}
