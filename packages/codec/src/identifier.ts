/**
 * Identifiers in text (doc/spec/01-encoding.md): multibase base32 of the SHA-256 multihash, always 56
 * characters that begin with "bciq".
 */
import { base32 } from 'multiformats/bases/base32'
import { CodecError } from './codec-error.ts'

const multihashPrefix = [0x12, 0x20] as const // SHA-256, 32 bytes
const idBytes = 32
const textLength = 56 // "b" and 34 bytes at five bits a character

/** @param id 32 raw bytes, else ERR_CODEC_IDENTIFIER */
export function formatId(id: Uint8Array): string {
  if (id.length !== idBytes) {
    throw new CodecError('ERR_CODEC_IDENTIFIER', `an identifier has ${idBytes} bytes, not ${id.length}`)
  }
  const multihash = new Uint8Array(multihashPrefix.length + idBytes)
  multihash.set(multihashPrefix)
  multihash.set(id, multihashPrefix.length)
  return base32.encode(multihash)
}

/** The inverse of `formatId`; ERR_CODEC_IDENTIFIER for anything else, other spellings included. */
export function parseId(text: string): Uint8Array {
  const multihash = text.length === textLength ? decodeBase32(text) : undefined
  if (multihash === undefined) {
    throw new CodecError(
      'ERR_CODEC_IDENTIFIER',
      `${quote(text)} is not multibase base32 of ${textLength} characters`
    )
  }
  const id = multihash.slice(multihashPrefix.length)
  if (multihash[0] !== multihashPrefix[0] || multihash[1] !== multihashPrefix[1] || id.length !== idBytes) {
    throw new CodecError('ERR_CODEC_IDENTIFIER', `${quote(text)} is not a SHA-256 multihash`)
  }
  if (formatId(id) !== text) {
    throw new CodecError('ERR_CODEC_IDENTIFIER', `${quote(text)} is not the canonical spelling of its bytes`)
  }
  return id
}

function decodeBase32(text: string): Uint8Array | undefined {
  try {
    return base32.decode(text)
  } catch {
    return undefined
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
