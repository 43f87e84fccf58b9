/**
 * The thirteen record types of format 1 as values: what a decoded body says, in the order of its fields
 * (MODEL B.1 to B.12, doc/spec/05-records.md). Ids are 32 raw bytes; an absent field is `undefined` here and nil
 * in the bytes. Encoders, decoders and signing stand beside each type in its own file.
 */

/** 32 raw bytes: a record, block, principal or sector id. */
export type Id = Uint8Array

export const recordType = {
  principal: 1,
  tree: 2,
  succession: 3,
  cap: 4,
  revocation: 5,
  epoch: 6,
  grant: 7,
  delivery: 8,
  grantRevocation: 9,
  header: 10,
  checkpoint: 11,
  receipt: 12,
  endpoint: 13
} as const
export type RecordType = (typeof recordType)[keyof typeof recordType]

export const formatVersion = 1

/** An extension that this version does not know and that is not critical; kept with the record (B.1.2). */
export interface Extension {
  readonly code: number
  readonly critical: boolean
  readonly bytes: Uint8Array
}
export type Extensions = readonly Extension[]

/** A signed record: decoded body and the exact bytes it came from. */
export interface SignedRecord<Type extends RecordType, Body> {
  readonly type: Type
  readonly id: Id // SHA-256 of the sign input
  readonly signer: Id
  readonly body: Body
  readonly bytes: Uint8Array // the envelope, stored and sent as it is
}

export interface PrincipalBody {
  readonly signingPublicKey: Uint8Array // 32, Ed25519
  readonly encapsulationPublicKey: Uint8Array // 1216, X-Wing
  readonly ext: Extensions
}

export interface TreeBody {
  readonly root: Id
  readonly recovery: Id | undefined // commitment to the recovery principal
  readonly insecure: boolean // flags bit 0: made under a seeded Random
  readonly nonce: Uint8Array // 16
  readonly ext: Extensions
}

/** A zone and the checkpoint that is its cut. */
export interface Cut {
  readonly zone: Id
  readonly checkpoint: Id
}

export interface SuccessionBody {
  readonly tree: Id
  readonly generation: number
  readonly newRoot: Id
  readonly newRecovery: Id | undefined
  readonly keepCaps: readonly Id[]
  readonly cuts: readonly Cut[]
  readonly prev: Id
  readonly ext: Extensions
}

export const right = {
  write: 1,
  create: 2,
  delete: 4,
  delegate: 8,
  grant: 16,
  host: 32,
  admin: 64,
  keep: 128
} as const

export const scopeType = { zone: 0, block: 1 } as const
export type ScopeType = (typeof scopeType)[keyof typeof scopeType]

export interface Quota {
  readonly bytes: number
  readonly blocks: number
  readonly recordsPerDay: number
}

export interface CapBody {
  readonly tree: Id
  readonly rootGeneration: number
  readonly parentCap: Id | undefined
  readonly subject: Id
  readonly scopeType: ScopeType
  readonly scopeBirth: Uint8Array // exact birth bytes; the scope id is their hash
  readonly rights: number // u32, unknown bits grant nothing
  readonly depth: number // u8
  readonly notBefore: number | undefined // milliseconds since 1970
  readonly notAfter: number | undefined
  readonly quota: Quota | undefined
  readonly nonce: Uint8Array // 16
  readonly ext: Extensions
}

export interface RevocationBody {
  readonly tree: Id
  readonly target: Id
  readonly by: Id | undefined // the cap under which the signer revokes; undefined for the root
  readonly cuts: readonly Cut[]
  readonly reason: number // u8
  readonly ext: Extensions
}

export interface EpochBody {
  readonly tree: Id
  readonly zone: Id
  readonly number: number
  readonly prev: readonly Id[]
  readonly suite: number // AEAD code
  readonly keyCommitment: Uint8Array // zkc
  readonly past: readonly Uint8Array[] // 48 bytes each, aligned with prev
  readonly inherit: { readonly parentEpoch: Id; readonly sealedKey: Uint8Array } | undefined
  readonly cap: Id | undefined
  readonly ext: Extensions
}

export const grantTarget = { zone: 0, block: 1 } as const
export const recipientType = { principal: 1, link: 2 } as const

export interface GrantBody {
  readonly tree: Id
  readonly targetType: (typeof grantTarget)[keyof typeof grantTarget]
  readonly target: Id
  readonly recipientType: (typeof recipientType)[keyof typeof recipientType]
  readonly recipient: Id
  readonly notAfter: number | undefined
  readonly cap: Id | undefined
  readonly nonce: Uint8Array // 16
  readonly ext: Extensions
}

export interface DeliveryBody {
  readonly grant: Id
  readonly epoch: Id
  readonly keyVersion: number | undefined // kv of a block grant
  readonly suite: number
  readonly encapsulation: Uint8Array // X-Wing ciphertext, or a 32-byte salt for a link
  readonly wrapped: Uint8Array // 48
  readonly cap: Id | undefined
  readonly ext: Extensions
}

