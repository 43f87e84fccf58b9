/**
 * The line of a block (B.8.9): the headers that descend from what the anchors list, or from a first version when none
 * does, each with its effective version. Validity plays no part, nor does the version that a header claims (A17, E3).
 */
import { equalBytes } from '@blocktree/codec'
import type { CapChains } from './cap-chain.ts'
import type { AnchoredEntries } from './anchor.ts'
import { IdMap, IdSet } from './id-key.ts'
import { versionMax } from './limits.ts'
import type { HeaderRecord, Id } from './records.ts'
import { scopeType } from './records.ts'

export interface Line {
  /** Effective version of each header in line. */
  readonly versions: IdMap<number>
}

/** Every held header of one block, with the order in which prev come before what names them. */
export interface BlockHeaders {
  readonly block: Id
  readonly byId: IdMap<HeaderRecord>
  readonly sorted: readonly HeaderRecord[]
}

/** Sorts so that every held prev stands before the headers that name it. Iterative: histories may be long. */
export function sortHeaders(block: Id, headers: readonly HeaderRecord[]): BlockHeaders {
  const byId: IdMap<HeaderRecord> = new IdMap()
  for (const header of headers) byId.set(header.id, header)
  const sorted: HeaderRecord[] = []
  const entered = new IdSet()
  const left = new IdSet()
  const open = [...headers]
  for (let header = open.at(-1); header !== undefined; header = open.at(-1)) {
    // The first time a header is met its prev go before it; the second time they are sorted.
    if (entered.add(header.id)) open.push(...heldPrev(byId, header).filter((prev) => !entered.has(prev.id)))
    else {
      open.pop()
      if (left.add(header.id)) sorted.push(header)
    }
  }
  return { block, byId, sorted }
}

function heldPrev(byId: IdMap<HeaderRecord>, header: HeaderRecord): readonly HeaderRecord[] {
  return header.body.prev.flatMap((prev) => byId.get(prev) ?? [])
}

export function lineOf(headers: BlockHeaders, entries: AnchoredEntries, chains: CapChains): Line {
  const versions: IdMap<number> = new IdMap()
  for (const header of headers.sorted) {
    const before = header.body.prev.filter((prev) => versions.has(prev))
    const version =
      entries.versions?.get(header.id) ??
      (header.body.prev.length === 0
        ? firstVersion(entries)
        : nextVersion(header, before, { headers, versions, chains }))
    if (version !== undefined) versions.set(header.id, version)
  }
  return { versions }
}

function firstVersion(entries: AnchoredEntries): number | undefined {
  return entries.versions === undefined ? 1 : undefined
}

interface LineSoFar {
  readonly headers: BlockHeaders
  readonly versions: IdMap<number>
  readonly chains: CapChains
}

function nextVersion(
  header: HeaderRecord,
  before: readonly Id[],
  { headers, versions, chains }: LineSoFar
): number | undefined {
  if (before.length === 0) return undefined
  if (isBlockScoped(header, chains) && !before.some((prev) => keepsPlace(headers.byId.get(prev), header))) {
    return undefined
  }
  return Math.min(versionMax, 1 + Math.max(...before.map((prev) => versions.get(prev) ?? 0)))
}

function isBlockScoped(header: HeaderRecord, chains: CapChains): boolean {
  const verdict = chains.ofSigner(header.signer, header.body.cap)
  return verdict.verdict === 'valid' && verdict.chain.links[0]?.body.scopeType === scopeType.block
}

/** A cap for one block leaves parent and state as they were in one of the prev. */
function keepsPlace(before: HeaderRecord | undefined, header: HeaderRecord): boolean {
  if (before === undefined || before.body.state !== header.body.state) return false
  const left = before.body.parent
  const right = header.body.parent
  return left === undefined || right === undefined ? left === right : equalBytes(left, right)
}
