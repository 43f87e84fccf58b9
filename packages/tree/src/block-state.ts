/**
 * The state of one block from the headers held (B.8.9): heads, winner, and what is kept beside them. A pure function of
 * the set of records; the tree state calls it when a fork, an anchor, a revocation or a receipt concerns the block.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import { anchoredEntries } from './anchor.ts'
import { isBaseEntry } from './base.ts'
import { homeZone } from './birth.ts'
import type { CapChains } from './cap-chain.ts'
import type { HeldRecords, VersionedHead } from './held-records.ts'
import { IdMap, IdSet, idKey } from './id-key.ts'
import { headsPerBlockMax, headsPerCapMax } from './limits.ts'
import { type BlockHeaders, type Line, lineOf, sortHeaders } from './line.ts'
import { type HeaderRecord, type Id, blockState } from './records.ts'
import { CutMembers } from './revocation-cut.ts'
import { isHeaderValid } from './validity.ts'

export interface BlockEvaluation {
  /** Counted heads, best first; the first is the winner. */
  readonly heads: readonly VersionedHead[]
  readonly winner: HeaderRecord | undefined
  /** All held headers, each after its held prev. */
  readonly sorted: readonly HeaderRecord[]
  /** Effective versions of all headers in line. */
  readonly versions: IdMap<number>
  /** Held headers that no other held header names as prev. */
  readonly tips: readonly Id[]
  /** Two heads by one signer: a copied data folder, or an equivocation (E_SELF_FORK). */
  readonly selfFork: boolean
  /** Anchored, and no valid header in line. */
  readonly lostToRevocation: boolean
  readonly buried: boolean
  /** Ancestors of held headers that are not held and should be, sorted: not those that only a base entry names. */
  readonly missing: readonly Id[]
  readonly quarantine: readonly Id[]
  readonly adopted: readonly Id[]
  readonly late: readonly Id[]
  readonly pending: readonly Id[]
  readonly uncounted: readonly Id[]
}

/** Evaluates from all held headers; undefined when none is held. */
export function evaluateBlock(held: HeldRecords, chains: CapChains, block: Id): BlockEvaluation | undefined {
  const headers = sortHeaders(block, held.headersOf(block))
  const first = headers.sorted[0]
  if (first === undefined) return undefined
  const zone = homeZone(first.body.birth, block)
  const entries = anchoredEntries(held, held.anchors(zone), block)
  const line = lineOf(headers, entries, chains)
  const valid = new IdSet()
  const members = new CutMembers()
  for (const header of headers.sorted) {
    if (isHeaderValid(held, chains, header, members)) valid.add(header.id)
  }
  const candidates = entries.buried
    ? []
    : headers.sorted.filter((header) => line.versions.has(header.id) && valid.has(header.id))
  const { counted, uncounted } = countHeads(headsOf(headers, line, candidates))
  const winner = counted[0]
  return {
    heads: counted.map(({ header, version }) => ({ id: header.id, version })),
    winner: winner?.header,
    sorted: headers.sorted,
    versions: line.versions,
    selfFork: hasSelfFork(counted),
    lostToRevocation: entries.versions !== undefined && candidates.length === 0,
    buried: entries.buried,
    uncounted: uncounted.map(({ header }) => header.id),
    ...labelRest({
      headers,
      valid,
      candidates,
      isInLine: (id) => !entries.buried && line.versions.has(id),
      settled: entries.buried ? atOrBelowTombstones(headers) : new IdSet(),
      mayEnd: (header) => isBaseEntry(held, zone, header)
    })
  }
}

interface Head {
  readonly header: HeaderRecord
  readonly version: number
}

/** Candidates that are no ancestor, along the line, of another; best first. */
function headsOf(headers: BlockHeaders, line: Line, candidates: readonly HeaderRecord[]): readonly Head[] {
  const below = new IdSet()
  for (const candidate of candidates) markBelow(headers, candidate, below, (id) => line.versions.has(id))
  return candidates
    .filter((candidate) => !below.has(candidate.id))
    .map((header) => ({ header, version: line.versions.get(header.id) ?? 0 }))
    .toSorted(compareHeads)
}

/** Adds the ancestors of `from` that `follows` allows; what is marked already is not walked again. */
function markBelow(
  headers: BlockHeaders,
  from: HeaderRecord,
  marks: IdSet,
  follows: (id: Id) => boolean
): void {
  const open = [...from.body.prev]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const header = headers.byId.get(id)
    if (header === undefined || !follows(id) || !marks.add(id)) continue
    open.push(...header.body.prev)
  }
}

