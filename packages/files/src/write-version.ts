/**
 * Headers of new blocks and next versions: chooses cap, epoch and key, seals and signs, and hands back what
 * `commitLocal` takes. Everything here is synchronous, so a check before it and the commit after it are one step to
 * every other operation of this node.
 */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import {
  type Birth,
  type BlockKind,
  type BlockMetadata,
  type BlockStateCode,
  type Extension,
  type HeaderPrivate,
  type HeaderRecord,
  type Id,
  type LocalRecord,
  type PayloadDescriptor,
  type Signer,
  type StoredSector,
  blockId,
  blockKey,
  blockState,
  createHeader,
  encodeBirth,
  homeZone,
  limits,
  noMetadata,
  right,
  sealedExtension
} from '@blocktree/tree'
import type { Actor, WriteKey } from './actor.ts'
import { type FilesContext, type Located, accessDenied, isPublicZone, openFor } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { idKey } from './id-key.ts'
import { deliverBlockKey } from './sharing/zone-delivery.ts'
import type { WriterCap } from './writer-caps.ts'

/** What a header says about content. A file without bytes has no payload. */
export interface Content {
  readonly payload: PayloadDescriptor | undefined
  readonly rootKey: Uint8Array | undefined
  readonly size: number
}

/** Content with the sealed bytes that have to be stored together with the header. */
export interface StoredContent extends Content {
  readonly inline: Uint8Array | undefined
  readonly sectors: readonly StoredSector[]
}

export const noContent: StoredContent = {
  payload: undefined,
  rootKey: undefined,
  size: 0,
  inline: undefined,
  sectors: []
}

/** Everything needed to sign a first version; plain values, so that it can be handed to a worker. */
export interface NewBlock {
  readonly tree: Id
  /** The zone that the block belongs to. */
  readonly zone: Id
  readonly parent: Id
  readonly kind: BlockKind
  readonly zoneRoot?: boolean
  readonly public?: boolean
  readonly cap: WriterCap
  readonly writeKey: WriteKey
  readonly name: string
  readonly metadata: BlockMetadata
  /** 16 bytes when the birth has to come out the same again (a resumed copy); else drawn. */
  readonly nonce?: Uint8Array
  readonly ext?: readonly Extension[]
  /** Of the public part. */
  readonly publicExt?: readonly Extension[]
}

export interface NewHeader {
  readonly block: Id
  readonly birth: Birth
  readonly birthBytes: Uint8Array
  readonly header: HeaderRecord
}

/** Birth of a block, without any signature: its id is known before its content is sealed. */
export function newBirth(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  creator: Id,
  block: NewBlock
): Omit<NewHeader, 'header'> {
  const birth: Birth = {
    tree: block.tree,
    zone: block.zone,
    parent: block.parent,
    creator,
    kind: block.kind,
    zoneRoot: block.zoneRoot ?? false,
    public: block.public ?? false,
    rank: block.cap.rank,
    nonce: block.nonce ?? deps.random.bytes(16)
  }
  const birthBytes = encodeBirth(birth)
  return { block: blockId(deps.crypto, birthBytes), birth, birthBytes }
}

export function signFirstVersion(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  signer: Signer,
  block: NewBlock,
  birth: Omit<NewHeader, 'header'>,
  content: Content
): NewHeader {
  const { epoch, key } = block.writeKey
  const header = createHeader(
    deps,
    signer,
    {
      birthBytes: birth.birthBytes,
      birth: birth.birth,
      block: birth.block,
      version: 1,
      prev: [],
      state: blockState.live,
      parent: block.parent,
      epoch,
      keyVersion: 0,
      payload: content.payload,
      cap: block.cap.cap,
      ext: block.publicExt ?? []
    },
    {
      name: block.name,
      metadata: block.metadata,
      size: content.size,
      rootKey: content.rootKey,
      ext: block.ext ?? []
    },
    key === undefined ? undefined : blockKey(deps.crypto, key, birth.block, 0)
  )
  return { ...birth, header }
}

/** The key for writing into a zone; ERR_KEY_MISSING when the actor cannot open its current epoch. */
export function writeKeyFor(context: FilesContext, actor: Actor, zone: Id, path: string): WriteKey {
  if (isPublicZone(context, zone)) return { epoch: undefined, key: undefined }
  const key = context.safeWriteKey(actor, zone, path)
  if (key !== undefined) return key
  throw new FilesError(
    'ERR_KEY_MISSING',
    `"${path}": the current key of this zone was not given to you: ask its owner for a grant`,
    { path }
  )
}

