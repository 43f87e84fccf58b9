/**
 * A story told with records, for the vectors of acceptance: people, caps, blocks and versions in a few words, in a public
 * tree of its own, and the order in which a node is offered them. What the node makes of it: ./vector-replay.ts.
 */
import type { Random } from '@blocktree/crypto'
import { zoneOfChildren } from '@blocktree/tree'
import * as tree from '@blocktree/tree'
import {
  type Born,
  type SeededPrincipal,
  born,
  crypto,
  filled,
  seededPrincipal,
  seededRandom
} from './vector-tree.ts'

/** Who signs: a principal, and the cap under which it does. */
export interface Author {
  readonly principal: SeededPrincipal
  readonly cap: tree.CapRecord | undefined
  readonly rank: number
}

/** One thing that is offered, by the name that it has in the story. */
export interface Step {
  readonly name: string
  readonly kind: 'record' | 'birth' | 'part'
  readonly bytes: Uint8Array
}

export interface VersionDraft {
  readonly parent?: tree.Id
  readonly deleted?: boolean
  /** What the header claims; 1 + the highest claim of prev when absent. */
  readonly version?: number
  readonly name?: string
  readonly epoch?: MadeEpoch
  /** What `content` gave. */
  readonly content?: Content
}

/** A payload in clear, for public zones. */
export interface Content {
  readonly payload: tree.PayloadDescriptor
  readonly size: number
  /** Sectors and nodes, each node after what it names. */
  readonly parts: readonly Uint8Array[]
}

export interface BirthDraft {
  readonly kind?: tree.BlockKind
  readonly zoneRoot?: boolean
  readonly public?: boolean
  readonly rank?: number
  /** Zone and parent that the birth names in place of those it should. */
  readonly zone?: tree.Id
  readonly nonce?: number
}

/** An epoch with the key that its headers are sealed under. */
export type MadeEpoch = ReturnType<typeof tree.createEpoch>

const zeros = new Uint8Array(32)
const people: Map<string, SeededPrincipal> = new Map()

/** The same name is the same principal in every story. */
export function personNamed(name: string): SeededPrincipal {
  const known = people.get(name) ?? seededPrincipal(name)
  people.set(name, known)
  return known
}

export class History {
  readonly random: Random
  readonly root: Author = { principal: personNamed('root'), cap: undefined, rank: 0 }
  readonly tree: tree.TreeRecord
  readonly rootBlock: Born
  readonly comment: string
  readonly steps: Step[] = []
  /** Block ids by the name of the block. */
  readonly blocks: Map<string, Born> = new Map()

  constructor(comment: string, options: { readonly private?: boolean } = {}) {
    this.comment = comment
    this.random = seededRandom(comment)
    this.tree = tree.createTree(crypto, this.root.principal, {
      recovery: tree.recoveryCommitment(crypto, personNamed('recovery').id),
      insecure: true,
      nonce: filled(16, 1)
    })
    this.rootBlock = born(
      tree.rootBirth(this.tree.id, this.root.principal.id, { public: options.private !== true })
    )
    this.blocks.set('/', this.rootBlock)
  }

  /** Offers a record under this name, and gives it back. */
  offer<Kept extends { readonly bytes: Uint8Array }>(name: string, record: Kept): Kept {
    const other = this.steps.find((step) => step.name === name)?.bytes ?? record.bytes
    if (Buffer.compare(other, record.bytes) !== 0) throw new Error(`"${name}" names two things`)
    this.steps.push({ name, kind: 'record', bytes: record.bytes })
    return record
  }

  offerBirth(name: string, place: Born): void {
    this.steps.push({ name, kind: 'birth', bytes: place.birthBytes })
  }

  offerPeople(...names: readonly string[]): void {
    for (const name of names) this.offer(name, personNamed(name).record)
  }

  /** What nearly every story begins with: root, tree record and root block. */
  begin(...names: readonly string[]): this {
    this.offerPeople('root', ...names)
    this.offer('tree', this.tree)
    return this
  }

  place(name: string, author: Author, parent: Born = this.rootBlock, draft: BirthDraft = {}): Born {
    const zoneRoot = draft.zoneRoot ?? false
    const made = born({
      tree: this.tree.id,
      zone: draft.zone ?? zoneOfChildren(parent.birth, parent.block),
      parent: parent.block,
      creator: author.principal.id,
      kind: draft.kind ?? (zoneRoot ? tree.blockKind.directory : tree.blockKind.file),
      zoneRoot,
      public: draft.public ?? zoneRoot,
      rank: draft.rank ?? author.rank,
      nonce: draft.nonce === undefined ? this.random.bytes(16) : filled(16, draft.nonce)
    })
    this.blocks.set(name, made)
    return made
  }

