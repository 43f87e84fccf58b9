/** The block kernel of this process: made when the first block is checked. */
import type { Hashing } from '@blocktree/eris'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'

let kernel: Hashing | undefined

export const hashing: Hashing = {
  hash: (bytes) => (kernel ??= chooseBlockKernel()).hash(bytes)
}