/** @throws ERR_ACCESS_DENIED naming the right */
export function capFor(
  actor: Actor,
  place: { readonly home: Id; readonly block: Id | undefined },
  rights: number,
  path: string
): WriterCap {
  const cap = actor.capFor(place, rights)
  if (cap !== undefined) return cap
  throw new FilesError(
    'ERR_ACCESS_DENIED',
    `"${path}": you hold no cap with ${rightNames(rights)} here: ask the owner, "why" shows the missing link`,
    { path }
  )
}

function rightNames(rights: number): string {
  const names = Object.entries(right)
    .filter(([, bit]) => (rights & bit) !== 0)
    .map(([name]) => `"${name}"`)
  return `the right ${names.join(' and ')}`
}

/** A first version under `parent`, ready to commit. */
export function makeBlock(
  context: FilesContext,
  actor: Actor,
  draft: {
    readonly parent: Id
    readonly zone: Id
    readonly kind: BlockKind
    readonly zoneRoot?: boolean
    readonly public?: boolean
    readonly name: string
    readonly metadata?: BlockMetadata
    readonly content?: (block: Id) => StoredContent
    readonly nonce?: Uint8Array
    readonly ext?: readonly Extension[]
    readonly publicExt?: readonly Extension[]
    readonly path: string
  }
): {
  readonly block: Id
  readonly birthBytes: Uint8Array
  readonly header: HeaderRecord
  readonly local: LocalRecord
  readonly content: StoredContent
} {
  const { zone, path } = draft
  const rights = draft.zoneRoot === true ? right.admin : right.create
  const newBlock: NewBlock = {
    tree: treeId(context),
    cap: capFor(actor, { home: zone, block: undefined }, rights, path),
    writeKey: writeKeyFor(context, actor, zone, path),
    metadata: noMetadata,
    ...draft
  }
  const birth = newBirth(context, actor.id, newBlock)
  const content = draft.content?.(birth.block) ?? noContent
  const { header } = signFirstVersion(context, actor.signer, newBlock, birth, content)
  return {
    block: birth.block,
    birthBytes: birth.birthBytes,
    header,
    local: localRecord(header, content.inline, context.names.keyOf(zone, draft.name)),
    content
  }
}

export function localRecord(
  header: HeaderRecord,
  inline: Uint8Array | undefined,
  nameKey: Uint8Array | undefined
): LocalRecord {
  return {
    record: header,
    ...(inline === undefined ? {} : { inline }),
    ...(nameKey === undefined ? {} : { nameKey })
  }
}

export function treeId(context: FilesContext): Id {
  const id = context.tree.tree
  if (id === undefined)
    throw new FilesError('ERR_FILE_NOT_FOUND', 'there is no tree here yet: create or import one first')
  return id
}

/** What the next version changes; everything else stays as it is. */
export interface VersionChange {
  readonly name?: string
  readonly parent?: Id
  readonly metadata?: BlockMetadata
  readonly content?: StoredContent
  readonly state?: BlockStateCode
  readonly movedTo?: Id
  /** Heads that this version settles, beside the winner. */
  readonly settles?: readonly Id[]
  /** The content comes from this held version of the block instead of the winner. */
  readonly from?: HeaderRecord
  /** Of the public part; as they are when absent. */
  readonly publicExt?: readonly Extension[]
  /** Changes the key of this block alone; kept as it is when absent. Needs the key of the zone. */
  readonly keyVersion?: number
}

export interface NextVersion {
  readonly header: HeaderRecord
  readonly local: LocalRecord
  /** The header, and the deliveries that keep readers of this one block reading when its key changed (A25). */
  readonly records: readonly LocalRecord[]
  /** The private part as sealed. */
  readonly opened: HeaderPrivate
}