  directory(name: string, author: Author, parent?: Born, draft: BirthDraft = {}): Born {
    return this.place(name, author, parent, { kind: tree.blockKind.directory, ...draft })
  }

  zone(name: string, author: Author, parent?: Born, draft: BirthDraft = {}): Born {
    return this.place(name, author, parent, { zoneRoot: true, ...draft })
  }

  version(
    author: Author,
    place: Born,
    prev: readonly tree.HeaderRecord[] = [],
    draft: VersionDraft = {}
  ): tree.HeaderRecord {
    const { epoch } = draft
    const fields = {
      birthBytes: place.birthBytes,
      birth: place.birth,
      block: place.block,
      version: draft.version ?? 1 + Math.max(0, ...prev.map((before) => before.body.version)),
      prev: tree.sortedIds(prev.map((before) => before.id)),
      state: draft.deleted === true ? tree.blockState.deleted : tree.blockState.live,
      parent: draft.parent ?? prev[0]?.body.parent ?? place.birth.parent,
      epoch: epoch?.record.id,
      keyVersion: 0,
      payload: draft.content?.payload,
      cap: author.cap?.id,
      ext: []
    }
    const sealed = {
      name: draft.name ?? 'name',
      metadata: tree.noMetadata,
      size: draft.content?.size ?? 0,
      rootKey: undefined
    }
    // Versions that are equal but for their names have names of their own: two records, not one.
    const metadata = { ...tree.noMetadata, modifiedMs: this.random.bytes(1)[0] ?? 0 }
    const key = epoch && tree.blockKey(crypto, epoch.key, place.block, 0)
    return tree.createHeader(
      { crypto, random: this.random },
      author.principal,
      fields,
      { ...sealed, metadata },
      key
    )
  }

  content(place: Born, bytes: Uint8Array): Content {
    const parts: Uint8Array[] = []
    const writer = new tree.PayloadWriter(
      { crypto, random: this.random, block: place.block, aead: tree.noAead },
      { sectorLog2: 12, emit: (sector) => parts.push(sector.bytes.slice()) }
    )
    writer.push(bytes)
    const { payload, size } = writer.finish()
    return { payload, size, parts }
  }

  cap(
    issuer: Author,
    subject: string,
    scope: Born,
    options: Partial<Omit<tree.CapBody, 'scopeBirth' | 'subject'>> = {}
  ): Author & { readonly cap: tree.CapRecord } {
    const principal = personNamed(subject)
    const body = tree.encodeCapBody({
      tree: this.tree.id,
      rootGeneration: issuer.cap?.body.rootGeneration ?? 0,
      parentCap: issuer.cap?.id,
      subject: principal.id,
      scopeType: tree.scopeType.zone,
      scopeBirth: scope.birthBytes,
      rights: 255,
      depth: issuer.cap === undefined ? 8 : issuer.cap.body.depth - 1,
      notBefore: issuer.cap?.body.notBefore,
      notAfter: issuer.cap?.body.notAfter,
      quota: issuer.cap?.body.quota,
      nonce: this.random.bytes(16),
      ...options
    })
    // Signed as it is: stories also have caps that must be refused.
    const { bytes } = tree.signRecord(crypto, tree.recordType.cap, issuer.principal, body)
    const cap = tree.decodeRecord(crypto, bytes)
    if (cap.type !== tree.recordType.cap) throw new Error('a cap that is none')
    return { principal, cap, rank: issuer.rank + 1 }
  }

  revocation(author: Author, target: Author, cuts: readonly tree.Cut[] = []): tree.RevocationRecord {
    if (target.cap === undefined) throw new Error('the root is not revoked but succeeded')
    const draft = { tree: this.tree.id, target: target.cap.id, by: author.cap?.id, cuts, reason: 0 }
    return tree.createRevocation(crypto, author.principal, draft)
  }

  succession(
    newRoot: string,
    options: {
      readonly keep?: readonly Author[]
      readonly cuts?: readonly tree.Cut[]
      readonly prev?: tree.SuccessionRecord
      readonly signer?: string
      readonly generation?: number
    } = {}
  ): tree.SuccessionRecord {
    return tree.createSuccession(crypto, personNamed(options.signer ?? 'recovery'), {
      tree: this.tree.id,
      generation: options.generation ?? (options.prev?.body.generation ?? 0) + 1,
      newRoot: personNamed(newRoot).id,
      newRecovery: tree.recoveryCommitment(crypto, personNamed('recovery').id),
      keepCaps: (options.keep ?? []).flatMap((author) => author.cap?.id ?? []),
      cuts: options.cuts ?? [],
      prev: options.prev?.id ?? this.tree.id
    })
  }

