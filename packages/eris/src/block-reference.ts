/** References: BLAKE2b-256 of an encrypted block, the name under which any store keeps it. */
import { referenceBytes } from '@blocktree/crypto'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { ErisError } from './eris-error.ts'

declare const referenceBrand: unique symbol
/** 32 bytes; not to be changed by anybody. */
export type BlockReference = Uint8Array & { readonly [referenceBrand]: true }

/** A reference as a key of maps: 16 characters that are not for people. */
export type ReferenceKey = string & { readonly [referenceBrand]: 'key' }

/** @param bytes kept, not copied; ERR_ERIS_REFERENCE for another length than 32 */
export function toReference(bytes: Uint8Array): BlockReference {
  if (bytes.length === referenceBytes) return bytes as BlockReference
  throw new ErisError(
    'ERR_ERIS_REFERENCE',
    `a block reference has ${referenceBytes} bytes, not ${bytes.length}`
  )
}

/** 52 characters of base32. */
export function formatReference(reference: BlockReference): string {
  return encodeBase32(reference)
}

/** The inverse of `formatReference`; ERR_ERIS_REFERENCE for anything else. */
export function parseReference(text: string): BlockReference {
  const bytes = decodeBase32(text, referenceBytes)
  if (bytes !== undefined) return toReference(bytes)
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
  throw new ErisError(
    'ERR_ERIS_REFERENCE',
    `${shown} is not a block reference: 52 characters of upper-case base32`
  )
}

export function referenceKey(reference: BlockReference): ReferenceKey {
  const at = (index: number): number => ((reference[index] ?? 0) << 8) | (reference[index + 1] ?? 0)
  return String.fromCharCode(
    at(0),
    at(2),
    at(4),
    at(6),
    at(8),
    at(10),
    at(12),
    at(14),
    at(16),
    at(18),
    at(20),
    at(22),
    at(24),
    at(26),
    at(28),
    at(30)
  ) as ReferenceKey
}

/** The inverse of `referenceKey`. */
export function referenceOfKey(key: ReferenceKey): BlockReference {
  const bytes = new Uint8Array(referenceBytes)
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    bytes[index * 2] = unit >>> 8
    bytes[index * 2 + 1] = unit & 0xff
  }
  return toReference(bytes)
}
