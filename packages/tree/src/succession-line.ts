/**
 * The valid line of successions (B.2): of two records of one generation that follow the same record, the lower record
 * id wins. Static checks do not read this; a chain's standing does (E5, E12, E16).
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import type { CapChain } from './cap-chain.ts'
import type { Id, SuccessionRecord } from './records.ts'

/** Successions that hold, generation 1 first. */
export function successionLine(authority: Authority): readonly SuccessionRecord[] {
  const line: SuccessionRecord[] = []
  let prev = authority.tree?.id
  while (prev !== undefined) {
    const best = lowestFollower(authority, prev)
    if (best === undefined) break
    line.push(best)
    prev = best.id
  }
  return line
}

function lowestFollower(authority: Authority, prev: Id): SuccessionRecord | undefined {
  let best: SuccessionRecord | undefined
  for (const succession of authority.successions) {
    if (!equalBytes(succession.body.prev, prev)) continue
    if (best === undefined || compareBytes(succession.id, best.id) < 0) best = succession
  }
  return best
}

/** The root principal of today. */
export function currentRoot(authority: Authority): Id | undefined {
  return successionLine(authority).at(-1)?.body.newRoot ?? authority.tree?.body.root
}

/**
 * Successions that end what this root did: those of the line after the last point that the root's own record shares
 * with it. A root beside the line (a rival) ends where it left the line.
 */
export function successionsAfter(
  authority: Authority,
  root: Id,
  generation: number | undefined
): readonly SuccessionRecord[] {
  const line = successionLine(authority)
  if (line.length === 0) return line
  let shared = 0
  for (const succession of authority.successions) {
    if (!equalBytes(succession.body.newRoot, root)) continue
    if (generation !== undefined && succession.body.generation !== generation) continue
    shared = Math.max(shared, sharedGeneration(authority, succession, line))
  }
  return line.slice(shared)
}

function sharedGeneration(
  authority: Authority,
  succession: SuccessionRecord,
  line: readonly SuccessionRecord[]
): number {
  let at: SuccessionRecord | undefined = succession
  while (at !== undefined) {
    const onLine = line[at.body.generation - 1]
    if (onLine !== undefined && equalBytes(onLine.id, at.id)) return at.body.generation
    const before = authority.record(at.body.prev)
    at = before?.type === 3 ? before : undefined
  }
  return 0
}

/** Successions that act on a chain: those after its root, unless they keep one of its links. */
export function successionsHitting(authority: Authority, chain: CapChain): readonly SuccessionRecord[] {
  return successionsAfter(authority, chain.root, chain.generation).filter(
    (succession) => !keepsOneOf(succession, chain.links)
  )
}

export function keepsOneOf(succession: SuccessionRecord, links: readonly { readonly id: Id }[]): boolean {
  return links.some((link) => succession.body.keepCaps.some((kept) => equalBytes(kept, link.id)))
}