  receipt(
    author: Author,
    zone: Born,
    records: readonly tree.AnyRecord[],
    timeMs: number
  ): tree.ReceiptRecord {
    return tree.createReceipt(crypto, author.principal, {
      tree: this.tree.id,
      zone: zone.block,
      records: tree.sortedIds(records.map((record) => record.id)),
      coverage: 1,
      durability: 1,
      timeMs,
      keepUntilMs: undefined,
      term: undefined,
      fence: undefined,
      challenge: undefined,
      cap: author.cap?.id
    })
  }

  /** A checkpoint with exactly these rows, right or wrong, and the parts of its manifest. */
  checkpoint(
    author: Author,
    zone: Born,
    rows: readonly tree.ManifestRow[],
    options: {
      readonly prev?: readonly tree.CheckpointRecord[]
      readonly headsRoot?: tree.Id
      /** Another count of graves than the rows have, and another root. */
      readonly graves?: number
      readonly base?: tree.CheckpointRecord
      /** What stands behind the rows. */
      readonly behind?: Uint8Array
    } = {}
  ): { readonly record: tree.CheckpointRecord; readonly parts: readonly Uint8Array[] } {
    const prev = options.prev ?? []
    const parts: Uint8Array[] = []
    const roots = new tree.HeadsRootBuilder(crypto)
    const writer = new tree.PayloadWriter(
      { crypto, random: this.random, block: zone.block, aead: tree.noAead },
      { sectorLog2: 12, emit: (sector) => parts.push(sector.bytes.slice()) }
    )
    for (const row of rows.toSorted(tree.compareRows)) {
      roots.add(row)
      writer.push(tree.encodeManifestRow(row))
    }
    if (options.behind !== undefined) writer.push(options.behind)
    const { payload, size } = writer.finish()
    const record = tree.createCheckpoint(crypto, author.principal, {
      tree: this.tree.id,
      zone: zone.block,
      sequence: 1 + Math.max(0, ...prev.map((before) => before.body.sequence)),
      prev: tree.sortedIds(prev.map((before) => before.id)),
      ...roots.finish(),
      ...(options.headsRoot === undefined ? {} : { headsRoot: options.headsRoot }),
      ...(options.graves === undefined ? {} : { graveRoot: zone.block, graves: options.graves }),
      ext: options.base === undefined ? [] : [tree.baseExtension(options.base.id)],
      authorityRoot: zeros,
      manifest: { ...payload, size, rootKey: undefined },
      timeMs: 1000,
      cap: author.cap?.id
    })
    return { record, parts }
  }

  /** Offers a checkpoint and the parts of its manifest. */
  offerCheckpoint(
    name: string,
    made: { readonly record: tree.CheckpointRecord; readonly parts: readonly Uint8Array[] }
  ): tree.CheckpointRecord {
    this.offer(name, made.record)
    for (const [index, bytes] of made.parts.entries())
      this.steps.push({ name: `${name} part ${index + 1}`, kind: 'part', bytes })
    return made.record
  }

  epoch(author: Author, zone: Born, previous: readonly MadeEpoch[] = []): MadeEpoch {
    return tree.createEpoch({ crypto, random: this.random }, author.principal, {
      tree: this.tree.id,
      zone: zone.block,
      previous: previous.map(({ record, key }) => ({ id: record.id, number: record.body.number, key })),
      inherit: undefined,
      cap: author.cap?.id
    })
  }

  /** The same record with a changed body, signed by its signer: for what no constructor makes. */
  resigned(
    author: Author,
    record: { readonly type: tree.RecordType },
    body: Uint8Array
  ): { readonly bytes: Uint8Array } {
    return tree.signRecord(crypto, record.type, author.principal, body)
  }
}

/** A manifest row for versions of one block. */
export function rowOf(...heads: readonly (readonly [tree.HeaderRecord, number])[]): tree.ManifestRow {
  const first = heads[0]?.[0].body
  if (first === undefined) throw new Error('a row has at least one head')
  return {
    directory: first.parent ?? zeros,
    block: first.block,
    heads: heads
      .map(([header, version]) => ({ id: header.id, version }))
      .toSorted((left, right) => Buffer.compare(left.id, right.id))
  }
}

/** A row that buries a block. */
export function graveOf({ block }: { readonly block: tree.Id }): tree.ManifestRow {
  return { directory: zeros, block, heads: [] }
}

/** The cut of one zone at a checkpoint. */
export function cutAt(checkpoint: tree.CheckpointRecord): tree.Cut {
  return { zone: checkpoint.body.zone, checkpoint: checkpoint.id }
}
