/** The exported suites: whoever writes a driver for a port of this package runs these over it (needs vitest). */
export { testCryptoProvider } from './provider-conformance.ts'
export { testBlockKernel } from './block-kernel-conformance.ts'
export { testKeyStorage } from './key-storage-conformance.ts'
