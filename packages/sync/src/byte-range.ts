/**
 * Reading a part of content that is kept elsewhere (spec 28, section 7): which of its stored parts hold some of its bytes,
 * and whether those are here. A payload is a tree of hashes, so each part is judged by itself.
 */
import {
  type BlockStore,
  bytesPerReference,
  type Id,
  isHole,
  limits,
  listNode,
  type PayloadDescriptor
} from '@blocktree/tree'

/** Bytes of the content, from 0. */
export interface ByteRange {
  readonly offset: number
  /** What lies beyond the end of the content is passed over. */
  readonly length: number
}

interface PartPlace {
  readonly level: number
  readonly index: number
}

/** True when the part, a sector or a node above some, has to do with bytes of the range. The root always has. */
export function rangeHasPart(
  { offset, length }: ByteRange,
  { sectorLog2 }: PayloadDescriptor,
  { level, index }: PartPlace
): boolean {
  const width = bytesPerReference(level, sectorLog2)
  return index * width < offset + Math.max(1, length) && (index + 1) * width > offset
}

/** True when all parts that the bytes need are stored here. */
export function isRangeHeld(store: BlockStore, payload: PayloadDescriptor, range: ByteRange): boolean {
  const stack: (PartPlace & { readonly hash: Id })[] = [
    { hash: payload.rootHash, level: payload.levels, index: 0 }
  ]
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    const { hash, level, index } = part
    if (isHole({ hash })) continue
    if (!store.hasSector(hash)) return false
    if (level === 0) continue
    for (const [at, child] of childrenOf(store, payload, part).entries()) {
      const below = { level: level - 1, index: index * limits.payloadFanOut + at }
      if (rangeHasPart(range, payload, below)) stack.push({ ...below, hash: child.slice() })
    }
  }
  return true
}

/** None of a node that is damaged: what it names is not looked for, and reading it says what is wrong. */
function childrenOf(
  store: BlockStore,
  { aead }: PayloadDescriptor,
  { hash, level }: PartPlace & { readonly hash: Id }
): readonly Id[] {
  try {
    const bytes = store.readSector(hash)
    return bytes === undefined ? [] : listNode(aead, level, bytes).hashes
  } catch {
    return []
  }
}