/** The version after the winner of `located`, ready to commit. */
export function makeVersion(
  context: FilesContext,
  actor: Actor,
  located: Located,
  change: VersionChange,
  path: string
): NextVersion {
  const { header: winner } = located
  const source = change.from ?? winner
  const before = openOrDeny(context, actor, source, path)
  const { birth, block } = winner.body
  const state = change.state ?? blockState.live
  const cap = capFor(actor, { home: homeZone(birth, block), block }, rightsOfChange(birth, state), path)
  const sealing = sealingKey(context, actor, winner, path, change.keyVersion)
  const prev = previousOf(winner, change.settles ?? [])
  const content = contentOf(change, source, before, state)
  const opened: HeaderPrivate = {
    name: change.name ?? before.name,
    metadata: change.metadata ?? before.metadata,
    size: content.size,
    rootKey: content.rootKey,
    ext: extensionsOf(before, change.movedTo)
  }
  const header = createHeader(
    context,
    actor.signer,
    {
      birthBytes: winner.body.birthBytes,
      birth,
      block,
      version: nextVersionNumber(context, prev),
      prev,
      state,
      parent: change.parent ?? winner.body.parent,
      epoch: sealing.epoch,
      keyVersion: sealing.keyVersion,
      payload: content.payload,
      cap: cap.cap,
      ext: change.publicExt ?? winner.body.ext
    },
    opened,
    sealing.key
  )
  context.opened.set(idKey(header.id), opened)
  const inline = change.content === undefined ? inlineOf(context, source, content) : change.content.inline
  const nameKey =
    change.name === undefined ? undefined : context.names.keyOf(homeZone(birth, block), change.name)
  const local = localRecord(header, inline, nameKey)
  const deliveries = state === blockState.live ? deliverBlockKey(context, actor, header, winner).records : []
  return { header, local, records: deliveries.length === 0 ? [local] : [local, ...deliveries], opened }
}

/** A claim only: it stays at its greatest, so that a writer who claims that one stops nobody else (A17). */
function nextVersionNumber(context: FilesContext, prev: readonly Id[]): number {
  const greatest = Math.max(...prev.map((id) => context.tree.header(id)?.body.version ?? 0))
  return Math.min(1 + greatest, limits.versionMax)
}

/** @throws ERR_ACCESS_DENIED when the actor holds no key for the header */
export function openOrDeny(
  context: FilesContext,
  actor: Actor,
  header: HeaderRecord,
  path: string
): HeaderPrivate {
  const opened = openFor(context, actor, header)
  if (opened !== undefined) return opened
  throw accessDenied(path)
}

function rightsOfChange(birth: Birth, state: BlockStateCode): number {
  if (birth.zoneRoot) return right.admin
  return state === blockState.deleted ? right.delete : right.write
}

/** The current epoch of the zone; who holds the key of this one block keeps its epoch and key version (B.5). */
function sealingKey(
  context: FilesContext,
  actor: Actor,
  winner: HeaderRecord,
  path: string,
  nextKeyVersion: number | undefined
): {
  readonly epoch: Id | undefined
  readonly keyVersion: number
  readonly key: ReturnType<typeof blockKey> | undefined
} {
  const { body } = winner
  const zone = homeZone(body.birth, body.block)
  if (isPublicZone(context, zone)) return { epoch: undefined, keyVersion: 0, key: undefined }
  const current = context.safeWriteKey(actor, zone, path)
  const keyVersion = nextKeyVersion ?? body.keyVersion
  if (current?.key !== undefined) {
    return {
      epoch: current.epoch,
      keyVersion,
      key: blockKey(context.crypto, current.key, body.block, keyVersion)
    }
  }
  const own = actor.blockKey(body)
  if (own !== undefined && keyVersion === body.keyVersion) return { epoch: body.epoch, keyVersion, key: own }
  throw new FilesError('ERR_KEY_MISSING', `"${path}": the key for writing it was not given to you`, { path })
}

function previousOf(winner: HeaderRecord, settles: readonly Id[]): readonly Id[] {
  const others = settles.filter((id) => idKey(id) !== idKey(winner.id))
  return [winner.id, ...others.slice(0, limits.previousMax - 1)]
}

function contentOf(
  change: VersionChange,
  source: HeaderRecord,
  before: HeaderPrivate,
  state: BlockStateCode
): Content {
  if (state === blockState.deleted) return noContent
  if (change.content !== undefined) return change.content
  return { payload: source.body.payload, rootKey: before.rootKey, size: before.size }
}

/** The sector beside a header goes with each version that uses it: older headers may be pruned. */
export function inlineOf(
  context: FilesContext,
  source: HeaderRecord,
  content: Content
): Uint8Array | undefined {
  return content.payload === undefined ? undefined : context.tree.inlineOf(source.id)
}

function extensionsOf(before: HeaderPrivate, movedTo: Id | undefined): readonly Extension[] {
  const kept = before.ext.filter(({ code }) => code !== sealedExtension.movedTo)
  if (movedTo === undefined) return kept
  const moved: Extension = { code: sealedExtension.movedTo, critical: false, bytes: movedTo }
  return [...kept, moved].toSorted((left, right) => left.code - right.code)
}
