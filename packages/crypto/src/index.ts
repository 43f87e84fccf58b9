export {
  type BlockBatch,
  type BlockKernel,
  blockKeyBytes,
  pairBytes,
  referenceBytes
} from './block-kernel.ts'
export { type Argon2Cost } from './argument-check.ts'
export { type BlockWorkers } from './block-workers.ts'
export { CryptoError, type CryptoErrorCode } from './crypto-error.ts'
export {
  type AeadCode,
  type CryptoProvider,
  type DecapsulationKey,
  type Random,
  type SigningKey,
  aead,
  aeadTagBytes,
  sharedSecretBytes,
  signatureBytes,
  xWingCiphertextBytes,
  xWingPublicKeyBytes
} from './crypto-provider.ts'
export { keyFileCostDefault, keyFileCostMax } from './key-file.ts'
export {
  type KeyStorage,
  type OpenedPrincipalSecret,
  type PrincipalSecret,
  expectKeyName,
  keyNamePattern
} from './key-storage.ts'
export { createMemoryKeyStorage } from './memory-key-storage.ts'
export { generatePassphrase, passphraseWord, passphraseWordsMin, passwordBytes } from './passphrase.ts'
export { createPrincipalSecret } from './principal-secret.ts'
export { wipe } from './wipe.ts'
