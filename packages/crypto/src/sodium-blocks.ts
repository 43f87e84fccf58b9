/**
 * The two libsodium functions of the block kernel, from the same add-on as ./sodium.ts. They take what is hashed as a
 * buffer with offset and length; nothing is checked below.
 */
import { requireSodiumAddon } from './sodium.ts'

interface Addon {
  crypto_generichash(
    digest: ArrayBufferLike,
    digestOffset: number,
    digestLength: number,
    message: ArrayBufferLike,
    messageOffset: number,
    messageLength: number,
    key: ArrayBufferLike,
    keyOffset: number,
    keyLength: number
  ): number
  crypto_stream_chacha20_ietf_xor(
    target: Uint8Array,
    source: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array
  ): number
}

export interface SodiumBlocks {
  /** BLAKE2b with a digest as long as `digest`; a length of at least 16 must be given. */
  crypto_generichash(digest: Uint8Array, message: Uint8Array, key?: Uint8Array): void
  crypto_stream_chacha20_ietf_xor(
    target: Uint8Array,
    source: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array
  ): void
}

const noKey = new Uint8Array(0)

/** @returns undefined when the add-on is not installed, does not load or fails its known answer */
export function loadSodiumBlocks(): SodiumBlocks | undefined {
  try {
    const addon = requireSodiumAddon()
    if (!hasFunctions(addon)) return undefined
    const sodium: SodiumBlocks = {
      crypto_generichash(digest, message, key = noKey) {
        const status = addon.crypto_generichash(
          digest.buffer,
          digest.byteOffset,
          digest.byteLength,
          message.buffer,
          message.byteOffset,
          message.byteLength,
          key.buffer,
          key.byteOffset,
          key.byteLength
        )
        if (status !== 0) throw new Error(`crypto_generichash: ${status}`)
      },
      crypto_stream_chacha20_ietf_xor: (target, source, nonce, key) => {
        const status = addon.crypto_stream_chacha20_ietf_xor(target, source, nonce, key)
        if (status !== 0) throw new Error(`crypto_stream_chacha20_ietf_xor: ${status}`)
      }
    }
    const digest = new Uint8Array(32)
    sodium.crypto_generichash(digest, noKey)
    return digest.toHex() === digestOfNothing ? sodium : undefined
  } catch {
    return undefined // an optional dependency: absence is a supported state
  }
}

const digestOfNothing = '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8' // BLAKE2b-256

function hasFunctions(addon: unknown): addon is Addon {
  if (typeof addon !== 'object' || addon === null) return false
  return ['crypto_generichash', 'crypto_stream_chacha20_ietf_xor'].every(
    (name) => typeof Reflect.get(addon, name) === 'function'
  )
}
