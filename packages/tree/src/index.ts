export { blockId, decodeBirth, encodeBirth, homeZone, rootBirth, zoneOfChildren } from './birth.ts'
export { type BlockKey, blockKey, blockKeyFromBytes, checkBlockKey } from './block-key.ts'
export { capScope, checkAttenuation, decodeCapBody, encodeCapBody, isScopeInside, issueCap } from './cap.ts'
export { sealedExtension } from './extension.ts'
export { movedTo, noMetadata } from './header-private.ts'
export {
  type HeaderDraft,
  createHeader,
  decodeHeaderBody,
  encodeHeaderBody,
  openHeader,
  sealHeader
} from './header.ts'
export { sortedIds } from './id-set.ts'
export * as limits from './limits.ts'
export {
  bytesPerReference,
  childrenOfNode,
  leafLength,
  noAead,
  nodesAtLevel,
  payloadLevels
} from './payload-shape.ts'
export type {
  BlockStore,
  Clock,
  Durability,
  IndexReader,
  IndexRow,
  RangeOptions,
  StoreBatch,
  StoredRecord,
  StoredSector
} from './ports.ts'
export {
  type Principal,
  checkPrincipalRecord,
  createPrincipal,
  decodePrincipalBody,
  encodePrincipalBody,
  principalId
} from './principal.ts'
export * from './records.ts'
export { type Draft, type Signer, recordBytesLimit, signRecord } from './signed-record.ts'
export { TreeError, type TreeErrorCode } from './tree-error.ts'
export {
  checkTreeRecord,
  createTree,
  decodeTreeBody,
  encodeTreeBody,
  recoveryCommitment
} from './tree-record.ts'
