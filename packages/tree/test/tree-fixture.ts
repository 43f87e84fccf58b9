/**
 * A tree with people in it, for tests of the rules: principals from names, caps, headers in a few words. Everything is
 * signed by the real provider; zones are public, so that no keys have to be kept.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import type { CryptoProvider, Random } from '@blocktree/crypto'
import { createPrincipalSecret } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { baseExtension } from '../src/base.ts'
import { blockId, encodeBirth, rootBirth, zoneOfChildren } from '../src/birth.ts'
import { decodeCapBody, encodeCapBody, issueCap } from '../src/cap.ts'
import { createRecord } from '../src/signed-record.ts'
import { createCheckpoint } from '../src/checkpoint.ts'
import { zeroId } from '../src/domain.ts'
import { noMetadata } from '../src/header-private.ts'
import { createHeader } from '../src/header.ts'
import { encodeManifestRow, type ManifestRow, compareRows } from '../src/manifest.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import { noAead } from '../src/payload-shape.ts'
import { PayloadWriter } from '../src/payload-writer.ts'
import type { BlockStore, StoredSector } from '../src/ports.ts'
import { type Principal, createPrincipal } from '../src/principal.ts'
import { createReceipt } from '../src/receipt.ts'
import type {
  AnyRecord,
  Birth,
  BlockKind,
  CapBody,
  CapRecord,
  CheckpointRecord,
  Cut,
  HeaderBody,
  HeaderRecord,
  Id,
  ReceiptRecord,
  RevocationRecord,
  SuccessionRecord,
  TreeRecord
} from '../src/records.ts'
import { blockKind, recordType, scopeType } from '../src/records.ts'
import { createRevocation } from '../src/revocation.ts'
import { createSuccession } from '../src/succession.ts'
import { createTree, recoveryCommitment } from '../src/tree-record.ts'
import { type Offer, type OfferResult, type TreeState, createTreeState } from '../src/tree-state.ts'
import { HeadsRootBuilder } from '../src/trie.ts'

export const crypto: CryptoProvider = createNativeProvider()
export const allRights = 255
const encoder = new TextEncoder()

const principals: Map<string, Principal> = new Map()

/** The same name is the same principal in every test. */
export function principalNamed(name: string): Principal {
  const known = principals.get(name)
  if (known !== undefined) return known
  const seed = (purpose: string): Uint8Array => crypto.sha256(encoder.encode(`${purpose} of ${name}`))
  const principal = createPrincipal(crypto, createPrincipalSecret(seed('signature'), seed('encapsulation')))
  principals.set(name, principal)
  return principal
}

export interface Place {
  readonly block: Id
  readonly birth: Birth
  readonly birthBytes: Uint8Array
}

export interface Author {
  readonly principal: Principal
  readonly cap: CapRecord | undefined
  /** Links of the cap chain. */
  readonly rank: number
}

export interface Version {
  readonly prev: readonly HeaderRecord[]
  readonly parent?: Id | undefined
  readonly deleted?: boolean
  /** What the header claims; 1 + the highest claim of prev when absent. */
  readonly version?: number
  readonly name?: string
}

export class Fixture {
  readonly random: Random
  readonly tree: TreeRecord
  readonly root: Author
  readonly rootPlace: Place
  readonly rootHeader: HeaderRecord
  /** Everything made so far, in order. */
  readonly records: AnyRecord[] = []
  readonly sectors: StoredSector[] = []

