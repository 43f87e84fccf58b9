/** The block kernels of this process: made when the first block is checked. */
import { type Hashing, smallBlock } from '@blocktree/eris'
import { chooseBlockKernel, createNativeBlockKernel } from '@blocktree/crypto/native-block-kernel'

let small: Hashing | undefined
let large: Hashing | undefined

/** One hash at a time: the kernel with vectors is made for many, so long blocks go to libsodium where it is there. */
export const hashing: Hashing = {
  hash(bytes) {
    if (bytes.length <= smallBlock) return (small ??= chooseBlockKernel()).hash(bytes)
    return (large ??= createNativeBlockKernel() ?? chooseBlockKernel()).hash(bytes)
  }
}
