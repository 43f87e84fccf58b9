/**
 * A tree with people in it, in a few words: principals from names, caps, versions of blocks with and without payloads.
 * Zones are public, so that no keys have to be kept; everything is signed by the real provider.
 */
import { compareBytes } from '@blocktree/codec'
import { type CryptoProvider, type Random, createPrincipalSecret } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import {
  type AnyRecord,
  type Birth,
  type CapBody,
  type CapRecord,
  type Cut,
  type Extension,
  type HeaderRecord,
  type Id,
  type KeepPolicy,
  type Offer,
  PayloadWriter,
  type PayloadDescriptor,
  type Principal,
  type ReceiptRecord,
  type RevocationRecord,
  type StoredSector,
  type TreeRecord,
  blockId,
  blockKind,
  createEndpoint,
  createHeader,
  createPrincipal,
  createReceipt,
  createRevocation,
  createTree,
  encodeBirth,
  issueCap,
  noAead,
  noMetadata,
  rootBirth,
  scopeType,
  withKeepPolicy,
  zoneOfChildren
} from '@blocktree/tree'

export const crypto: CryptoProvider = createNativeProvider()
const allRights = 255
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
  readonly rank: number
}

export interface Version {
  readonly prev: readonly HeaderRecord[]
  readonly parent?: Id
  readonly deleted?: boolean
  readonly name?: string
  /** Of a directory: which nodes keep what is in it. */
  readonly policy?: KeepPolicy
  /** Stored in sectors of 4 KiB; kept in `sectors` of the fixture. */
  readonly content?: Uint8Array
}

export class Fixture {
  readonly random: Random
  readonly tree: TreeRecord
  readonly root: Author
  readonly rootPlace: Place
  readonly records: AnyRecord[] = []
  readonly sectors: StoredSector[] = []
  readonly #zones: Map<string, Birth> = new Map()

  constructor(seed: string) {
    this.random = createSeededRandom(seed)
    const root = this.#person('root')
    this.root = { principal: root, cap: undefined, rank: 0 }
    this.tree = this.#keep(
      createTree(crypto, root, { recovery: undefined, insecure: true, nonce: this.random.bytes(16) })
    )
    this.rootPlace = placeOf(rootBirth(this.tree.id, root.id, { public: true }))
    this.write(this.root, this.rootPlace, { prev: [] })
  }

  stranger(name: string): Author {
    return { principal: this.#person(name), cap: undefined, rank: 0 }
  }

  cap(
    issuer: Author,
    subject: string,
    scope: Place,
    options: Partial<Pick<CapBody, 'rights' | 'scopeType' | 'notBefore' | 'notAfter'>> = {}
  ): Author {
    const principal = this.#person(subject)
    const draft = {
      tree: this.tree.id,
      rootGeneration: 0,
      subject: principal.id,
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
    const cap =
      issuer.cap === undefined
        ? issueCap(crypto, issuer.principal, draft)
        : issueCap(crypto, issuer.principal, draft, {
            parent: issuer.cap,
            zoneBirth: (zone) => this.#zones.get(zone.toHex())
          })
    return { principal, cap: this.#keep(cap), rank: issuer.rank + 1 }
  }

  place(author: Author, parent: Place, options: { readonly zoneRoot?: boolean } = {}): Place {
    const zoneRoot = options.zoneRoot ?? false
    return placeOf({
      tree: this.tree.id,
      zone: zoneOfChildren(parent.birth, parent.block),
      parent: parent.block,
      creator: author.principal.id,
      kind: zoneRoot ? blockKind.directory : blockKind.file,
      zoneRoot,
      public: zoneRoot,
      rank: author.rank,
      nonce: this.random.bytes(16)
    })
  }

  header(author: Author, place: Place, version: Version): HeaderRecord {
    const { prev, content } = version
    const stored = content === undefined ? undefined : this.#store(place.block, content)
    const draft = {
      birthBytes: place.birthBytes,
      birth: place.birth,
      block: place.block,
      version: 1 + Math.max(0, ...prev.map(({ body }) => body.version)),
      prev: prev.map(({ id }) => id).toSorted(compareBytes),
      state: version.deleted === true ? 1 : 0,
      parent: version.parent ?? prev[0]?.body.parent ?? place.birth.parent,
      epoch: undefined,
      keyVersion: 0,
      payload: stored,
      cap: author.cap?.id,
      ext: withKeepPolicy(prev[0]?.body.ext ?? [], version.policy)
    } as const
    const metadata = {
      ...noMetadata,
      modifiedMs: 1 + (this.random.bytes(1)[0] ?? 0),
      mode: this.random.bytes(1)[0] ?? 0
    }
    const details = { name: version.name ?? 'name', metadata, size: content?.length ?? 0, rootKey: undefined }
    return createHeader({ crypto, random: this.random }, author.principal, draft, details, undefined)
  }

  write(author: Author, place: Place, version: Version): HeaderRecord {
    return this.#keep(this.header(author, place, version))
  }

  /** A new block with its first version. */
  create(
    author: Author,
    parent: Place,
    options: { readonly zoneRoot?: boolean; readonly content?: Uint8Array } = {}
  ): { readonly place: Place; readonly first: HeaderRecord } {
    const { content, ...birth } = options
    const place = this.place(author, parent, birth)
    if (birth.zoneRoot === true) this.#zones.set(place.block.toHex(), place.birth)
    return {
      place,
      first: this.write(author, place, { prev: [], ...(content === undefined ? {} : { content }) })
    }
  }

  revoke(author: Author, target: Author, cuts: readonly Cut[] = []): RevocationRecord {
    if (target.cap === undefined) throw new Error('the root is not revoked')
    const body = { tree: this.tree.id, target: target.cap.id, by: author.cap?.id, cuts, reason: 0 }
    return this.#keep(createRevocation(crypto, author.principal, body))
  }

  receipt(author: Author, zone: Place, records: readonly AnyRecord[], timeMs: number): ReceiptRecord {
    return this.#keep(
      createReceipt(crypto, author.principal, {
        tree: this.tree.id,
        zone: zone.block,
        records: records.map(({ id }) => id).toSorted(compareBytes),
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

  /** Says that the node of this author keeps on demand only. */
  endpoint(author: Author, ext: readonly Extension[]): AnyRecord {
    return this.#keep(
      createEndpoint(crypto, author.principal, {
        tree: this.tree.id,
        transportKey: crypto.sha256(author.principal.id),
        addresses: [],
        notAfter: 2_000_000_000_000,
        sequence: 1,
        ext
      })
    )
  }

  offer(records: readonly AnyRecord[] = this.records): Offer {
    return { records: records.map(({ bytes }) => ({ bytes })) }
  }

  #store(block: Id, content: Uint8Array): PayloadDescriptor {
    const writer = new PayloadWriter(
      { crypto, random: this.random, block, aead: noAead },
      { sectorLog2: 12, emit: (sector) => this.sectors.push({ ...sector, bytes: sector.bytes.slice() }) }
    )
    writer.push(content)
    return writer.finish().payload
  }

  #keep<Kept extends AnyRecord>(record: Kept): Kept {
    this.records.push(record)
    return record
  }

  #person(name: string): Principal {
    const principal = principalNamed(name)
    if (!this.records.some(({ id }) => id.toHex() === principal.record.id.toHex()))
      this.#keep(principal.record)
    return principal
  }
}

function placeOf(birth: Birth): Place {
  const birthBytes = encodeBirth(birth)
  return { block: blockId(crypto, birthBytes), birth, birthBytes }
}
