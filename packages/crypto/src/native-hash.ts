/**
 * SHA-256 and HMAC-SHA-256 on Node. A hash object costs 1 to 2 us and a finalizer for the collector; the call that takes
 * the message and gives the digest as text costs 0.35 us and leaves nothing to finalize, so that is how public digests
 * come (doc/adr/0002-crypto-providers.md). Text cannot be wiped: codes of HMAC, which are keys, come from libsodium.
 */
import { createHash, createHmac, hash } from 'node:crypto'
import type { CryptoProvider } from './crypto-provider.ts'
import { plainView } from './plain-view.ts'
import type { NewBytes } from './result-room.ts'
import type { Sodium } from './sodium.ts'

const blockBytes = 64 // of SHA-256
const digestBytes = 32
const scratchBytes = 2048 // longer inputs go to OpenSSL piece by piece

type Hashing = Pick<CryptoProvider, 'sha256' | 'sha256Parts' | 'hmacSha256'>

/** Of Buffer; works on any view. */
const { latin1Write } = Buffer.alloc(0)

function digestInto(target: Uint8Array, message: Uint8Array): void {
  latin1Write.call(target, hash('sha256', message, 'latin1'))
}

export function createNativeHashing(sodium: Sodium | undefined, newBytes: NewBytes): Hashing {
  // Keys and plaintext pass through: wiped after each use.
  const scratch = new Uint8Array(scratchBytes)
  const sha256 = (message: Uint8Array): Uint8Array => {
    const digest = newBytes(digestBytes)
    digestInto(digest, message)
    return digest
  }
  return {
    sha256,
    sha256Parts(parts) {
      const length = totalBytes(parts)
      if (length > scratchBytes) return sha256OfLongParts(parts)
      join(parts, scratch, 0)
      const digest = sha256(scratch.subarray(0, length))
      scratch.fill(0, 0, length)
      return digest
    },
    hmacSha256: sodium === undefined ? openSslHmac : sodiumHmac(sodium, scratch, newBytes)
  }
}

function sha256OfLongParts(parts: readonly Uint8Array[]): Uint8Array {
  const [first, second] = parts
  if (first !== undefined && second === undefined) return plainView(hash('sha256', first, 'buffer'))
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return plainView(digest.digest())
}

function openSslHmac(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return plainView(hmac.digest())
}

function sodiumHmac(sodium: Sodium, scratch: Uint8Array, newBytes: NewBytes): Hashing['hmacSha256'] {
  const outer = new Uint8Array(blockBytes + digestBytes)
  const innerDigest = outer.subarray(blockBytes)
  return (key, parts) => {
    const length = blockBytes + totalBytes(parts)
    if (key.length > blockBytes || length > scratchBytes) return openSslHmac(key, parts)
    scratch.fill(innerPad, key.length, blockBytes)
    outer.fill(outerPad, key.length, blockBytes)
    for (let index = 0; index < key.length; index++) {
      const byte = key[index] ?? 0
      scratch[index] = byte ^ innerPad
      outer[index] = byte ^ outerPad
    }
    join(parts, scratch, blockBytes)
    digestInto(innerDigest, scratch.subarray(0, length))
    const code = newBytes(digestBytes)
    sodium.crypto_hash_sha256(code, outer)
    scratch.fill(0, 0, length)
    outer.fill(0)
    return code
  }
}

const innerPad = 0x36 // RFC 2104
const outerPad = 0x5c

function totalBytes(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

function join(parts: readonly Uint8Array[], target: Uint8Array, start: number): void {
  let offset = start
  for (const part of parts) {
    target.set(part, offset)
    offset += part.length
  }
}

declare global {
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    /** Of Node; works on any view, which spares a Buffer around it. */
    readonly latin1Write: (this: Uint8Array, text: string, offset?: number, length?: number) => number
  }
}
