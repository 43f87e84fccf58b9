/**
 * Comparing one summary with a peer's (spec 28, section 4): down from the root, many places at a time, until what
 * differs is known: places that only the peer has anything below, rows that differ, and how much the peer lacks.
 */
import type { Id } from '@blocktree/tree'
import { differencesMax, nodesPerRoundMax } from './limits.ts'
import { type SummarySet, type ToldNode, decodeNodesAnswer, encodeNodesAsk } from './messages.ts'
import type { SyncConnection } from './peer-link.ts'
import type { Scope } from './scope.ts'
import type { ScopeSummaries, SummaryRow } from './summaries.ts'
import { SyncError } from './sync-error.ts'
import { type TrieNode, type TriePath, childPath, isBelow } from './trie-node.ts'

export interface Difference {
  /** Places below which nothing is held here. */
  readonly places: readonly TriePath[]
  /** Rows of the peer that are not held, or held with other tips. */
  readonly rows: readonly {
    readonly key: Id
    readonly tips: readonly Id[]
    readonly held: SummaryRow | undefined
  }[]
  /** Rows held here that the peer lacks or holds otherwise. */
  readonly extra: number
  readonly visited: number
  /** Places where the two summaries differ, the first ones found; none with many rows below. */
  readonly unequal: readonly TriePath[]
  /** There is more: it was ended when as much was known as is kept at a time. */
  readonly isCut: boolean
}

const pathsPerRequest = 256
const fewPaths = 4 // so few places are told with those below them
const unequalMax = 1024
const unequalRowsMax = 4096

export interface ComparisonOptions {
  readonly tree: Id
  readonly scope: Scope
  readonly set: SummarySet
  readonly theirs: TrieNode
  readonly signal: AbortSignal
}

interface ComparedPeer {
  readonly connection: Pick<SyncConnection, 'request'>
}

/** @throws ERR_SYNC_PEER_WRONG when the peer's answers cannot be those of a summary */
export async function compareSummary(
  link: ComparedPeer,
  summaries: ScopeSummaries,
  options: ComparisonOptions
): Promise<Difference> {
  const mine = await summaries.of(options.set).node(root)
  const comparison = new Comparison(link, summaries, options)
  if (!isSame(mine, options.theirs)) await comparison.run(mine)
  return comparison
}

const root: TriePath = new Uint8Array(0)

class Comparison implements Difference {
  readonly places: TriePath[] = []
  readonly rows: { key: Id; tips: readonly Id[]; held: SummaryRow | undefined }[] = []
  readonly unequal: TriePath[] = []
  extra = 0
  visited = 0
  #tips = 0
  readonly #link: ComparedPeer
  readonly #summaries: ScopeSummaries
  readonly #options: ComparisonOptions
  /** Places to look at, deepest last: memory stays small. */
  readonly #open: TriePath[] = []

  constructor(link: ComparedPeer, summaries: ScopeSummaries, options: ComparisonOptions) {
    this.#link = link
    this.#summaries = summaries
    this.#options = options
  }

  async run(mine: TrieNode): Promise<void> {
    const { theirs } = this.#options
    if (theirs.count === 0) {
      this.extra = mine.count
      return
    }
    if (mine.count === 0) {
      this.places.push(root)
      this.#note(root, 0)
      return
    }
    this.#open.push(root)
    while (this.#open.length > 0 && !this.isCut) await this.#step()
  }

  /** However much the peer claims, memory for it is bounded. */
  get isCut(): boolean {
    return this.rows.length + this.#tips + this.places.length >= differencesMax
  }

  async #step(): Promise<void> {
    const paths = this.#open.splice(-pathsPerRequest)
    this.visited += paths.length
    if (this.visited > nodesPerRoundMax)
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'the comparison does not end')
    const told = await this.#ask(paths)
    const byPath = new Map(told.map((node) => [pathKey(node.path), node]))
    for (const path of paths) {
      const node = byPath.get(pathKey(path))
      if (node === undefined) {
        this.#open.push(path)
        continue
      }
      await this.#look(path, node, byPath)
    }
  }

  async #ask(paths: readonly TriePath[]): Promise<readonly ToldNode[]> {
    const { tree, scope, set, signal } = this.#options
    const levels = paths.length <= fewPaths ? 2 : 1
    const answer = await this.#link.connection.request(
      'sync.nodes',
      encodeNodesAsk({ tree, scope, set, levels, paths }),
      { signal }
    )
    let told: readonly ToldNode[]
    try {
      told = decodeNodesAnswer(answer)
    } catch (cause) {
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'the answer is no list of places', { cause })
    }
    // At least the first is told, else asking again would never end.
    const first = paths[0]
    if (first !== undefined && !told.some(({ path }) => pathKey(path) === pathKey(first)))
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'the answer leaves out what was asked')
    return told
  }

  async #look(path: TriePath, node: ToldNode, byPath: ReadonlyMap<string, ToldNode>): Promise<void> {
    if (node.kind === 'rows') return await this.#lookAtRows(path, node.rows)
    if (path.length >= 63) throw new SyncError('ERR_SYNC_PEER_WRONG', 'a place is deeper than any key')
    const mine = await this.#summaries.of(this.#options.set).children(path)
    for (let nibble = 0; nibble < 16; nibble++) {
      const own = mine[nibble]
      const their = node.children[nibble]
      if (own === undefined || their === undefined || isSame(own, their)) continue
      const below = childPath(path, nibble)
      if (own.count === 0 || their.count === 0) this.#note(below, own.count)
      if (their.count === 0) this.extra += own.count
      else if (own.count === 0) this.places.push(below)
      else {
        const known = byPath.get(pathKey(below))
        if (known === undefined) this.#open.push(below)
        else await this.#look(below, known, byPath)
      }
    }
  }

  async #lookAtRows(
    path: TriePath,
    told: readonly { readonly key: Id; readonly tips: readonly Id[] }[]
  ): Promise<void> {
    this.#note(path, told.length)
    const own = new Map(
      (await this.#summaries.of(this.#options.set).rows(path)).map((row) => [row.key.toHex(), row])
    )
    for (const { key, tips } of told) {
      if (!isBelow(key, path))
        throw new SyncError('ERR_SYNC_PEER_WRONG', 'a row lies elsewhere than it is told')
      const name = key.toHex()
      const held = own.get(name)
      own.delete(name)
      if (held === undefined) {
        this.#keep({ key, tips, held })
        continue
      }
      if (hasSameTips(held.tips, tips) && !held.incomplete) continue
      this.#keep({ key, tips, held })
      const theirs = new Set(tips.map((id) => id.toHex()))
      if (held.tips.some((id) => !theirs.has(id.toHex()))) this.extra++
    }
    this.extra += own.size
  }

  #note(path: TriePath, rows: number): void {
    if (this.unequal.length < unequalMax && rows <= unequalRowsMax) this.unequal.push(path)
  }

  #keep(row: Comparison['rows'][number]): void {
    this.rows.push(row)
    this.#tips += row.tips.length
  }
}

function isSame(left: TrieNode, right: TrieNode): boolean {
  return left.count === right.count && left.hash.toHex() === right.hash.toHex()
}

function hasSameTips(left: readonly Id[], right: readonly Id[]): boolean {
  if (left.length !== right.length) return false
  const ids = new Set(left.map((id) => id.toHex()))
  return right.every((id) => ids.has(id.toHex()))
}

function pathKey(path: TriePath): string {
  return path.toHex()
}
