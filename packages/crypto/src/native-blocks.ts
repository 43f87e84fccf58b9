/** Block kernels on Node: the fastest one of this machine, libsodium alone, and kernels on worker threads. */
export { createNativeBlockKernel } from './native-block-kernel.ts'
export { createBlockWorkers } from './native-block-workers.ts'
export { chooseBlockKernel } from './native-choose-block-kernel.ts'
