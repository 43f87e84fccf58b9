/**
 * Reaching a principal: at the addresses in the book, then at what the ways of discovery know, in their order. What those
 * say is taken as far as it is signed by the principal itself, and what is not signed only says where to knock.
 */
import type { Connection, TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { AddressBook, DialTarget } from './address-book.ts'
import { ClusterError } from './cluster-error.ts'
import { raceDials } from './dial-race.ts'
import { idKey } from './id-key.ts'
import { openKnownEndpoint } from './known-endpoint.ts'
import { dialsAtOnceMax, foundEndpointsMax, hintsMax } from './limits.ts'
import type { Peer } from './peer.ts'
import type { AddressDiscovery, AddressOrigin, AddressSource, ClusterDeps } from './ports.ts'

export interface DiallerDeps extends ClusterDeps {
  readonly book: AddressBook
  readonly find: (principal: Id) => Peer | undefined
  readonly open: (
    target: Pick<DialTarget, 'address' | 'key'>,
    options: { readonly isDirect: boolean; readonly signal: AbortSignal }
  ) => Promise<Connection>
  readonly greet: (connection: Connection, expected: Id) => Promise<Peer>
  /** A connection that is not needed any more, unless it is in use already. */
  readonly discard: (connection: Connection) => void
}

type Target = Pick<DialTarget, 'address' | 'key'> & { readonly origin: AddressOrigin }

export class Dialler {
  readonly #deps: DiallerDeps
  readonly #sources: AddressSource[] = []
  readonly #running = new Map<string, Promise<Peer>>()
  readonly #origins = new WeakMap<Connection, AddressOrigin>()
  #dials = 0
  readonly #waiting: (() => void)[] = []

  constructor(deps: DiallerDeps) {
    this.#deps = deps
  }

  addDiscovery({ sources }: AddressDiscovery): void {
    this.#sources.push(...sources)
    this.#sources.sort((left, right) => order.indexOf(left.origin) - order.indexOf(right.origin))
  }

  /** Where the address of a connection that was dialled here came from; undefined for others. */
  originOf(connection: Connection): AddressOrigin | undefined {
    return this.#origins.get(connection)
  }

  /** @throws ERR_PEER_UNREACHABLE */
  async reach(principal: Id): Promise<Peer> {
    const key = idKey(principal)
    const running = this.#running.get(key)
    if (running !== undefined) return await running
    const dialling = this.#reach(principal)
    this.#running.set(key, dialling)
    try {
      return await dialling
    } finally {
      this.#running.delete(key)
    }
  }

  /** In place of a connection through a relay; undefined when no address without one answers. */
  async reachDirectly(principal: Id, hints?: readonly Target[]): Promise<Peer | undefined> {
    const known = (): Peer | undefined => {
      const peer = this.#deps.find(principal)
      return peer?.connection.relayed === false ? peer : undefined
    }
    const targets = (hints ?? this.#inBook(principal)).filter(({ address }) => !isRelayed(address))
    return await this.#race(principal, targets, { known, isDirect: true, causes: [] })
  }

  /** At addresses that somebody told of, without looking for others. */
  async tryHints(principal: Id, hints: readonly Target[]): Promise<Peer | undefined> {
    const known = (): Peer | undefined => this.#deps.find(principal)
    return await this.#race(principal, hints, { known, isDirect: false, causes: [] })
  }

  close(): void {
    for (const start of this.#waiting.splice(0)) start()
  }

  async #reach(principal: Id): Promise<Peer> {
    const causes: unknown[] = []
    await this.#turn()
    try {
      const peer = await this.#reachInTurn(principal, causes)
      if (peer !== undefined) return peer
    } finally {
      this.#dials -= 1
      this.#waiting.shift()?.()
    }
    throw new ClusterError(
      'ERR_PEER_UNREACHABLE',
      causes.length === 0 ? 'no address of it is known' : `none of ${causes.length} addresses answers`,
      { cause: new AggregateError(causes, 'one error for each address') }
    )
  }

  async #reachInTurn(principal: Id, causes: unknown[]): Promise<Peer | undefined> {
    const known = (): Peer | undefined => this.#deps.find(principal)
    const tried = new Set<string>()
    const take = async (targets: readonly Target[]): Promise<Peer | undefined> => {
      const untried = targets.filter(({ address, key }) => !tried.has(`${address} ${key.toHex()}`))
      for (const { address, key } of untried) tried.add(`${address} ${key.toHex()}`)
      return await this.#race(principal, untried, { known, isDirect: false, causes })
    }
    const peer = await take(this.#inBook(principal))
    if (peer !== undefined) return peer
    for (const source of this.#sources) {
      const found = await take(await this.#ask(source, principal, causes))
      if (found !== undefined) return found
    }
    return undefined
  }

  #inBook(principal: Id): readonly Target[] {
    return this.#deps.book.targetsOf(principal).map((target) => ({ ...target, origin: 'book' }))
  }

  /** What it says of the principal in the principal's own name goes into the book, if it holds. */
  async #ask(source: AddressSource, principal: Id, causes: unknown[]): Promise<readonly Target[]> {
    const { book } = this.#deps
    const keyOf = (): TransportKey | undefined => book.entry(principal)?.endpoint?.body.transportKey
    const { origin } = source
    try {
      const { endpoints = [], addresses = [] } = await source.find({ principal, key: keyOf() })
      let isLearnt = false
      for (const bytes of endpoints.slice(0, foundEndpointsMax))
        isLearnt = (await this.#learn(principal, bytes, causes)) || isLearnt
      const key = keyOf()
      const hints = key === undefined ? [] : addresses.slice(0, hintsMax)
      const learnt = isLearnt ? this.#inBook(principal).map((target) => ({ ...target, origin })) : []
      return [...learnt, ...hints.flatMap((address) => (key === undefined ? [] : [{ address, key, origin }]))]
    } catch (error) {
      causes.push(error)
      return []
    }
  }

  /** True when it is newer than what was known. */
  async #learn(principal: Id, bytes: Uint8Array, causes: unknown[]): Promise<boolean> {
    const { crypto, timers, book } = this.#deps
    try {
      const known = openKnownEndpoint(crypto, bytes, { principal, nowMs: timers.now() })
      return (await book.learn(known.principal, known.endpoint)) === 'taken'
    } catch (error) {
      causes.push(error)
      return false
    }
  }

  async #race(
    principal: Id,
    targets: readonly Target[],
    options: {
      readonly known: () => Peer | undefined
      readonly isDirect: boolean
      readonly causes: unknown[]
    }
  ): Promise<Peer | undefined> {
    const { timers, open, greet, discard } = this.#deps
    const { known, isDirect, causes } = options
    return await raceDials<Target, Connection, Peer>({
      timers,
      targets,
      known,
      discard,
      open: async (target, signal) => await open(target, { isDirect, signal }),
      greet: async (connection, { origin }) => {
        if (!this.#origins.has(connection)) this.#origins.set(connection, origin)
        return await greet(connection, principal)
      },
      onFailure: (error) => void causes.push(error)
    })
  }

  async #turn(): Promise<void> {
    if (this.#dials >= dialsAtOnceMax) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    this.#dials += 1
  }
}

/** After the book. */
const order: readonly AddressOrigin[] = ['mdns', 'dht', 'relay']

function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}
