/**
 * Who may go on reading what is written now although their grant was revoked: recipients of a delivery of the epoch
 * in use, or of an outer epoch that it inherits from, whose grant is revoked. Without the right `grant` a write goes
 * on and says so; with it, the zone should be rotated first (MODEL B.5).
 */
import type { Authority, Id } from '@blocktree/tree'
import { idKey } from './id-key.ts'
import { LruCache } from './lru-cache.ts'

const nobody: readonly Id[] = []

export class Exposure {
  readonly #authority: Authority
  readonly #known = new LruCache<string, readonly Id[]>(1024)
  #change = -1

  constructor(authority: Authority) {
    this.#authority = authority
  }

  /** Recipients (principals, or links) whose revoked grant still opens this epoch; empty for public zones. */
  of(epoch: Id | undefined): readonly Id[] {
    if (epoch === undefined) return nobody
    if (this.#change !== this.#authority.changeCount) {
      this.#change = this.#authority.changeCount
      this.#known.clear()
    }
    const key = idKey(epoch)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const exposed = this.#find(epoch)
    this.#known.set(key, exposed)
    return exposed
  }

  #find(epoch: Id): readonly Id[] {
    const recipients = new Map<string, Id>()
    let next: Id | undefined = epoch
    const visited = new Set<string>()
    while (next !== undefined && !visited.has(idKey(next))) {
      visited.add(idKey(next))
      this.#collect(next, recipients)
      next = this.#authority.epoch(next)?.body.inherit?.parentEpoch
    }
    return recipients.size === 0 ? nobody : [...recipients.values()]
  }

  #collect(epoch: Id, recipients: Map<string, Id>): void {
    for (const delivery of this.#authority.deliveriesUnder(epoch)) {
      const grant = this.#authority.grant(delivery.body.grant)
      if (grant === undefined || grant.body.targetType !== 0) continue
      if (this.#authority.grantRevocationsOf(grant.id).length === 0) continue
      recipients.set(idKey(grant.body.recipient), grant.body.recipient)
    }
    // whoever was let in again by a later grant is no former reader
    for (const delivery of this.#authority.deliveriesUnder(epoch)) {
      const grant = this.#authority.grant(delivery.body.grant)
      if (grant === undefined || this.#authority.grantRevocationsOf(grant.id).length > 0) continue
      recipients.delete(idKey(grant.body.recipient))
    }
  }
}
