/** What may stand in an inner node: pairs from the front, zeros behind them (doc/spec/25-eris.md). */
import { pairBytes } from '@blocktree/crypto'
import { ErisError } from './eris-error.ts'

/** Where a node stands; it decides how many pairs it must have. */
export interface NodePlace {
  readonly isRoot: boolean
  /** Nothing of the tree lies to the right of it: only such a node may be short. */
  readonly isAtRightEdge: boolean
}

/**
 * The pairs of a decrypted node, a view. ERR_ERIS_NODE_INVALID for bytes behind the first empty pair, for a short node
 * that is not the last of its level, and for a root with one pair: every content has one tree, and a small one cannot
 * pose as a huge one.
 */
export function pairsOfNode(node: Uint8Array, { isRoot, isAtRightEdge }: NodePlace): Uint8Array {
  const length = usedLength(node)
  const least = isRoot ? 2 * pairBytes : isAtRightEdge ? pairBytes : node.length
  if (length >= least) return node.subarray(0, length)
  throw new ErisError(
    'ERR_ERIS_NODE_INVALID',
    `an inner node holds ${length / pairBytes} references where at least ${least / pairBytes} belong`
  )
}

function usedLength(node: Uint8Array): number {
  let length = 0
  while (length < node.length && !isZero(node, length, length + pairBytes)) length += pairBytes
  if (isZero(node, length, node.length)) return length
  throw new ErisError(
    'ERR_ERIS_NODE_INVALID',
    `an inner node goes on behind the end of its references, at ${length}`
  )
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (bytes[index] !== 0) return false
  return true
}
