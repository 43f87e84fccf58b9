/**
 * Revocations and their cuts (B.7.4). A revocation hits every chain through its target; of those that hit, the ones of
 * the highest signer govern, and a record under the chain is valid only inside all of their cuts. A cut is content, the
 * rows of a named manifest, whoever signed that checkpoint (E14). Successions act as revocations by the highest signer.
 */
import { equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import { homeZone } from './birth.ts'
import type { CapChain } from './cap-chain.ts'
import type { HeldRecords } from './held-records.ts'
import { IdSet, idKey } from './id-key.ts'
import type { CapRecord, CheckpointRecord, Cut, HeaderRecord, Id, RevocationRecord } from './records.ts'
import { keepsOneOf, successionsAfter, successionsHitting } from './succession-line.ts'

/** The cuts of every governing revocation; undefined when nothing hits the chain. */
export type GoverningCuts = readonly (readonly Cut[])[]

export function governingCuts(authority: Authority, chain: CapChain): GoverningCuts | undefined {
  const successions = successionsHitting(authority, chain)
  const revocations = governingRevocations(authority, chain)
  const highest = revocations[0]
  if (successions.length > 0) {
    const byRoot = highest !== undefined && highest.body.by === undefined ? revocations : []
    return [...successions, ...byRoot].map((record) => record.body.cuts)
  }
  return highest === undefined ? undefined : revocations.map((record) => record.body.cuts)
}

/** Revocations of the highest signer that hit the chain. */
export function governingRevocations(authority: Authority, chain: CapChain): readonly RevocationRecord[] {
  let level = Infinity
  let governing: RevocationRecord[] = []
  for (const [index, link] of chain.links.entries()) {
    for (const revocation of authority.revocationsOf(link.id)) {
      if (isVoidedBySuccession(authority, revocation, chain, index)) continue
      const signerLevel = levelOf(revocation, chain.links)
      if (signerLevel > level) continue
      if (signerLevel < level) governing = []
      level = signerLevel
      governing.push(revocation)
    }
  }
  return governing
}

/** 0 for the root, then the link nearest to the root. */
function levelOf(revocation: RevocationRecord, links: readonly CapRecord[]): number {
  const by = revocation.body.by
  if (by === undefined) return 0
  const index = links.findIndex((link) => equalBytes(link.id, by))
  return index < 0 ? Infinity : links.length - index
}

/**
 * A former root's revocation hits neither what a later succession keeps (E12) nor anything issued under a later
 * generation than its own: else the thief of an old root key could empty the tree after the succession.
 */
function isVoidedBySuccession(
  authority: Authority,
  revocation: RevocationRecord,
  chain: CapChain,
  targetIndex: number
): boolean {
  if (revocation.body.by !== undefined) return false
  const after = successionsAfter(authority, revocation.signer, undefined)
  if (after.length === 0) return false
  if (after.length > successionsAfter(authority, chain.root, chain.generation).length) return true
  return after.some((succession) => keepsOneOf(succession, chain.links.slice(targetIndex)))
}

/** Which headers of a block a manifest covers, worked out once for all headers of one evaluation. */
export class CutMembers {
  readonly #sets: Map<string, IdSet> = new Map()

  of(held: HeldRecords, checkpoint: Id, block: Id): IdSet {
    const key = idKey(checkpoint) + idKey(block)
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const members = listedAndAncestors(held, checkpoint, block)
    this.#sets.set(key, members)
    return members
  }
}

/**
 * True when every governing cut lists this header or a descendant of it.
 * @param members shared by the headers of one block while nothing that is held changes
 */
export function isHeaderInCuts(
  held: HeldRecords,
  cuts: GoverningCuts,
  header: HeaderRecord,
  members: CutMembers = new CutMembers()
): boolean {
  const { birth, block } = header.body
  const zone = homeZone(birth, block)
  return cuts.every((cut) => {
    const checkpoint = checkpointOfCut(held.authority, cut, zone)
    return checkpoint !== undefined && members.of(held, checkpoint.id, block).has(header.id)
  })
}

/** True when every governing cut names this checkpoint, or a descendant of it, for its own zone. */
export function isCheckpointInCuts(
  held: HeldRecords,
  cuts: GoverningCuts,
  checkpoint: CheckpointRecord
): boolean {
  return cuts.every((cut) => {
    const named = checkpointOfCut(held.authority, cut, checkpoint.body.zone)
    return named !== undefined && isCheckpointAncestor(held.authority, checkpoint.id, [named.id])
  })
}

function checkpointOfCut(authority: Authority, cuts: readonly Cut[], zone: Id): CheckpointRecord | undefined {
  const cut = cuts.find((candidate) => equalBytes(candidate.zone, zone))
  if (cut === undefined) return undefined
  const checkpoint = authority.checkpoint(cut.checkpoint)
  return checkpoint !== undefined && equalBytes(checkpoint.body.zone, zone) ? checkpoint : undefined
}

function listedAndAncestors(held: HeldRecords, checkpoint: Id, block: Id): IdSet {
  const members = new IdSet()
  const open = (held.manifestRow(checkpoint, block) ?? []).map((entry) => entry.id)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!members.add(id)) continue
    const at = held.header(id)
    if (at !== undefined && equalBytes(at.body.block, block)) open.push(...at.body.prev)
  }
  return members
}

/** True when `ancestor` is one of `from` or reachable from them over prev of held checkpoints. */
export function isCheckpointAncestor(authority: Authority, ancestor: Id, from: readonly Id[]): boolean {
  const seen = new IdSet()
  const open = [...from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (equalBytes(id, ancestor)) return true
    if (!seen.add(id)) continue
    const at = authority.checkpoint(id)
    if (at !== undefined) open.push(...at.body.prev)
  }
  return false
}
