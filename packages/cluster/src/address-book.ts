/**
 * Who can be reached where: the newest endpoint of each principal, addresses that a person gave, and what answered last.
 * An endpoint is believed as far as its signature goes: its principal says that this transport key is its own and that
 * these addresses may be tried. Of two the higher number wins; what has ended is not used. Kept through a port.
 */
import { CanonicalReader, CanonicalWriter, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import { type EndpointRecord, type Id, type PrincipalRecord, decodeRecord, recordType } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { checkEndpoint, checkEndpointSigned } from './hello.ts'
import { idKey } from './id-key.ts'
import { addressBookMax, manualAddressesMax } from './limits.ts'

const format = 1
const addressBytesMax = 256

/** Where the book is kept: one value a principal. */
export interface AddressStore {
  load(): Promise<readonly (readonly [principal: Id, value: Uint8Array])[]>
  /** undefined removes it. */
  save(principal: Id, value: Uint8Array | undefined): Promise<void>
}

export interface AddressEntry {
  readonly principal: PrincipalRecord
  /** undefined until one was learnt. */
  readonly endpoint: EndpointRecord | undefined
  /** What a person gave, in their order. */
  readonly manual: readonly string[]
  /** The address that answered last. */
  readonly lastGood: string | undefined
}

export interface DialTarget {
  readonly address: string
  readonly key: TransportKey
  readonly source: 'manual' | 'endpoint'
}

export interface AddressBookDeps {
  readonly crypto: CryptoProvider
  readonly now: () => number
  readonly store: AddressStore
  /** False for those who have lost their rights: they make room first when the book is full. */
  readonly isOfUse?: (principal: Id) => boolean
  /** Principals at most; `addressBookMax` when left out. */
  readonly entriesMax?: number
}

export async function openAddressBook(deps: AddressBookDeps): Promise<AddressBook> {
  const book = new AddressBook(deps)
  for (const [, value] of await deps.store.load()) book.restore(value)
  return book
}

export class AddressBook {
  readonly #deps: AddressBookDeps
  readonly #entries = new Map<string, AddressEntry>()

  constructor(deps: AddressBookDeps) {
    this.#deps = deps
  }

  /** A value of the store; one that cannot be read is passed over: it is learnt again. */
  restore(value: Uint8Array): void {
    try {
      const entry = decodeEntry(this.#deps.crypto, value)
      this.#entries.set(idKey(entry.principal.signer), entry)
    } catch {
      // a book is a convenience: a damaged page costs one look-up
    }
  }

  /**
   * Takes an endpoint when it is newer than the held one.
   * @throws ERR_HELLO_PROOF when it does not hold, is older, or is a second one of the same number
   */
  async learn(principal: PrincipalRecord, endpoint: EndpointRecord): Promise<'taken' | 'known'> {
    checkEndpoint(this.#deps.crypto, principal, endpoint, this.#deps.now())
    const key = idKey(principal.signer)
    const known = this.#entries.get(key)
    const held = known?.endpoint
    if (held !== undefined && equalBytes(held.id, endpoint.id)) return 'known'
    if (held !== undefined && held.body.sequence >= endpoint.body.sequence) {
      throw new ClusterError(
        'ERR_HELLO_PROOF',
        `endpoint ${endpoint.body.sequence} is not newer than the known number ${held.body.sequence}`
      )
    }
    await this.#makeRoom(key)
    await this.#put({
      principal,
      endpoint,
      manual: known?.manual ?? [],
      lastGood: known?.lastGood
    })
    return 'taken'
  }

  /** @throws ERR_ADDRESS_INVALID */
  async addManual(principal: PrincipalRecord, address: string): Promise<void> {
    const key = idKey(principal.signer)
    const known = this.#entries.get(key)
    const manual = known?.manual ?? []
    if (manual.includes(address)) return
    if (!address.startsWith('/') || address.length > addressBytesMax)
      throw new ClusterError('ERR_ADDRESS_INVALID', `"${address.slice(0, 80)}" is no multiaddr: /ip4/…/tcp/…`)
    if (manual.length >= manualAddressesMax)
      throw new ClusterError('ERR_ADDRESS_INVALID', `${manualAddressesMax} addresses are kept for it already`)
    await this.#makeRoom(key)
    await this.#put({
      principal,
      endpoint: known?.endpoint,
      manual: [...manual, address],
      lastGood: known?.lastGood
    })
  }

  /** False when it was not there. */
  async removeManual(principal: Id, address: string): Promise<boolean> {
    const known = this.#entries.get(idKey(principal))
    if (known === undefined || !known.manual.includes(address)) return false
    await this.#put({ ...known, manual: known.manual.filter((other) => other !== address) })
    return true
  }

  async noteGood(principal: Id, address: string): Promise<void> {
    const known = this.#entries.get(idKey(principal))
    if (known !== undefined && known.lastGood !== address) await this.#put({ ...known, lastGood: address })
  }

  async forget(principal: Id): Promise<void> {
    if (this.#entries.delete(idKey(principal))) await this.#deps.store.save(principal, undefined)
  }

  entry(principal: Id): AddressEntry | undefined {
    return this.#entries.get(idKey(principal))
  }

  entries(): readonly AddressEntry[] {
    return [...this.#entries.values()]
  }

  /** True when a principal in the book has this transport key. */
  knows(transportKey: TransportKey): boolean {
    return this.principalOf(transportKey) !== undefined
  }

  /** Whose transport key it is; undefined for an unknown one. */
  principalOf(transportKey: TransportKey): Id | undefined {
    return this.entries().find(({ endpoint }) =>
      equalBytes(endpoint?.body.transportKey ?? none, transportKey)
    )?.principal.signer
  }

  /** What to try, best first; empty when there is no endpoint that has not ended. */
  targetsOf(principal: Id): readonly DialTarget[] {
    const entry = this.entry(principal)
    const endpoint = entry?.endpoint
    if (entry === undefined || endpoint === undefined || endpoint.body.notAfter < this.#deps.now()) return []
    const key = endpoint.body.transportKey
    const manual = entry.manual.map((address): DialTarget => ({ address, key, source: 'manual' }))
    const signed = endpoint.body.addresses
      .filter((address) => !entry.manual.includes(address))
      .map((address): DialTarget => ({ address, key, source: 'endpoint' }))
    const all = [...manual, ...signed]
    return all.toSorted((left, right) => rank(entry, left) - rank(entry, right))
  }

  /** @throws ERR_ADDRESS_INVALID when all that are in it are of use */
  async #makeRoom(key: string): Promise<void> {
    const { isOfUse = () => true, now, entriesMax = addressBookMax } = this.#deps
    if (this.#entries.has(key) || this.#entries.size < entriesMax) return
    const idle = this.entries().find(
      ({ principal, endpoint }) =>
        !isOfUse(principal.signer) || (endpoint !== undefined && endpoint.body.notAfter < now())
    )
    if (idle === undefined)
      throw new ClusterError('ERR_ADDRESS_INVALID', `the address book holds ${entriesMax} principals`)
    await this.forget(idle.principal.signer)
  }

  async #put(entry: AddressEntry): Promise<void> {
    this.#entries.set(idKey(entry.principal.signer), entry)
    await this.#deps.store.save(entry.principal.signer, encodeEntry(entry))
  }
}

const none = new Uint8Array(0)

function rank({ lastGood }: AddressEntry, { address }: DialTarget): number {
  if (address.includes('/p2p-circuit')) return 2 // through a relay only when nothing else answers
  return address === lastGood?.replace(/\/p2p\/[^/]+$/, '') || address === lastGood ? 0 : 1 // the sort keeps the order of the others
}

function encodeEntry({ principal, endpoint, manual, lastGood }: AddressEntry): Uint8Array {
  const writer = new CanonicalWriter(2048).array(5).uint(format).bin(principal.bytes)
  writer.optional(endpoint, ({ bytes }) => writer.bin(bytes))
  writer.array(manual.length)
  for (const address of manual) writer.str(address)
  return writer.optional(lastGood, (address) => writer.str(address)).finish()
}

function decodeEntry(crypto: CryptoProvider, value: Uint8Array): AddressEntry {
  const reader = new CanonicalReader(value)
  reader.arrayOf(5)
  reader.uint(format, format)
  const principal = decodeRecord(crypto, reader.bin(value.length).slice())
  const endpointBytes = reader.optional(() => reader.bin(value.length).slice())
  const manual: string[] = []
  for (let left = reader.array(manualAddressesMax); left > 0; left--) manual.push(reader.str(addressBytesMax))
  const lastGood = reader.optional(() => reader.str(addressBytesMax))
  reader.end()
  const endpoint = endpointBytes && decodeRecord(crypto, endpointBytes)
  if (principal.type !== recordType.principal) throw new ClusterError('ERR_ADDRESS_INVALID', 'no principal')
  if (endpoint !== undefined && endpoint.type !== recordType.endpoint)
    throw new ClusterError('ERR_ADDRESS_INVALID', 'no endpoint')
  if (endpoint !== undefined) checkEndpointSigned(crypto, principal, endpoint)
  return { principal, endpoint, manual, lastGood }
}