/** Live before deleted, then the higher effective version, then the lower record id (A19). */
function compareHeads(left: Head, right: Head): number {
  return (
    left.header.body.state - right.header.body.state ||
    right.version - left.version ||
    compareBytes(left.header.id, right.header.id)
  )
}

/** Of each leaf cap only the best few count, so that a flood of forks cannot crowd out others (A18). */
function countHeads(heads: readonly Head[]): { counted: readonly Head[]; uncounted: readonly Head[] } {
  if (heads.length <= headsPerCapMax) return { counted: heads, uncounted: [] }
  const perCap: Map<string, number> = new Map()
  const counted: Head[] = []
  const uncounted: Head[] = []
  for (const head of heads) {
    const key = idKey(head.header.body.cap ?? head.header.signer)
    const count = perCap.get(key) ?? 0
    perCap.set(key, count + 1)
    if (count < headsPerCapMax && counted.length < headsPerBlockMax) counted.push(head)
    else uncounted.push(head)
  }
  return { counted, uncounted }
}

function hasSelfFork(heads: readonly Head[]): boolean {
  return heads.some((head, index) =>
    heads.slice(index + 1).some((other) => equalBytes(other.header.signer, head.header.signer))
  )
}

type Rest = Pick<BlockEvaluation, 'tips' | 'missing' | 'quarantine' | 'adopted' | 'late' | 'pending'>

interface Labelled {
  readonly headers: BlockHeaders
  readonly valid: IdSet
  readonly candidates: readonly HeaderRecord[]
  readonly isInLine: (id: Id) => boolean
  /** What a burial has settled for good: it is nothing to look at. */
  readonly settled: IdSet
  /** What lies below this header need not be held. */
  readonly mayEnd: (header: HeaderRecord) => boolean
}

function labelRest({ headers, valid, candidates, isInLine, settled, mayEnd }: Labelled): Rest {
  const always = (): boolean => true
  const belowValid = new IdSet()
  const belowCandidate = new IdSet()
  for (const header of headers.sorted)
    if (valid.has(header.id)) markBelow(headers, header, belowValid, always)
  for (const candidate of candidates) markBelow(headers, candidate, belowCandidate, always)
  const gaps = missingBelow(headers, mayEnd)
  const named = new IdSet(headers.sorted.flatMap((header) => header.body.prev))
  const rest = { quarantine: [] as Id[], adopted: [] as Id[], late: [] as Id[], pending: [] as Id[] }
  for (const { id } of headers.sorted) {
    if (!valid.has(id)) (belowValid.has(id) ? rest.adopted : rest.quarantine).push(id)
    else if (!isInLine(id) && !belowCandidate.has(id) && !settled.has(id))
      (gaps.has(id) ? rest.pending : rest.late).push(id)
  }
  const tips = headers.sorted.filter((header) => !named.has(header.id)).map((header) => header.id)
  // In order of ids: rows do not depend on the order of arrival.
  const missing = gaps.size === 0 ? [] : missingPrev(headers, gaps)
  return { ...rest, tips: tips.toSorted(compareBytes), missing }
}

/** Headers with a prev that is not held and should be, at any depth. */
function missingBelow(headers: BlockHeaders, mayEnd: (header: HeaderRecord) => boolean): IdSet {
  const gaps = new IdSet()
  for (const header of headers.sorted) {
    const isGap = header.body.prev.some((prev) => !headers.byId.has(prev) || gaps.has(prev))
    if (isGap && !mayEnd(header)) gaps.add(header.id)
  }
  return gaps
}

function missingPrev(headers: BlockHeaders, gaps: IdSet): readonly Id[] {
  const missing = new IdMap<Id>()
  for (const { id, body } of headers.sorted)
    if (gaps.has(id)) for (const prev of body.prev) if (!headers.byId.has(prev)) missing.set(prev, prev)
  return [...missing.values()].toSorted(compareBytes)
}

/** Tombstones and what they follow: whoever removed the block had seen it. */
function atOrBelowTombstones(headers: BlockHeaders): IdSet {
  const marks = new IdSet()
  for (const header of headers.sorted) {
    if (header.body.state !== blockState.deleted) continue
    marks.add(header.id)
    markBelow(headers, header, marks, () => true)
  }
  return marks
}
