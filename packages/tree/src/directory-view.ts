/**
 * The directory view from scratch (B.9): which directory shows each block, with orphans, cycles, revived directories and
 * clashes settled. A pure function of the winners of a tree; names are given where they could be opened. ./placement.ts
 * keeps the same view incrementally.
 */
import { formatId, compareBytes, equalBytes } from '@blocktree/codec'
import { IdMap, IdSet } from './id-key.ts'
import { pathComponentBytesMax } from './limits.ts'
import { isValidName } from './path.ts'
import type { BlockKind, Id } from './records.ts'
import { blockKind } from './records.ts'

/** The winner of a block, as far as the view needs it. */
export interface ViewedBlock {
  readonly block: Id
  readonly zone: Id
  readonly kind: BlockKind
  readonly zoneRoot: boolean
  readonly parent: Id | undefined
  readonly deleted: boolean
  readonly rank: number
  /** As opened; undefined when it could not be. */
  readonly name: string | undefined
  /** An anchor lists a live version of it under this parent. */
  readonly anchored: boolean
}

export interface Placement {
  readonly block: Id
  readonly shown: boolean
  /** undefined for the root block. */
  readonly shownParent: Id | undefined
  readonly orphan: boolean
  readonly cycle: boolean
  readonly revived: boolean
}

/** Where each block is shown. */
export function placeBlocks(blocks: readonly ViewedBlock[]): IdMap<Placement> {
  const byId: IdMap<ViewedBlock> = new IdMap()
  for (const block of blocks) byId.set(block.block, block)
  const repaired = repairedMembers(blocks, byId)
  const parents: IdMap<Id | undefined> = new IdMap()
  for (const block of blocks) {
    const proper = properParent(block, byId)
    const stays = proper !== undefined && !repaired.has(block.block)
    parents.set(block.block, block.parent === undefined ? undefined : stays ? proper : block.zone)
  }
  const alive = aliveBlocks(blocks, byId, parents)
  const placements: IdMap<Placement> = new IdMap()
  for (const block of blocks) {
    placements.set(block.block, {
      block: block.block,
      shown: alive.has(block.block),
      shownParent: parents.get(block.block),
      orphan: block.parent !== undefined && properParent(block, byId) === undefined,
      cycle: repaired.has(block.block),
      revived: block.deleted && alive.has(block.block)
    })
  }
  return placements
}

function properParent(block: ViewedBlock, byId: IdMap<ViewedBlock>): Id | undefined {
  const { parent, zone } = block
  if (parent === undefined || equalBytes(parent, zone)) return parent
  const directory = byId.get(parent)
  if (directory === undefined || directory.kind !== blockKind.directory || directory.zoneRoot)
    return undefined
  return equalBytes(directory.zone, zone) ? parent : undefined
}

/** Of each cycle the member with the lowest id (A7). */
function repairedMembers(blocks: readonly ViewedBlock[], byId: IdMap<ViewedBlock>): IdSet {
  const repaired = new IdSet()
  const done = new IdSet()
  for (const start of blocks) {
    const path: ViewedBlock[] = []
    const onPath = new IdSet()
    let at: ViewedBlock | undefined = start
    while (at !== undefined && !done.has(at.block) && onPath.add(at.block)) {
      path.push(at)
      const parent = properParent(at, byId)
      at = parent === undefined || equalBytes(parent, at.zone) ? undefined : byId.get(parent)
    }
    const entry = at
    if (entry !== undefined && onPath.has(entry.block)) {
      const first = path.findIndex((member) => equalBytes(member.block, entry.block))
      const lowest = path
        .slice(first)
        .reduce((low, member) => (compareBytes(member.block, low.block) < 0 ? member : low))
      repaired.add(lowest.block)
    }
    for (const member of path) done.add(member.block)
  }
  return repaired
}

/** Live blocks, and deleted directories above one (A8). */
function aliveBlocks(
  blocks: readonly ViewedBlock[],
  byId: IdMap<ViewedBlock>,
  parents: IdMap<Id | undefined>
): IdSet {
  const alive = new IdSet()
  for (const block of blocks) {
    if (block.deleted) continue
    let at: ViewedBlock | undefined = block
    while (at !== undefined && alive.add(at.block)) {
      const parent = parents.get(at.block)
      at = parent === undefined ? undefined : byId.get(parent)
      if (at !== undefined && at.kind !== blockKind.directory) break
    }
  }
  return alive
}

