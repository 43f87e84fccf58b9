/**
 * Bringing this node up to date with one peer (spec 28, section 3): authority first, then receipts, then headers. Each
 * step compares summaries and fetches what is missing as a stream; what was taken before a cut is not fetched again.
 */
import type { Id } from '@blocktree/tree'
import { unpackFrames } from './byte-stream.ts'
import { type Difference, compareSummary } from './comparison.ts'
import { type Intake, IntakeStream, type IntakeCount, noIntake } from './intake.ts'
import { blocksMax, pathsMax, recordIdsMax, tipsPerBlockMax, uselessRecordsMax } from './limits.ts'
import {
  type SummarySet,
  decodeOpenAnswer,
  decodeSeenAnswer,
  decodeStreamed,
  encodeBehind,
  encodeHeadersAsk,
  encodeOpen,
  encodeRecordsAsk,
  encodeSeenAsk,
  summarySet
} from './messages.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import { type Scope, makeScope } from './scope.ts'
import type { Summaries, SummaryRow } from './summaries.ts'
import { SyncError } from './sync-error.ts'
import type { TrieNode, TriePath } from './trie-node.ts'

export interface PullerDeps {
  readonly ports: SyncPorts
  readonly treeId: Id
  readonly summaries: Summaries
  readonly intake: Intake
}

/** What one comparison with a peer brought. */
export interface PullReport {
  readonly taken: number
  /** Rows that the peer lacks; it was told so. */
  readonly extra: number
  readonly scope: Scope
  /** Summaries were equal in the end. */
  readonly inStep: boolean
  /** Where they were not, in the last round. */
  readonly unequal: readonly UnequalPlace[]
}

export interface UnequalPlace {
  readonly set: SummarySet
  readonly path: TriePath
}

type PulledSet = Pick<Difference, 'extra' | 'isCut' | 'unequal'> & {
  readonly count: IntakeCount
  /** The peer may not know of a removal that is held here: it finds out when it compares in turn. */
  readonly mayBeSettled: boolean
}

const streamMs = 600_000
const roundsMax = 4 // what came may have made more acceptable

type Roots = readonly [TrieNode, TrieNode, TrieNode]

export class Puller {
  readonly #deps: PullerDeps

  constructor(deps: PullerDeps) {
    this.#deps = deps
  }

