/** Standing over all trees kept here that are open. */
import { equalBytes } from '@blocktree/codec'
import type { HelloTree, Standing, StandingSource } from '@blocktree/cluster'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Clock, Id } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { TreeRouter } from '../tree-router.ts'
import { TreeStanding } from './tree-standing.ts'

const order: readonly Standing[] = ['stranger', 'peer', 'member']

export class NodeStanding implements StandingSource {
  readonly #deps: { readonly trees: TreeRouter; readonly crypto: CryptoProvider; readonly clock: Clock }
  readonly #self: () => Id
  readonly #standings = new WeakMap<HeldTree, TreeStanding>()

  constructor(
    deps: { readonly trees: TreeRouter; readonly crypto: CryptoProvider; readonly clock: Clock },
    self: () => Id
  ) {
    this.#deps = deps
    this.#self = self
  }

  standingOf(principal: Id): Standing {
    let best: Standing = 'stranger'
    for (const held of this.trees()) {
      const standing = this.of(held).standingOf(principal)
      if (order.indexOf(standing) > order.indexOf(best)) best = standing
    }
    return best
  }

  standingIn(tree: Id, principal: Id): Standing {
    const held = this.trees().find(({ id }) => equalBytes(id, tree))
    return held === undefined ? 'stranger' : this.of(held).standingOf(principal)
  }

  share(left: Id, right: Id): boolean {
    return this.trees().some((held) => {
      const standing = this.of(held)
      return standing.standingOf(left) !== 'stranger' && standing.standingOf(right) !== 'stranger'
    })
  }

  /** For `PeerDirectoryDeps.hasEnded`. */
  hasEnded(principal: Id, named: readonly HelloTree[]): boolean {
    if (this.standingOf(principal) !== 'stranger') return false
    const concerned = this.trees().filter((held) => this.of(held).hadRights(principal))
    const showsNew = concerned.some((held) => {
      const shown = named.find(({ tree }) => equalBytes(tree, held.id))
      return shown !== undefined && !this.of(held).knows(shown.caps)
    })
    return concerned.length > 0 && !showsNew
  }

  /** An open tree in which this principal has a standing, the own one first; undefined when there is none. */
  commonTree(principal: Id): Id | undefined {
    return this.trees().find((held) => this.of(held).standingOf(principal) !== 'stranger')?.id
  }

  members(): readonly Id[] {
    const self = this.#self()
    const found = new Map<string, Id>()
    for (const held of this.trees())
      for (const id of this.of(held).members()) if (!equalBytes(id, self)) found.set(id.toHex(), id)
    return [...found.values()]
  }

  /** The own tree, and hosted ones that are open. */
  trees(): readonly HeldTree[] {
    const { own, hosted } = this.#deps.trees
    return [own, ...hosted.names.flatMap((name) => hosted.opened(name) ?? [])]
  }

  of(held: HeldTree): TreeStanding {
    const known = this.#standings.get(held)
    if (known !== undefined) return known
    const made = new TreeStanding(held.tree, this.#deps.crypto, this.#deps.clock)
    this.#standings.set(held, made)
    return made
  }

  /** Grows when any authority record of any open tree comes or goes. */
  changeCount(): number {
    return this.trees().reduce((sum, { tree }) => sum + tree.authority.changeCount, 0)
  }
}
