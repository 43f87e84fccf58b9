/**
 * What a host without keys can do with a payload: list every sector and node that it needs, to keep, replicate,
 * count and repair them (B.6). Inner nodes name their children in clear.
 */
import { formatId } from '@blocktree/codec'
import { aeadTagBytes } from '@blocktree/crypto'
import { inlineBytesMax } from './limits.ts'
import type { ReadSector } from './payload-reader.ts'
import { noAead } from './payload-shape.ts'
import type { Id, PayloadDescriptor } from './records.ts'
import { isHole, listNode } from './sector.ts'
import { TreeError } from './tree-error.ts'

/** A stored part of a payload; level 0 is a sector. */
export interface PayloadPart {
  readonly hash: Id
  readonly level: number
}

/**
 * Every stored part, a node before its children; holes are left out. A node that occurs again is listed once, so
 * that a few hostile nodes which name each other 256 times do not make the listing endless. A node that is not held ends
 * the listing with ERR_SECTOR_MISSING, and bytes that are no node of their level with ERR_PAYLOAD_SHAPE, unless `onMissing`
 * takes it: anybody who may write can name garbage as a node, and what else there is has to be listed nevertheless.
 * @param readSector asked for nodes only, never for sectors
 */
export function* listReferences(
  payload: PayloadDescriptor,
  readSector: ReadSector,
  options?: { readonly onMissing?: (part: PayloadPart) => void }
): Generator<PayloadPart, void, undefined> {
  const stack: PayloadPart[] = [{ hash: payload.rootHash, level: payload.levels }]
  const listed = new Set<string>()
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (isHole(part) || (part.level > 0 && isRepeated(listed, part))) continue
    yield part
    if (part.level === 0) continue
    const level = part.level - 1
    try {
      for (const hash of childrenOf(payload, part, readSector).toReversed()) stack.push({ hash, level })
    } catch (error) {
      if (!(error instanceof TreeError) || options?.onMissing === undefined) throw error
      options.onMissing(part)
    }
  }
}

function childrenOf(payload: PayloadDescriptor, node: PayloadPart, readSector: ReadSector): readonly Id[] {
  const bytes = readSector(node.hash)
  if (bytes !== undefined) return listNode(payload.aead, node.level, bytes).hashes
  throw new TreeError('ERR_SECTOR_MISSING', `the inner node ${formatId(node.hash)} is not held here`)
}

function isRepeated(listed: Set<string>, node: PayloadPart): boolean {
  const count = listed.size
  return listed.add(node.hash.toHex()).size === count
}

/** True when the one sector of this payload may be stored and sent beside its header. */
export function mayBeInline(payload: PayloadDescriptor): boolean {
  const tag = payload.aead === noAead ? 0 : aeadTagBytes
  return payload.levels === 0 && payload.stored > 0 && payload.stored <= inlineBytesMax + tag
}
