/** ERIS: immutable content by URN; encoding, decoding, random access, directory trees (pure). */
export { decodeBase32, encodeBase32 } from './base32.ts'
export { type Block, type Hashing, nameBlock, verifyBlock } from './block.ts'
export {
  type BlockReference,
  type ReferenceKey,
  formatReference,
  parseReference,
  referenceKey,
  referenceOfKey,
  toReference
} from './block-reference.ts'
export {
  type BlockSize,
  arityOf,
  chooseBlockSize,
  isBlockSize,
  largeBlock,
  smallBlock
} from './block-size.ts'
export { type OpeningOptions } from './block-opening.ts'
export {
  type ByteRange,
  type VerifiedContent,
  blockCountOf,
  blocksOf,
  contentLength,
  readContent,
  readWhole,
  verifyContent
} from './content.ts'
export { nullSecret, secretBytes, uniqueSecret } from './convergence-secret.ts'
export {
  type EncodedContent,
  type Encoder,
  type EncoderOptions,
  createEncoder,
  encodeContent
} from './encoder.ts'
export { ErisError, type ErisErrorCode } from './eris-error.ts'
export {
  type ReadCapability,
  capabilityBytes,
  decodeCapability,
  encodeCapability,
  formatUrn,
  parseUrn
} from './read-capability.ts'
export {
  type BlockRequest,
  type BlockStore,
  type StoreOptions,
  type StorePermissions,
  allPermissions,
  getBlocks,
  putBlocks
} from './store-port.ts'