  constructor(seed: string) {
    this.random = createSeededRandom(seed)
    const root = this.#person('root')
    this.root = { principal: root, cap: undefined, rank: 0 }
    this.tree = this.#keep(
      createTree(crypto, root, {
        recovery: recoveryCommitment(crypto, principalNamed('recovery').id),
        insecure: true,
        nonce: this.random.bytes(16)
      })
    )
    this.rootPlace = placeOf(rootBirth(this.tree.id, root.id, { public: true }))
    this.rootHeader = this.write(this.root, this.rootPlace, { prev: [] })
  }

  #keep<Kept extends AnyRecord>(record: Kept): Kept {
    this.records.push(record)
    return record
  }

  #person(name: string): Principal {
    const principal = principalNamed(name)
    if (!this.records.some((record) => equalBytes(record.id, principal.record.id)))
      this.#keep(principal.record)
    return principal
  }

  /** Takes a record that a test made by itself. */
  keep<Kept extends AnyRecord>(record: Kept): Kept {
    return this.#keep(record)
  }

  /** Introduces a person without any cap. */
  stranger(name: string): Author {
    return { principal: this.#person(name), cap: undefined, rank: 0 }
  }

  cap(
    issuer: Author,
    subject: string,
    scope: Place,
    options: Partial<Omit<CapBody, 'scopeBirth' | 'subject'>> = {}
  ): Author {
    const principal = this.#person(subject)
    const cap = this.#keep(this.capRecord(issuer, principal, scope, options))
    return { principal, cap, rank: issuer.rank + 1 }
  }

  capRecord(
    issuer: Author,
    subject: Principal,
    scope: Place,
    options: Partial<Omit<CapBody, 'scopeBirth' | 'subject'>> = {}
  ): CapRecord {
    const draft = {
      tree: this.tree.id,
      rootGeneration: issuer.cap?.body.rootGeneration ?? 0,
      subject: subject.id,
      scopeType: scopeType.zone,
      scopeBirth: scope.birthBytes,
      rights: allRights,
      depth: issuer.cap === undefined ? 8 : issuer.cap.body.depth - 1,
      notBefore: undefined,
      notAfter: undefined,
      quota: undefined,
      nonce: this.random.bytes(16),
      ...options
    }
    const { parentCap, ...rest } = { parentCap: issuer.cap?.id, ...draft }
    // Signed without the issuer's own checks: tests also make caps that must be refused.
    return parentCap === undefined
      ? issueCap(crypto, issuer.principal, rest)
      : uncheckedCap(issuer, { ...rest, parentCap })
  }

  place(
    author: Author,
    parent: Place,
    options: { kind?: BlockKind; zoneRoot?: boolean; rank?: number } = {}
  ): Place {
    const kind = options.kind ?? (options.zoneRoot === true ? blockKind.directory : blockKind.file)
    return placeOf({
      tree: this.tree.id,
      zone: zoneOfChildren(parent.birth, parent.block),
      parent: parent.block,
      creator: author.principal.id,
      kind,
      zoneRoot: options.zoneRoot ?? false,
      public: options.zoneRoot ?? false,
      rank: options.rank ?? author.rank,
      nonce: this.random.bytes(16)
    })
  }

  header(author: Author, place: Place, version: Version): HeaderRecord {
    const claimed = version.version ?? 1 + Math.max(0, ...version.prev.map((prev) => prev.body.version))
    const last = version.prev[0]
    const draft: Omit<HeaderBody, 'keyCommitment' | 'publicBytes' | 'sealed'> = {
      birthBytes: place.birthBytes,
      birth: place.birth,
      block: place.block,
      version: claimed,
      prev: version.prev.map((prev) => prev.id).toSorted(compareBytes),
      state: version.deleted === true ? 1 : 0,
      parent: version.parent ?? last?.body.parent ?? place.birth.parent,
      epoch: undefined,
      keyVersion: 0,
      payload: undefined,
      cap: author.cap?.id,
      ext: []
    }
    const priv = { name: version.name ?? 'name', metadata: noMetadata, size: 0, rootKey: undefined }
    const metadata = {
      ...noMetadata,
      modifiedMs: this.random.bytes(1)[0] ?? 0,
      mode: (this.random.bytes(2)[1] ?? 0) + 1
    }
    return createHeader(
      { crypto, random: this.random },
      author.principal,
      draft,
      { ...priv, metadata },
      undefined
    )
  }

  write(author: Author, place: Place, version: Version): HeaderRecord {
    return this.#keep(this.header(author, place, version))
  }

  /** A new block with its first version. */
  create(
    author: Author,
    parent: Place,
    options: { kind?: BlockKind; zoneRoot?: boolean } = {}
  ): { place: Place; first: HeaderRecord } {
    const place = this.place(author, parent, options)
    return { place, first: this.write(author, place, { prev: [] }) }
  }

  revoke(author: Author, target: Author, cuts: readonly Cut[] = []): RevocationRecord {
    const cap = target.cap
    if (cap === undefined) throw new Error('the root is not revoked but succeeded')
    return this.#keep(
      createRevocation(crypto, author.principal, {
        tree: this.tree.id,
        target: cap.id,
        by: author.cap?.id,
        cuts,
        reason: 0
      })
    )
  }

  succeed(
    newRoot: string,
    options: {
      keepCaps?: readonly Author[]
      cuts?: readonly Cut[]
      prev?: SuccessionRecord
      recovery?: string
    } = {}
  ): { root: Author; record: SuccessionRecord } {
    const principal = this.#person(newRoot)
    const signer = this.#person(options.recovery ?? 'recovery')
    const keepCaps = (options.keepCaps ?? []).map((author) => author.cap?.id ?? zeroId)
    const record = this.#keep(
      createSuccession(crypto, signer, {
        tree: this.tree.id,
        generation: (options.prev?.body.generation ?? 0) + 1,
        newRoot: principal.id,
        newRecovery: recoveryCommitment(crypto, principalNamed('recovery').id),
        keepCaps,
        cuts: options.cuts ?? [],
        prev: options.prev?.id ?? this.tree.id
      })
    )
    return { root: { principal, cap: undefined, rank: 0 }, record }
  }

  receipt(author: Author, zone: Place, records: readonly AnyRecord[], timeMs: number): ReceiptRecord {
    return this.#keep(
      createReceipt(crypto, author.principal, {
        tree: this.tree.id,
        zone: zone.block,
        records: records.map((record) => record.id).toSorted(compareBytes),
        coverage: 1,
        durability: 1,
        timeMs,
        keepUntilMs: undefined,
        term: undefined,
        fence: undefined,
        challenge: undefined,
        cap: author.cap?.id
      })
    )
  }

  /** A checkpoint with exactly these rows, right or wrong. */
  checkpoint(
    author: Author,
    zone: Place,
    rows: readonly ManifestRow[],
    prev: readonly CheckpointRecord[] = [],
    options: { headsRoot?: Id; graveRoot?: Id; graves?: number; base?: CheckpointRecord } = {}
  ): CheckpointRecord {
    const sorted = rows.toSorted(compareRows).map((row) => ({
      ...row,
      heads: row.heads.toSorted((left, right) => compareBytes(left.id, right.id))
    }))
    const roots = new HeadsRootBuilder(crypto)
    const writer = new PayloadWriter(
      { crypto, random: this.random, block: zone.block, aead: noAead },
      { sectorLog2: 12, emit: (sector) => this.sectors.push({ ...sector, bytes: sector.bytes.slice() }) }
    )
    for (const row of sorted) {
      roots.add(row)
      writer.push(encodeManifestRow(row))
    }
    const { payload, size } = writer.finish()
    return this.#keep(
      createCheckpoint(crypto, author.principal, {
        tree: this.tree.id,
        zone: zone.block,
        sequence: 1 + Math.max(0, ...prev.map((before) => before.body.sequence)),
        prev: prev.map((before) => before.id).toSorted(compareBytes),
        ...roots.finish(),
        ...(options.headsRoot === undefined ? {} : { headsRoot: options.headsRoot }),
        ...(options.graveRoot === undefined ? {} : { graveRoot: options.graveRoot }),
        ...(options.graves === undefined ? {} : { graves: options.graves }),
        ext: options.base === undefined ? [] : [baseExtension(options.base.id)],
        authorityRoot: zeroId,
        manifest: { ...payload, size, rootKey: undefined },
        timeMs: 1000,
        cap: author.cap?.id
      })
    )
  }

  offer(records: readonly AnyRecord[] = this.records): Offer {
    return { records: records.map(({ bytes }) => ({ bytes })), sectors: this.sectors }
  }
}

