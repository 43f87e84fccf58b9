/** The block kernel over libsodium (sodium-native), one block after another: where WebAssembly has no vectors. */
import { expectBlockBatch, expectHashLength, expectSecret } from './block-batch.ts'
import { type BlockBatch, type BlockKernel, pairBytes, referenceBytes } from './block-kernel.ts'
import { loadSodiumBlocks } from './sodium-blocks.ts'

/** @returns undefined when the add-on is not installed or does not load */
export function createNativeBlockKernel(): BlockKernel | undefined {
  const sodium = loadSodiumBlocks()
  if (sodium === undefined) return undefined
  const nonce = new Uint8Array(12)
  const digest = new Uint8Array(referenceBytes)
  return {
    name: 'native',
    hash(bytes) {
      expectHashLength(bytes.length)
      const result = new Uint8Array(referenceBytes)
      sodium.crypto_generichash(result, bytes)
      return result
    },
    seal(batch, secret) {
      expectSecret(secret, batch.level)
      forEachBlock(batch, (block, reference, key) => {
        sodium.crypto_generichash(key, block, secret)
        nonce[0] = batch.level
        sodium.crypto_stream_chacha20_ietf_xor(block, block, nonce, key)
        sodium.crypto_generichash(reference, block)
        return true
      })
    },
    open: (batch) =>
      forEachBlock(batch, (block, reference, key) => {
        sodium.crypto_generichash(digest, block)
        if (!digest.every((byte, index) => byte === reference[index])) return false
        nonce[0] = batch.level
        sodium.crypto_stream_chacha20_ietf_xor(block, block, nonce, key)
        return true
      })
  }
}

/** Runs until a block is not good; how many were. */
function forEachBlock(
  batch: BlockBatch,
  run: (block: Uint8Array, reference: Uint8Array, key: Uint8Array) => boolean
): number {
  const count = expectBlockBatch(batch)
  const { blocks, blockBytes, pairs } = batch
  for (let index = 0; index < count; index++) {
    const at = index * pairBytes
    const isGood = run(
      blocks.subarray(index * blockBytes, (index + 1) * blockBytes),
      pairs.subarray(at, at + referenceBytes),
      pairs.subarray(at + referenceBytes, at + pairBytes)
    )
    if (!isGood) return index
  }
  return count
}
