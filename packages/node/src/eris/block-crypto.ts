/** The block kernel and its threads for programs that work on content by URN without a node. */
export { chooseBlockKernel, createBlockWorkers } from '@blocktree/crypto/native-block-kernel'
