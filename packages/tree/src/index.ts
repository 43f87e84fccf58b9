export { blockId, decodeBirth, encodeBirth, homeZone, rootBirth, zoneOfChildren } from './birth.ts'
export { type BlockKey, blockKey, blockKeyFromBytes, checkBlockKey } from './block-key.ts'
export { capScope, checkAttenuation, decodeCapBody, encodeCapBody, isScopeInside, issueCap } from './cap.ts'
export { baseExtension, namedBase } from './base.ts'
export { sealedExtension } from './extension.ts'
export {
  type KeepPolicy,
  type KeepPolicyInForce,
  copiesMax,
  keepPolicyInForce,
  keepPolicyOf,
  keepsOnDemand,
  onDemandEndpoint,
  withKeepPolicy
} from './keep-policy.ts'
export type { PruneOptions, PruneReport } from './pruning.ts'
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
export {
  type AnyRecord,
  type Birth,
  type BlockKind,
  type BlockMetadata,
  type BlockStateCode,
  type CapBody,
  type CapRecord,
  type CheckpointBody,
  type CheckpointRecord,
  type Cut,
  type DeliveryBody,
  type DeliveryRecord,
  type EndpointBody,
  type EndpointRecord,
  type EpochBody,
  type EpochRecord,
  type Extension,
  type Extensions,
  type GrantBody,
  type GrantRecord,
  type GrantRevocationBody,
  type GrantRevocationRecord,
  type HeaderBody,
  type HeaderPrivate,
  type HeaderRecord,
  type Id,
  type PayloadDescriptor,
  type PrincipalBody,
  type PrincipalRecord,
  type Quota,
  type ReceiptBody,
  type ReceiptRecord,
  type RecordType,
  type RevocationBody,
  type RevocationRecord,
  type ScopeType,
  type SignedRecord,
  type SuccessionBody,
  type SuccessionRecord,
  type TreeBody,
  type TreeRecord,
  blockKind,
  blockState,
  formatVersion,
  grantTarget,
  recipientType,
  recordType,
  right,
  scopeType
} from './records.ts'
export { type Draft, type Signer, recordBytesLimit, signRecord } from './signed-record.ts'
export { TreeError, type TreeErrorCode } from './tree-error.ts'
export {
  checkTreeRecord,
  createTree,
  decodeTreeBody,
  encodeTreeBody,
  recoveryCommitment
} from './tree-record.ts'
export { Authority, type ZoneBirth } from './authority.ts'
export type { Explanation, ExplanationFailure, ExplanationStep } from './explain.ts'
export type { HeldRecords, VersionedHead } from './held-records.ts'
export {
  type Admission,
  type BlockChange,
  type BlockLabels,
  type BlockState,
  type BlockSummary,
  type BlockTips,
  type ChildEntry,
  type HistoryEntry,
  type IdRange,
  type LocalBatch,
  type NewFiles,
  type LocalRecord,
  type NameKeys,
  type Offer,
  type OfferOutcome,
  type OfferResult,
  type Page,
  type ParkedCount,
  type TakenRecord,
  type TreeState,
  type TreeStateOptions,
  type TreeStatistics,
  createTreeState
} from './tree-state.ts'
export { createCheckpoint, decodeCheckpointBody, encodeCheckpointBody } from './checkpoint.ts'
export {
  type DeliveryDraft,
  checkDeliveryFitsGrant,
  createDelivery,
  decodeDeliveryBody,
  encodeDeliveryBody,
  openDelivery
} from './delivery.ts'
export {
  createEndpoint,
  decodeEndpointBody,
  encodeEndpointBody,
  endpointName,
  nameOfEndpoint
} from './endpoint.ts'
export {
  type EpochDraft,
  type OpenEpoch,
  compareEpochs,
  createEpoch,
  decodeEpochBody,
  encodeEpochBody,
  openInheritedKey,
  openPastKey
} from './epoch.ts'
export {
  createGrantRevocation,
  decodeGrantRevocationBody,
  encodeGrantRevocationBody
} from './grant-revocation.ts'
export {
  createGrant,
  decodeGrantBody,
  encodeGrantBody,
  linkRecipient,
  renewedGrant,
  renewsGrant
} from './grant.ts'
export { coverage, createReceipt, decodeReceiptBody, durabilityClass, encodeReceiptBody } from './receipt.ts'
export { decodeRecord, recordIdOf, verifyRecordSignature } from './record.ts'
export { createRevocation, decodeRevocationBody, encodeRevocationBody } from './revocation.ts'
export { createSuccession, decodeSuccessionBody, encodeSuccessionBody } from './succession.ts'
export { type EpochSource, ZoneKeyRing } from './zone-key-ring.ts'
export { checkZoneKey, zoneKeyBytes, zoneKeyCommitment } from './zone-key.ts'
export {
  ManifestDecoder,
  type ManifestHead,
  type ManifestRow,
  compareRows,
  encodeManifestRow
} from './manifest.ts'
export {
  HeadsRootBuilder,
  TrieBuilder,
  type TrieProof,
  type TrieStep,
  headsValue,
  idSetRoot,
  proveTrieKey,
  trieRoot,
  verifyTrieProof
} from './trie.ts'
export {
  type EmitSector,
  PayloadAssembly,
  type PayloadState,
  padLeaf,
  payloadState,
  sealLeaves
} from './payload-assembly.ts'
export {
  type LeafReference,
  PayloadReader,
  type PayloadReaderOptions,
  type ReadSector
} from './payload-reader.ts'
export { type PayloadPart, listReferences, mayBeInline } from './payload-references.ts'
export { type PayloadChange, type UpdateDeps, storedBytesOf, updatePayload } from './payload-update.ts'
export { PayloadWriter, type PayloadWriterOptions } from './payload-writer.ts'
export {
  type Reference,
  type SealContext,
  type SealedSector,
  checkSectorHash,
  holeReference,
  isHole,
  listNode,
  openNode,
  openSector,
  sealNode,
  nodeStoredBytes,
  sealSector,
  sectorStoredBytes
} from './sector.ts'
export { type CoverVerdict, coversBlock, coversZone } from './covers.ts'
export { type GoverningCuts, governingCuts } from './revocation-cut.ts'
export { isZoneInside, zoneChain } from './scope.ts'
export { anchorsOf } from './anchor.ts'
export { type AcceptanceContext, type AcceptanceVerdict, checkRecord } from './acceptance.ts'
export { type BlockEvaluation, evaluateBlock } from './block-state.ts'
export {
  type CheckpointMakerDeps,
  type CheckpointOptions,
  type ZoneRoots,
  authorityRoot,
  makeCheckpoint,
  zoneRoots
} from './checkpoint-maker.ts'
export type { StateClaim } from './rollback.ts'
export { newFileRows } from './new-file-rows.ts'
export { reindex } from './reindex.ts'
export { type RowProblem, nameProblems, rowProblems } from './row-comparison.ts'
export { isCheckpointValid, isCurrentAuthority, isHeaderValid } from './validity.ts'
export { type CapChain, CapChains, type ChainVerdict, isRoot } from './cap-chain.ts'
export {
  type Placement,
  type ViewedBlock,
  compareClaims,
  conflictName,
  freeConflictName,
  hasIdPrefix,
  invalidName,
  parseConflictName,
  placeBlocks,
  shownNames
} from './directory-view.ts'
export {
  type Path,
  formatPath,
  isValidName,
  nameProblem,
  parentPath,
  parseName,
  parsePath,
  pathOf
} from './path.ts'
export { currentRoot, successionLine } from './succession-line.ts'
