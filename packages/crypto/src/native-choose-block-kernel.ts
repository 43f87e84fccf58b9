/**
 * The fastest block kernel of this machine, by the figures of doc/adr/0015-eris.md: hashes in WebAssembly with vectors,
 * the cipher of libsodium for large blocks; libsodium alone; noble.
 */
import type { BlockKernel } from './block-kernel.ts'
import { createNativeBlockKernel } from './native-block-kernel.ts'
import { createPortableBlockKernel } from './portable-block-kernel.ts'
import { createSimdBlockKernel } from './simd-block-kernel.ts'
import { loadSodiumBlocks } from './sodium-blocks.ts'

/** Each call gives a kernel of its own; creating one takes about a millisecond after the first. */
export function chooseBlockKernel(): BlockKernel {
  const sodium = loadSodiumBlocks()
  const cipher =
    sodium === undefined
      ? undefined
      : (block: Uint8Array, nonce: Uint8Array, key: Uint8Array): void =>
          sodium.crypto_stream_chacha20_ietf_xor(block, block, nonce, key)
  return createSimdBlockKernel(cipher) ?? createNativeBlockKernel() ?? createPortableBlockKernel()
}
