/**
 * Principals that play no part in the tree. Anybody can make any number of them, self-signed, so those that no held record
 * names are bounded (B.13); what names one later (a cap, a grant, a succession) lifts it out of the count. Endpoints are
 * taken of principals that play a part, each newer than the last, and a bounded number of them a day.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import { idKey } from './id-key.ts'
import { endpointsPerDayMax, strangerPrincipalsMax } from './limits.ts'
import type { Clock } from './ports.ts'
import type { EndpointRecord, Id } from './records.ts'
import { recoveryCommitment } from './tree-record.ts'

const dayMs = 24 * 60 * 60 * 1000

export interface StrangersDeps {
  readonly authority: Authority
  readonly crypto: CryptoProvider
  readonly clock: Clock
}

export class Strangers {
  readonly #deps: StrangersDeps
  #count = 0
  #countChange = -1
  /** Times of the endpoints that were taken today, by signer. */
  readonly #endpoints: Map<string, number[]> = new Map()

  constructor(deps: StrangersDeps) {
    this.#deps = deps
  }

  /** True when a held record names the principal: as a root, as the subject of a cap, as who may read or recover. */
  isNamed(principal: Id): boolean {
    const { authority, crypto } = this.#deps
    if (authority.capsOf(principal).length > 0 || authority.grantsTo(principal).length > 0) return true
    const { tree, successions } = authority
    if (tree === undefined) return false
    if (
      [tree.body.root, ...successions.map(({ body }) => body.newRoot)].some((id) => equalBytes(id, principal))
    )
      return true
    const commitments = [tree.body.recovery, ...successions.map(({ body }) => body.newRecovery)]
    const own = recoveryCommitment(crypto, principal)
    return commitments.some((commitment) => commitment !== undefined && equalBytes(commitment, own))
  }

  /** True while one more principal that nothing names may be held. */
  hasRoom(): boolean {
    const { authority } = this.#deps
    if (this.#countChange !== authority.changeCount) {
      this.#count = [...authority.principals()].filter(({ signer }) => !this.isNamed(signer)).length
      this.#countChange = authority.changeCount
    }
    return this.#count < strangerPrincipalsMax
  }

  /** Why an endpoint is not taken from its own principal; undefined when it is, which counts it. */
  endpointProblem({ signer, body }: EndpointRecord): string | undefined {
    const { authority, clock } = this.#deps
    if (!this.isNamed(signer)) return 'its principal plays no part in this tree'
    if (authority.endpointsOf(signer).some((held) => held.body.sequence >= body.sequence))
      return 'an endpoint of this principal with this or a later number is held'
    const now = clock.now()
    const today = (this.#endpoints.get(idKey(signer)) ?? []).filter((time) => Math.abs(now - time) < dayMs)
    if (today.length >= endpointsPerDayMax)
      return `${today.length} endpoints of this principal came within a day`
    this.#endpoints.set(idKey(signer), [...today, now])
    return undefined
  }
}
