/** Padding: 0x80 and zeros up to the next multiple of the block size; always at least one byte. */
import { ErisError } from './eris-error.ts'

export const paddingStart = 0x80

/** @returns how many bytes of the last block are content; ERR_ERIS_PADDING when it is not padded */
export function unpaddedLength(block: Uint8Array): number {
  let end = block.length - 1
  while (end >= 0 && block[end] === 0) end--
  if (end >= 0 && block[end] === paddingStart) return end
  throw new ErisError(
    'ERR_ERIS_PADDING',
    'the last block does not end in 0x80 and zeros: the capability was changed, or whoever encoded this made an error'
  )
}
