/**
 * SHA-256 and HMAC-SHA-256 on Node. OpenSSL has the faster compression function, but each hash or HMAC object costs
 * 1 to 2 us and a finalizer for the collector; most inputs here are a few hundred bytes, which libsodium, or OpenSSL
 * in one call, takes faster out of a buffer of our own (doc/adr/0002-crypto-providers.md).
 */
import { createHash, createHmac, hash } from 'node:crypto'
import type { CryptoProvider } from './crypto-provider.ts'
import { plainView } from './plain-view.ts'
import type { Sodium } from './sodium.ts'

const blockBytes = 64 // of SHA-256
const digestBytes = 32
const scratchBytes = 2048 // longer inputs go to OpenSSL piece by piece
const sodiumBytesMax = 320 // crossover: libsodium takes 3 ns a byte, OpenSSL 0.6 us a call

type Hashing = Pick<CryptoProvider, 'sha256' | 'sha256Parts' | 'hmacSha256'>

export function createNativeHashing(sodium: Sodium | undefined): Hashing {
  return sodium === undefined ? openSslHashing : sodiumHashing(sodium)
}

const openSslHashing: Hashing = {
  sha256: (message) => plainView(hash('sha256', message, 'buffer')),
  sha256Parts(parts) {
    const [first, second] = parts
    if (first !== undefined && second === undefined) return openSslHashing.sha256(first)
    const digest = createHash('sha256')
    for (const part of parts) digest.update(part)
    return plainView(digest.digest())
  },
  hmacSha256(key, parts) {
    const hmac = createHmac('sha256', key)
    for (const part of parts) hmac.update(part)
    return plainView(hmac.digest())
  }
}

function sodiumHashing(sodium: Sodium): Hashing {
  // Keys and plaintext pass through: both are wiped after each use.
  const scratch = new Uint8Array(scratchBytes)
  const outer = new Uint8Array(blockBytes + digestBytes)
  const digest = new Uint8Array(digestBytes)

  /** Into `digest`. */
  const digestOf = (message: Uint8Array): void => {
    if (message.length <= sodiumBytesMax) sodium.crypto_hash_sha256(digest, message)
    else digest.set(hash('sha256', message, 'buffer'))
  }

  return {
    sha256: (message) => {
      if (message.length > sodiumBytesMax) return openSslHashing.sha256(message)
      sodium.crypto_hash_sha256(digest, message)
      return digest.slice()
    },
    sha256Parts(parts) {
      const length = totalBytes(parts)
      if (length > scratchBytes) return openSslHashing.sha256Parts(parts)
      join(parts, scratch, 0)
      digestOf(scratch.subarray(0, length))
      scratch.fill(0, 0, length)
      return digest.slice()
    },
    hmacSha256(key, parts) {
      const length = blockBytes + totalBytes(parts)
      if (key.length > blockBytes || length > scratchBytes) return openSslHashing.hmacSha256(key, parts)
      scratch.fill(innerPad, key.length, blockBytes)
      outer.fill(outerPad, key.length, blockBytes)
      for (let index = 0; index < key.length; index++) {
        const byte = key[index] ?? 0
        scratch[index] = byte ^ innerPad
        outer[index] = byte ^ outerPad
      }
      join(parts, scratch, blockBytes)
      digestOf(scratch.subarray(0, length))
      outer.set(digest, blockBytes)
      sodium.crypto_hash_sha256(digest, outer)
      const code = digest.slice()
      scratch.fill(0, 0, length)
      outer.fill(0)
      digest.fill(0)
      return code
    }
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
