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
export { type KeyStorage, type PrincipalSecret } from './key-storage.ts'
export { wipe } from './wipe.ts'
