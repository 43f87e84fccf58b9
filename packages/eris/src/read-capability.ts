/**
 * The read capability: whoever has it can find, check and read the content (doc/spec/25-eris.md). 66 bytes:
 *
 *   0  1   block size as a power of two: 0x0a or 0x0f
 *   1  1   level of the root
 *   2  32  reference of the root
 *   34 32  key of the root
 *
 * As a URN: "urn:eris:" and 106 characters of base32. One content, block size and secret: one spelling.
 */
import { blockKeyBytes } from '@blocktree/crypto'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { type BlockReference, toReference } from './block-reference.ts'
import { type BlockSize, largeBlock, smallBlock } from './block-size.ts'
import { ErisError } from './eris-error.ts'
import { levelMax } from './limits.ts'

export interface ReadCapability {
  readonly blockSize: BlockSize
  /** 0: the root is the only block of content. */
  readonly level: number
  readonly rootReference: BlockReference
  /** 32 bytes; a secret as much as the content is. */
  readonly rootKey: Uint8Array
}

export const capabilityBytes = 66
export const urnPrefix = 'urn:eris:'
const smallExponent = 0x0a
const largeExponent = 0x0f

export function encodeCapability({ blockSize, level, rootReference, rootKey }: ReadCapability): Uint8Array {
  const bytes = new Uint8Array(capabilityBytes)
  bytes[0] = blockSize === smallBlock ? smallExponent : largeExponent
  bytes[1] = level
  bytes.set(rootReference, 2)
  bytes.set(rootKey, 34)
  return bytes
}

/** @throws ERR_ERIS_CAPABILITY for another length or block size, ERR_ERIS_LEVEL for a level no content reaches */
export function decodeCapability(bytes: Uint8Array): ReadCapability {
  if (bytes.length !== capabilityBytes) {
    throw new ErisError(
      'ERR_ERIS_CAPABILITY',
      `a read capability has ${capabilityBytes} bytes, not ${bytes.length}`
    )
  }
  const [exponent = 0, level = 0] = bytes
  if (exponent !== smallExponent && exponent !== largeExponent) {
    throw new ErisError(
      'ERR_ERIS_CAPABILITY',
      `a read capability that begins with ${exponent}: block sizes are ${smallExponent} and ${largeExponent}, as powers of two`
    )
  }
  const blockSize = exponent === smallExponent ? smallBlock : largeBlock
  expectLevel(level, blockSize)
  return {
    blockSize,
    level,
    rootReference: toReference(bytes.slice(2, 34)),
    rootKey: bytes.slice(34, 34 + blockKeyBytes)
  }
}

/** ERR_ERIS_LEVEL when no content of at most 2^53 bytes has a root this high. */
export function expectLevel(level: number, blockSize: BlockSize): void {
  if (Number.isInteger(level) && level >= 0 && level <= levelMax[blockSize]) return
  throw new ErisError(
    'ERR_ERIS_LEVEL',
    `a capability of level ${level}: with blocks of ${blockSize} bytes at most ${levelMax[blockSize]} is read`
  )
}

export function formatUrn(capability: ReadCapability): string {
  return urnPrefix + encodeBase32(encodeCapability(capability))
}

/** The inverse of `formatUrn`; ERR_ERIS_URN for any other text, then as `decodeCapability`. */
export function parseUrn(text: string): ReadCapability {
  const bytes = text.startsWith(urnPrefix)
    ? decodeBase32(text.slice(urnPrefix.length), capabilityBytes)
    : undefined
  if (bytes !== undefined) return decodeCapability(bytes)
  // The text may be a capability that was copied badly: only its beginning is shown.
  const shown = JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}...` : text)
  throw new ErisError(
    'ERR_ERIS_URN',
    `${shown} (${text.length} characters) is not "${urnPrefix}" and 106 characters of upper-case base32`
  )
}
