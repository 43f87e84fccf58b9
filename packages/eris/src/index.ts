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
export { type ErisLink, decodeLinkFile, encodeLinkFile, linkFileBytesMax } from './link-file.ts'
export { type Magnet, formatMagnet, parseMagnet } from './magnet.ts'
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
export {
  type EncodedTree,
  type Tree,
  type TreeEncodingOptions,
  type TreeSource,
  encodeTree,
  openTree
} from './tree.ts'
export {
  type TreeEntry,
  type TreeIndexItem,
  beginsTreeIndex,
  decodeTreeIndex,
  encodeTreeIndex
} from './tree-index.ts'
export { escapingLinks } from './tree-links.ts'
export { type TreePath, formatTreePath, parseTreePath, toTreePath } from './tree-path.ts'