/** Order of those who want one name: what an anchor lists, then the shorter cap chain, then the lower id (A11). */
export function compareClaims(
  left: Pick<ViewedBlock, 'block' | 'rank' | 'anchored'>,
  right: Pick<ViewedBlock, 'block' | 'rank' | 'anchored'>
): number {
  return (
    Number(right.anchored) - Number(left.anchored) ||
    left.rank - right.rank ||
    compareBytes(left.block, right.block)
  )
}

/** Characters of a block's id that tell conflicts apart, without the multibase prefix. */
const shortIdLengths = [8, 16, Infinity] as const

function shortId(block: Id, length: number): string {
  // The first characters of an id spell the multihash prefix, which is the same for all: the digest begins behind it.
  return digestText(block).slice(0, length)
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

function digestText(digest: Id): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of digest) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += base32[(value >>> (bits - 5)) & 31] ?? ''
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + (base32[(value << (5 - bits)) & 31] ?? '')
}

/** What is shown for a name that no file system may see (A13). */
export function invalidName(block: Id): string {
  return `invalid-${shortId(block, 8)}`
}

/** `stem (conflict XXXXXXXX).ext` within 255 bytes, cut between code points; `length` characters of the id. */
export function conflictName(name: string, block: Id, length: number): string {
  const dot = name.lastIndexOf('.')
  const hasExtension = dot > 0 && byteLength(name.slice(dot)) <= 64
  const extension = hasExtension ? name.slice(dot) : ''
  const ending = ` (conflict ${shortId(block, length)})${extension}`
  let stem = hasExtension ? name.slice(0, dot) : name
  while (byteLength(stem) + byteLength(ending) > pathComponentBytesMax && stem !== '') {
    stem = [...stem].slice(0, -1).join('')
  }
  return stem + ending
}

/** The name and id prefix that a conflict name was made of; undefined for other names. The stem may have been cut. */
export function parseConflictName(
  text: string
): { readonly name: string; readonly idPrefix: string } | undefined {
  const match = /^(.*) \(conflict ([a-z2-7]{8}|[a-z2-7]{16}|[a-z2-7]{52})\)(\.[^.]*)?$/su.exec(text)
  const [, stem, idPrefix, extension = ''] = match ?? []
  return stem === undefined || idPrefix === undefined ? undefined : { name: stem + extension, idPrefix }
}

/** True when the text form of the block's digest begins with `idPrefix`. */
export function hasIdPrefix(block: Id, idPrefix: string): boolean {
  return digestText(block).startsWith(idPrefix)
}

/**
 * Shown names of the blocks of one directory, unique. A name that is invalid or could not be opened becomes
 * `invalid-<id8>`; of several with equal names the first by `compareClaims` keeps it, the others get conflict names in
 * order of their ids, with a longer piece of the id where a name is taken.
 */
export function shownNames(
  blocks: readonly Pick<ViewedBlock, 'block' | 'name' | 'rank' | 'anchored'>[]
): IdMap<string> {
  const byName: Map<string, (typeof blocks)[number][]> = new Map()
  for (const block of blocks) {
    const name = block.name !== undefined && isValidName(block.name) ? block.name : invalidName(block.block)
    const claims = byName.get(name)
    if (claims === undefined) byName.set(name, [block])
    else claims.push(block)
  }
  const names: IdMap<string> = new IdMap()
  const losers: { readonly block: Id; readonly name: string }[] = []
  for (const [name, claims] of byName) {
    const [first, ...others] = claims.toSorted(compareClaims)
    if (first !== undefined) names.set(first.block, name)
    for (const other of others) losers.push({ block: other.block, name })
  }
  const taken = new Set(byName.keys())
  for (const { block, name } of losers.toSorted((left, right) => compareBytes(left.block, right.block))) {
    const free = freeConflictName(name, block, (candidate) => taken.has(candidate))
    taken.add(free)
    names.set(block, free)
  }
  return names
}

/** The first conflict name that is not taken; with the whole id nothing else can have it but a hostile name. */
export function freeConflictName(name: string, block: Id, isTaken: (name: string) => boolean): string {
  let candidate = name
  for (const length of shortIdLengths) {
    candidate = conflictName(name, block, length)
    if (!isTaken(candidate)) return candidate
  }
  return formatId(block)
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
