/** The block kernel over noble: the oracle of the tests, and the last resort where no WebAssembly runs. */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { expectBlockBatch, expectHashLength, expectSecret } from './block-batch.ts'
import { type BlockKernel, pairBytes, referenceBytes } from './block-kernel.ts'

const digest = { dkLen: referenceBytes } as const

export function createPortableBlockKernel(): BlockKernel {
  const nonce = new Uint8Array(12)
  const hash = (bytes: Uint8Array): Uint8Array => {
    expectHashLength(bytes.length)
    return blake2b(bytes, digest)
  }
  return {
    name: 'portable',
    hash,
    seal(batch, secret) {
      const count = expectBlockBatch(batch)
      expectSecret(secret, batch.level)
      nonce[0] = batch.level
      for (let index = 0; index < count; index++) {
        const block = batch.blocks.subarray(index * batch.blockBytes, (index + 1) * batch.blockBytes)
        const key = secret === undefined ? hash(block) : blake2b(block, { ...digest, key: secret })
        block.set(chacha20(key, nonce, block))
        batch.pairs.set(hash(block), index * pairBytes)
        batch.pairs.set(key, index * pairBytes + referenceBytes)
      }
    },
    open(batch) {
      const count = expectBlockBatch(batch)
      nonce[0] = batch.level
      for (let index = 0; index < count; index++) {
        const block = batch.blocks.subarray(index * batch.blockBytes, (index + 1) * batch.blockBytes)
        const pair = batch.pairs.subarray(index * pairBytes, (index + 1) * pairBytes)
        if (!isEqual(hash(block), pair)) return index
        block.set(chacha20(pair.subarray(referenceBytes), nonce, block))
      }
      return count
    }
  }
}

function isEqual(digest: Uint8Array, pair: Uint8Array): boolean {
  return digest.every((byte, index) => byte === pair[index])
}