function uncheckedCap(issuer: Author, body: Omit<CapBody, 'ext'>): CapRecord {
  return createRecord(crypto, recordType.cap, issuer.principal, encodeCapBody(body), decodeCapBody)
}

/** A manifest row for versions of one block. */
export function rowOf(...heads: readonly (readonly [HeaderRecord, number])[]): ManifestRow {
  const first = heads[0]?.[0].body
  if (first === undefined) throw new Error('a row has at least one head')
  return {
    directory: first.parent ?? zeroId,
    block: first.block,
    heads: heads.map(([header, version]) => ({ id: header.id, version }))
  }
}

/** A row that buries a block. */
export function graveOf({ block }: { readonly block: Id }): ManifestRow {
  return { directory: zeroId, block, heads: [] }
}

export function placeOf(birth: Birth): Place {
  const birthBytes = encodeBirth(birth)
  return { block: blockId(crypto, birthBytes), birth, birthBytes }
}

export interface Replica {
  readonly state: TreeState
  readonly store: BlockStore
  readonly take: (offer: Offer) => Promise<readonly OfferResult[]>
}

export async function createReplica(now = 1_000_000): Promise<Replica> {
  const store = createMemoryStore()
  const state = await createTreeState({ store, crypto, clock: { now: () => now } })
  return { state, store, take: (offer) => state.offer(offer, { peer: 'peer', from: 'host' }) }
}

/** A replica that was offered everything the fixture made. */
export async function replicaOf(
  fixture: Fixture,
  records: readonly AnyRecord[] = fixture.records
): Promise<Replica> {
  const replica = await createReplica()
  await replica.take(fixture.offer(records))
  return replica
}

export { scopeType, blockKind }
