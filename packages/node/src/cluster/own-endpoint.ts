/**
 * The endpoint of this node: signed when its addresses or its name change and in good time before it ends, and kept in the tree, so
 * that it comes to every member with it.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Actor } from '@blocktree/files'
import {
  type Clock,
  createEndpoint,
  endpointName,
  type EndpointRecord,
  type Id,
  keepsOnDemand,
  limits,
  nameOfEndpoint,
  onDemandEndpoint,
  type TreeState
} from '@blocktree/tree'

const lifeMs = 30 * 86_400_000
const renewMs = 15 * 86_400_000

export interface OwnEndpointDeps {
  readonly crypto: CryptoProvider
  readonly clock: Clock
  readonly tree: TreeState
  readonly treeId: Id
  readonly node: () => Actor
  readonly transportKey: Id
  /** What this node calls itself. */
  readonly name: () => string
  /** This node keeps nothing for others: said in its endpoint, so that they do not count on it. */
  readonly isOnDemand: boolean
}

export class OwnEndpoint {
  readonly #deps: OwnEndpointDeps
  #addresses: readonly string[] = []
  #record: EndpointRecord | undefined

  constructor(deps: OwnEndpointDeps) {
    this.#deps = deps
    this.#record = newest(deps.tree.authority.endpointsOf(deps.node().id))
  }

  /** Fit for a hello now. */
  current(): EndpointRecord {
    const { clock } = this.#deps
    if (this.#record === undefined || !this.#fits(this.#record, clock.now())) this.#record = this.#sign()
    return this.#record
  }

  /** @param addresses where others can dial this node, as multiaddrs without a peer id. @returns the new record, if one was needed */
  async update(addresses: readonly string[]): Promise<EndpointRecord | undefined> {
    this.#addresses = addresses.slice(0, limits.addressesMax)
    const before = this.#record
    const record = this.current()
    if (record === before && this.#deps.tree.authority.has(record.id)) return undefined
    await this.#deps.tree.commitLocal({ records: [{ record }] })
    return record
  }

  #fits({ body }: Pick<EndpointRecord, 'body'>, nowMs: number): boolean {
    return (
      equalBytes(body.transportKey, this.#deps.transportKey) &&
      equalBytes(body.tree, this.#deps.treeId) &&
      body.notAfter - nowMs > renewMs &&
      body.addresses.join() === this.#addresses.join() &&
      nameOfEndpoint(body) === this.#deps.name() &&
      keepsOnDemand({ body }) === this.#deps.isOnDemand
    )
  }

  #sign(): EndpointRecord {
    const { crypto, clock, node, treeId, transportKey, name, isOnDemand } = this.#deps
    const nowMs = clock.now()
    return createEndpoint(crypto, node().signer, {
      tree: treeId,
      transportKey,
      addresses: this.#addresses,
      notAfter: nowMs + lifeMs,
      sequence: Math.max((this.#record?.body.sequence ?? 0) + 1, nowMs), // grows also when a backup was restored
      ext: [...(isOnDemand ? onDemandEndpoint() : []), endpointName(name())]
    })
  }
}

function newest(records: readonly EndpointRecord[]): EndpointRecord | undefined {
  return records.toSorted((left, right) => right.body.sequence - left.body.sequence)[0]
}

const peerPart = /\/p2p\/[^/]+$/
const loopback = /^\/(ip4\/127\.|ip6\/::1\/|dns4?\/localhost\/)/

/** For others: without the peer id, which the record names; addresses of this machine alone only when there is nothing else. */
export function addressesForOthers(found: readonly string[]): readonly string[] {
  const plain = [...new Set(found.map((address) => address.replace(peerPart, '')))]
  const reachable = plain.filter((address) => !loopback.test(address))
  return reachable.length > 0 ? reachable : plain
}