export interface GrantRevocationBody {
  readonly tree: Id
  readonly grant: Id
  readonly cap: Id | undefined
  readonly ext: Extensions
}

export const blockKind = { directory: 1, file: 2, package: 3, node: 4, symlink: 5 } as const
export type BlockKind = (typeof blockKind)[keyof typeof blockKind]

/** What a block was born as; its hash is the block id, so none of it ever changes (B.3). */
export interface Birth {
  readonly tree: Id
  readonly zone: Id | undefined // undefined only for the root block
  readonly parent: Id | undefined
  readonly creator: Id
  readonly kind: BlockKind
  readonly zoneRoot: boolean // flags bit 0
  readonly public: boolean // flags bit 1
  readonly rank: number
  readonly nonce: Uint8Array // 16
}

export interface PayloadDescriptor {
  readonly aead: number // AEAD code; 0 in public zones
  readonly sectorLog2: number // 12..20
  readonly levels: number
  readonly stored: number // bytes of all sectors and nodes as stored
  readonly rootHash: Uint8Array
}

export const blockState = { live: 0, deleted: 1 } as const
export type BlockStateCode = (typeof blockState)[keyof typeof blockState]

/** The public part of a header (B.4), with what follows from its bytes. */
export interface HeaderBody {
  readonly birthBytes: Uint8Array
  readonly birth: Birth
  readonly block: Id // hash of the birth
  readonly version: number // a claim; ordering uses the effective version
  readonly prev: readonly Id[]
  readonly state: BlockStateCode
  readonly parent: Id | undefined
  readonly epoch: Id | undefined
  readonly keyVersion: number // kv
  readonly keyCommitment: Uint8Array | undefined // kc
  readonly payload: PayloadDescriptor | undefined
  readonly cap: Id | undefined
  readonly ext: Extensions
  readonly publicBytes: Uint8Array // the exact bytes, associated data of `sealed`
  readonly sealed: Uint8Array
}

/** The sealed part of a header, opened. */
export interface HeaderPrivate {
  readonly name: string
  readonly metadata: BlockMetadata
  readonly size: number // exact bytes of the payload
  readonly rootKey: Uint8Array | undefined
  readonly ext: Extensions
}

/** What a person may say about a block; every field optional in the bytes (nil). */
export interface BlockMetadata {
  readonly modifiedMs: number | undefined
  readonly mode: number | undefined // POSIX permission bits
  readonly mediaType: string | undefined
  readonly attributes: readonly (readonly [name: string, value: Uint8Array])[] // sorted by name
}

export interface CheckpointBody {
  readonly tree: Id
  readonly zone: Id
  readonly sequence: number
  readonly prev: readonly Id[]
  readonly headsRoot: Uint8Array
  readonly blocks: number
  readonly graveRoot: Uint8Array
  readonly graves: number
  readonly authorityRoot: Uint8Array
  readonly manifest: PayloadDescriptor & { readonly size: number; readonly rootKey: Uint8Array | undefined }
  readonly timeMs: number
  readonly cap: Id | undefined
  readonly ext: Extensions
}

export interface ReceiptBody {
  readonly tree: Id
  readonly zone: Id
  readonly records: readonly Id[]
  readonly coverage: 1 | 2
  readonly durability: 0 | 1 | 2
  readonly timeMs: number
  readonly keepUntilMs: number | undefined
  readonly term: number | undefined
  readonly fence: number | undefined
  readonly challenge: { readonly nonce: Uint8Array; readonly proof: Id } | undefined
  readonly cap: Id | undefined
  readonly ext: Extensions
}

/** A node's transport key and addresses, certified by its principal. */
export interface EndpointBody {
  readonly tree: Id
  readonly transportKey: Uint8Array
  readonly addresses: readonly string[]
  readonly notAfter: number
  readonly sequence: number
  readonly ext: Extensions
}

export type PrincipalRecord = SignedRecord<1, PrincipalBody>
export type TreeRecord = SignedRecord<2, TreeBody>
export type SuccessionRecord = SignedRecord<3, SuccessionBody>
export type CapRecord = SignedRecord<4, CapBody>
export type RevocationRecord = SignedRecord<5, RevocationBody>
export type EpochRecord = SignedRecord<6, EpochBody>
export type GrantRecord = SignedRecord<7, GrantBody>
export type DeliveryRecord = SignedRecord<8, DeliveryBody>
export type GrantRevocationRecord = SignedRecord<9, GrantRevocationBody>
export type HeaderRecord = SignedRecord<10, HeaderBody>
export type CheckpointRecord = SignedRecord<11, CheckpointBody>
export type ReceiptRecord = SignedRecord<12, ReceiptBody>
export type EndpointRecord = SignedRecord<13, EndpointBody>

export type AnyRecord =
  | PrincipalRecord
  | TreeRecord
  | SuccessionRecord
  | CapRecord
  | RevocationRecord
  | EpochRecord
  | GrantRecord
  | DeliveryRecord
  | GrantRevocationRecord
  | HeaderRecord
  | CheckpointRecord
  | ReceiptRecord
  | EndpointRecord
