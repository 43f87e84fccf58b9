/**
 * A block whose reference was computed from its bytes. Only the functions here and the encoder make one, so whatever is
 * put into a store was verified before: a store never has to trust whoever names a reference.
 */
import type { BlockKernel } from '@blocktree/crypto'
import { type BlockReference, formatReference, toReference } from './block-reference.ts'
import { isBlockSize } from './block-size.ts'
import { ErisError } from './eris-error.ts'

declare const blockBrand: unique symbol
export interface Block {
  readonly reference: BlockReference
  /** 1,024 or 32,768 encrypted bytes, not to be changed; of a block that came from an encoder, only until it was put. */
  readonly bytes: Uint8Array
  readonly [blockBrand]: true
}

export type Hashing = Pick<BlockKernel, 'hash'>

/**
 * Names a block that came without a name.
 * @param bytes kept, not copied; ERR_ERIS_BLOCK_SIZE for another length than 1,024 and 32,768
 */
export function nameBlock(kernel: Hashing, bytes: Uint8Array): Block {
  expectBlockSize(bytes)
  return makeBlock(toReference(kernel.hash(bytes)), bytes)
}

/** Checks a block that somebody says has this reference; ERR_ERIS_BLOCK_SIZE, ERR_ERIS_BLOCK_CORRUPT. */
export function verifyBlock(kernel: Hashing, reference: BlockReference, bytes: Uint8Array): Block {
  expectBlockSize(bytes)
  const digest = kernel.hash(bytes)
  if (digest.every((byte, index) => byte === reference[index])) return makeBlock(reference, bytes)
  throw new ErisError(
    'ERR_ERIS_BLOCK_CORRUPT',
    `the block given for ${formatReference(reference)} has another hash; take it from another store`
  )
}

/** For the encoder, whose kernel has just computed the reference. */
export function makeBlock(reference: BlockReference, bytes: Uint8Array): Block {
  return { reference, bytes } as Block
}

function expectBlockSize(bytes: Uint8Array): void {
  if (isBlockSize(bytes.length)) return
  throw new ErisError('ERR_ERIS_BLOCK_SIZE', `a block of ${bytes.length} bytes: ERIS has 1,024 and 32,768`)
}
