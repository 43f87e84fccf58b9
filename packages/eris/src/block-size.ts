/** The two block sizes of ERIS 1.0 and which one content gets by custom. */
import { pairBytes } from '@blocktree/crypto'

/** Bytes of one block. */
export type BlockSize = 1024 | 32768

export const smallBlock = 1024
export const largeBlock = 32768

/** Content below this gets small blocks when nobody chooses (16 KiB, as other implementations do). */
const smallContentBytes = 16_384

export function isBlockSize(bytes: number): bytes is BlockSize {
  return bytes === smallBlock || bytes === largeBlock
}

/** @param contentBytes undefined when the length is not known yet */
export function chooseBlockSize(contentBytes: number | undefined): BlockSize {
  return contentBytes !== undefined && contentBytes < smallContentBytes ? smallBlock : largeBlock
}

/** How many reference-key pairs fill a node. */
export function arityOf(blockSize: BlockSize): number {
  return blockSize / pairBytes
}
