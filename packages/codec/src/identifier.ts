/** Identifiers in text: multibase base32 of the SHA-256 multihash (MODEL B.1.1). */
import { base32 } from 'multiformats/bases/base32'
import { CodecError } from './codec-error.ts'

const multihashPrefix = [0x12, 0x20] as const

/** @param id 32 raw bytes */
export function formatId(id: Uint8Array): string {
  const multihash = new Uint8Array(34)
  multihash.set(multihashPrefix)
  multihash.set(id, 2)
  return base32.encode(multihash)
}

/** The inverse of `formatId`; ERR_CODEC_IDENTIFIER for anything else, other spellings included. */
export function parseId(text: string): Uint8Array {
  let multihash: Uint8Array
  try {
    multihash = base32.decode(text)
  } catch (cause) {
    throw new CodecError('ERR_CODEC_IDENTIFIER', `"${text.slice(0, 80)}" is not multibase base32`, { cause })
  }
  const id = multihash.slice(2)
  if (multihash[0] !== multihashPrefix[0] || multihash[1] !== multihashPrefix[1] || id.length !== 32) {
    throw new CodecError('ERR_CODEC_IDENTIFIER', `"${text.slice(0, 80)}" is not a SHA-256 multihash`)
  }
  if (formatId(id) !== text) {
    throw new CodecError(
      'ERR_CODEC_IDENTIFIER',
      `"${text.slice(0, 80)}" is not the canonical spelling of its bytes`
    )
  }
  return id
}
