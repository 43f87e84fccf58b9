/**
 * Who may go on reading what is written now although nobody grants it any longer: holders of a key that leads to the
 * epoch in use. Without the right `grant` a write goes on and says so; with it, the zone should be rotated first
 * (MODEL B.5).
 */
import type { Authority, Clock, Id, TreeState } from '@blocktree/tree'
import { idKey } from './id-key.ts'
import { LruCache } from './lru-cache.ts'
import { formerHolders, waysInto } from './sharing/epoch-reach.ts'

interface Known {
  readonly exposed: readonly Id[]
  readonly untilMs: number
}

const nobody: readonly Id[] = []

export class Exposure {
  readonly #tree: TreeState
  readonly #clock: Clock
  readonly #known = new LruCache<string, Known>(1024)
  #change = -1

  constructor(tree: TreeState, clock: Clock) {
    this.#tree = tree
    this.#clock = clock
  }

  /** Recipients and makers of keys who are readers no longer and whose keys open this epoch; empty for public zones. */
  of(epoch: Id | undefined): readonly Id[] {
    if (epoch === undefined) return nobody
    const { authority } = this.#tree
    if (this.#change !== authority.changeCount) {
      this.#change = authority.changeCount
      this.#known.clear()
    }
    const key = idKey(epoch)
    const now = this.#clock.now()
    const known = this.#known.get(key)
    if (known !== undefined && now <= known.untilMs) return known.exposed
    const exposed = formerHolders(this.#tree, epoch)
    this.#known.set(key, { exposed, untilMs: nextEnd(authority, epoch, now) })
    return exposed
  }
}

/** When the next grant or cap ends of those who hold keys that lead to the epoch. */
function nextEnd(authority: Authority, epoch: Id, now: number): number {
  const ends = waysInto(authority, epoch).flatMap(({ epoch: at }) => [
    ...authority.deliveriesUnder(at.id).map(({ body }) => authority.grant(body.grant)?.body.notAfter),
    ...authority.capsOf(at.signer).map(({ body }) => body.notAfter)
  ])
  return Math.min(Infinity, ...ends.filter((end) => end !== undefined && end >= now).map(Number))
}
