/** Block kernels that need no platform: the oracle, and the one with vectors. */
export { createPortableBlockKernel } from './portable-block-kernel.ts'
export { type BlockCipher, createSimdBlockKernel } from './simd-block-kernel.ts'