  /**
   * @param onAuthority called once, when authority records are alike and headers are not compared yet
   * @throws RemoteError ERR_SYNC_FORBIDDEN, NetworkError, ERR_SYNC_PEER_WRONG
   */
  async pull(
    link: PeerLink,
    signal: AbortSignal,
    onAuthority?: (scope: Scope) => Promise<void>
  ): Promise<PullReport> {
    let taken = 0
    for (let round = 1; ; round++) {
      const { scope, roots } = await this.#open(link, signal)
      const sets: readonly (readonly [SummarySet, TrieNode])[] = [
        [summarySet.authority, roots[0]],
        [summarySet.receipts, roots[1]],
        [summarySet.headers, roots[2]]
      ]
      let extra = 0
      let gained = 0
      let isCut = false
      let mayBeSettled = false
      const unequal: UnequalPlace[] = []
      for (const [set, theirs] of sets) {
        const step = await this.#pullSet(link, { scope, set, theirs, signal })
        extra += step.extra
        gained += step.count.taken
        isCut ||= step.isCut
        mayBeSettled ||= step.mayBeSettled
        unequal.push(...step.unequal.map((path) => ({ set, path })))
        if (round === 1 && set === summarySet.authority) await onAuthority?.(scope)
      }
      if (gained === 0 && extra > 0) gained += await this.#pullBuried(link, scope, unequal, signal)
      taken += gained
      if (gained > 0 && (isCut || round < roundsMax) && !signal.aborted) {
        if (await this.#isInStep(scope, roots)) return { taken, extra, scope, inStep: true, unequal }
        continue
      }
      if (extra > 0 || mayBeSettled) link.connection.notify('sync.behind', encodeBehind(this.#deps.treeId))
      return { taken, extra, scope, inStep: await this.#isInStep(scope, roots), unequal }
    }
  }

  /** Of versions that this peer gave us, those that it lacks now. A peer that does not know the question lacks nothing. */
  async lacking(
    link: PeerLink,
    scope: Scope,
    ids: readonly Id[],
    signal: AbortSignal
  ): Promise<readonly Id[]> {
    if (scope.length === 0 || ids.length === 0) return []
    try {
      const ask = encodeSeenAsk({ tree: this.#deps.treeId, scope, ids })
      const lacking = decodeSeenAnswer(await link.connection.request('sync.seen', ask, { signal }))
      const asked = new Set(ids.map((id) => id.toHex()))
      return lacking.filter((id) => asked.has(id.toHex()))
    } catch {
      return []
    }
  }

  /** Records by their ids, as somebody announced them. */
  async pullRecords(
    link: PeerLink,
    scope: Scope,
    ids: readonly Id[],
    signal: AbortSignal
  ): Promise<IntakeCount> {
    const ask = {
      tree: this.#deps.treeId,
      scope,
      set: summarySet.headers,
      ids: ids.slice(0, recordIdsMax),
      paths: []
    }
    return await this.#stream(link, 'sync.records', encodeRecordsAsk(ask), signal)
  }

  async #open(
    link: PeerLink,
    signal: AbortSignal
  ): Promise<{ readonly scope: Scope; readonly roots: Roots }> {
    const answer = await link.connection.request(
      'sync.open',
      encodeOpen({ tree: this.#deps.treeId, scope: [] }),
      { signal }
    )
    try {
      const { scope, roots } = decodeOpenAnswer(answer)
      return { scope: makeScope(scope), roots }
    } catch (cause) {
      throw new SyncError('ERR_SYNC_PEER_WRONG', 'the answer to sync.open is malformed', { cause })
    }
  }

  async #isInStep(scope: Scope, roots: Roots): Promise<boolean> {
    const { authority, receipts, headers } = this.#deps.summaries.of(scope)
    const own = [await authority.node(top), await receipts.node(top), await headers.node(top)]
    return own.every((node, index) => node.hash.toHex() === roots[index]?.hash.toHex())
  }

  async #pullSet(
    link: PeerLink,
    step: {
      readonly scope: Scope
      readonly set: SummarySet
      readonly theirs: TrieNode
      readonly signal: AbortSignal
    }
  ): Promise<PulledSet> {
    const { summaries, treeId } = this.#deps
    const difference = await compareSummary(link, summaries.of(step.scope), { ...step, tree: treeId })
    const count = noIntake()
    const add = (some: IntakeCount): void => {
      count.taken += some.taken
      count.known += some.known
      count.parked += some.parked
      count.refused += some.refused
    }
    const rows = difference.rows.filter((row) => this.#isLacking(link, step.set, row))
    if (step.set === summarySet.headers) {
      for (const blocks of chunksOf(rows, blocksMax)) add(await this.#pullBlocks(link, step, [], blocks))
      for (const paths of chunksOf(difference.places, pathsMax))
        add(await this.#pullBlocks(link, step, paths, []))
    } else {
      // What revokes must not wait behind a long list: all in as few streams as possible, in order within each.
      const { scope, set } = step
      const ids = rows.map(({ key }) => key)
      const paths = difference.places
      for (let at = 0; at === 0 || at < Math.max(ids.length / recordIdsMax, paths.length / pathsMax); at++) {
        const ask = {
          tree: treeId,
          scope,
          set,
          ids: ids.slice(at * recordIdsMax, (at + 1) * recordIdsMax),
          paths: paths.slice(at * pathsMax, (at + 1) * pathsMax)
        }
        if (ask.ids.length + ask.paths.length === 0) break
        add(await this.#stream(link, 'sync.records', encodeRecordsAsk(ask), step.signal))
      }
    }
    const { extra, isCut, unequal } = difference
    // Blocks that the peer lists and that are nothing to compare here, though all that it has of them is held.
    const known = difference.rows.some((row) => row.held === undefined && !rows.includes(row))
    const mayBeSettled = step.set === summarySet.headers && (known || count.known > 0)
    return { extra, isCut, unequal, count, mayBeSettled }
  }

  /**
   * What is late in a buried block here may be settled by a removal that the peer still holds: that is nothing to look at
   * there, so its summary does not tell.
   */
  async #pullBuried(
    link: PeerLink,
    scope: Scope,
    unequal: readonly UnequalPlace[],
    signal: AbortSignal
  ): Promise<number> {
    const { headers } = this.#deps.summaries.of(scope)
    const { tree } = this.#deps.ports
    const buried = new Map<string, { readonly key: Id; readonly held: SummaryRow }>()
    for (const { set, path } of unequal) {
      if (set !== summarySet.headers) continue
      for (const held of await headers.rows(path))
        if (tree.isBuried(held.key)) buried.set(held.key.toHex(), { key: held.key, held })
    }
    let taken = 0
    for (const rows of chunksOf([...buried.values()], blocksMax))
      taken += (await this.#pullBlocks(link, { scope, signal }, [], rows)).taken
    return taken
  }

  async #pullBlocks(
    link: PeerLink,
    { scope, signal }: { readonly scope: Scope; readonly signal: AbortSignal },
    paths: readonly TriePath[],
    rows: readonly { readonly key: Id; readonly held: SummaryRow | undefined }[]
  ): Promise<IntakeCount> {
    const blocks = rows.map(({ key, held }) => ({
      block: key,
      have: held === undefined ? [] : this.#haveOf(held)
    }))
    const ask = { tree: this.#deps.treeId, scope, paths, blocks }
    return await this.#stream(link, 'sync.headers', encodeHeadersAsk(ask), signal)
  }

  /** Tips; with a gap below them, only headers whose ancestors are all held: the peer fills the rest. */
  #haveOf({ key, tips, incomplete }: SummaryRow): readonly Id[] {
    if (!incomplete) return tips.slice(0, tipsPerBlockMax)
    const headers = new Map(this.#deps.ports.tree.headersOf(key).map((header) => [header.id.toHex(), header]))
    const known = new Map<string, boolean>()
    const isClosed = (start: Id): boolean => {
      const open = [start.toHex()]
      for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
        const header = headers.get(name)
        if (header === undefined || known.has(name)) {
          known.set(name, known.get(name) ?? false)
          open.pop()
          continue
        }
        const prev = header.body.prev.map((id) => id.toHex())
        const unknown = prev.filter((id) => !known.has(id))
        if (this.#deps.ports.tree.mayEndAt(header)) {
          known.set(name, true)
          open.pop()
        } else if (unknown.length > 0 && open.length < 100_000) open.push(...unknown)
        else {
          known.set(
            name,
            prev.every((id) => known.get(id) === true)
          )
          open.pop()
        }
      }
      return known.get(start.toHex()) === true
    }
    return [...headers.values()]
      .filter(({ id }) => isClosed(id))
      .map(({ id }) => id)
      .slice(-tipsPerBlockMax)
  }

  /** The peer holds something of it that is not held here, and that was not refused a short time ago. */
  #isLacking(
    link: PeerLink,
    set: SummarySet,
    {
      key,
      tips,
      held
    }: { readonly key: Id; readonly tips: readonly Id[]; readonly held: SummaryRow | undefined }
  ): boolean {
    if (set !== summarySet.headers) return !link.standing.isRefused(key)
    if (held?.incomplete === true) return true
    const { store } = this.#deps.ports
    return tips.some((id) => !store.hasRecord(id) && !link.standing.isRefused(id))
  }

  async #stream(link: PeerLink, method: string, head: Uint8Array, signal: AbortSignal): Promise<IntakeCount> {
    const intake = new IntakeStream(this.#deps.intake, link)
    const frames = unpackFrames(link.connection.pull(method, head, { signal, timeoutMs: streamMs }))
    try {
      for await (const frame of frames) {
        const item = decodeFrame(frame)
        if (item.kind === 'birth') intake.addBirth(item.bytes)
        else await intake.add(item)
        if (intake.useless > uselessRecordsMax)
          throw new SyncError('ERR_SYNC_PEER_WRONG', 'a stream of records brings nothing new')
      }
    } finally {
      // What came before a cut is kept.
      await intake.finish()
    }
    return intake.count
  }
}

const top: TriePath = new Uint8Array(0)

function decodeFrame(frame: Uint8Array): ReturnType<typeof decodeStreamed> {
  try {
    return decodeStreamed(frame)
  } catch (cause) {
    throw new SyncError('ERR_SYNC_PEER_WRONG', 'a frame holds no record', { cause })
  }
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size)
  )
}
