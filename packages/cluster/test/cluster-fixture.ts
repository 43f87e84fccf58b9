/** Nodes of a cluster over the network in memory, under virtual time; who is a member is said by the test. */
import type { Connection, Network } from '@blocktree/network'
import {
  type MemoryNetwork,
  type VirtualTime,
  createMemoryNetwork,
  createVirtualTime
} from '@blocktree/network/memory'
import type { EndpointRecord, Id, Principal } from '@blocktree/tree'
import {
  type AddressBook,
  Gate,
  type InvitationDesk,
  MessageExchange,
  PeerDirectory,
  RequestRouter,
  type Standing,
  type StandingSource,
  exchangeAddresses,
  openAddressBook,
  openInvitationDesk
} from '../src/index.ts'
import { crypto, newAddressStore, newEndpoint, newPrincipal, startMs, treeId } from './principals.ts'

export interface TestNode {
  readonly name: string
  readonly principal: Principal
  readonly network: Network
  readonly book: AddressBook
  readonly directory: PeerDirectory
  readonly router: RequestRouter
  readonly messages: MessageExchange
  readonly desk: InvitationDesk
  readonly standings: Map<string, Standing>
  /** Principals that had rights here once. */
  readonly ended: Set<string>
  /** Pairs of principals that have no tree in common, ids in order, with a comma between. */
  readonly apart: Set<string>
  readonly invitations: Map<string, Uint8Array>
  readonly gate: Gate
  endpoint: EndpointRecord
}

export interface TestCluster {
  readonly time: VirtualTime
  readonly hub: MemoryNetwork
  node(name: string, principal?: Principal): Promise<TestNode>
  /** Makes them members of each other, and tells them each other's addresses unless said otherwise. */
  befriend(nodes: readonly TestNode[], options?: { readonly tellsAddresses?: boolean }): Promise<void>
  close(): Promise<void>
}

export function createTestCluster(): TestCluster {
  const time = createVirtualTime(startMs)
  let seed = 1
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const hub = createMemoryNetwork({ timers: time, random, conditions: { delayMs: 5 } })
  const nodes: TestNode[] = []

  async function node(name: string, principal: Principal = newPrincipal()): Promise<TestNode> {
    const network = hub.join({ name, localKey: crypto.signingKey(crypto.random.bytes(32)).publicKey })
    const standings = new Map<string, Standing>()
    const apart = new Set<string>()
    const standing: StandingSource = {
      standingOf: (id) => standings.get(id.toHex()) ?? 'stranger',
      standingIn: (_, id) => standings.get(id.toHex()) ?? 'stranger',
      share: (left, right) => !apart.has([left.toHex(), right.toHex()].toSorted().join()),
      members: () =>
        [...standings].flatMap(([id, what]) => (what === 'member' ? [Uint8Array.fromHex(id)] : []))
    }
    const invitations = new Map<string, Uint8Array>()
    const book = await openAddressBook({ crypto, now: () => time.now(), store: newAddressStore() })
    const desk = await openInvitationDesk({
      crypto,
      timers: time,
      localKey: () => network.localKey,
      tree: treeId,
      principal: principal.id,
      store: {
        load: async () => [...invitations.values()],
        async save(id, value) {
          if (value === undefined) invitations.delete(id.toHex())
          else invitations.set(id.toHex(), value)
        }
      },
      checkLine(line, id) {
        if (line !== `request of ${id.toHex()}`) throw new Error('not their request')
      },
      async admit({ principal: joiner }) {
        standings.set(joiner.toHex(), 'member')
        return new TextEncoder().encode(`records for ${joiner.toHex()}`)
      }
    })
    const gate = new Gate({
      now: () => time.now(),
      knows: (key) => book.knows(key),
      opensToStrangers: () => desk.isOpen || standing.members().length > 0
    })
    const router = new RequestRouter({
      standing,
      timers: time,
      penalize: ({ principal: wrongDoer, connection }, penalty) =>
        void gate.penalize(connection.remoteKey, { ...penalty, principal: wrongDoer })
    })
    const self: { endpoint: EndpointRecord } = {
      endpoint: newEndpoint(principal, {
        transportKey: network.localKey,
        addresses: network.addresses().map(withoutPeer)
      })
    }
    const local = {
      principal,
      endpoint: () => self.endpoint,
      treesFor: () => [],
      features: ['messages/1']
    }
    const ended = new Set<string>()
    const hasEnded = (id: Id): boolean => ended.has(id.toHex())
    const directory = new PeerDirectory({
      crypto,
      timers: time,
      local,
      standing,
      book,
      gate,
      router,
      hasEnded
    })
    const messages = new MessageExchange({
      timers: time,
      standing,
      directory,
      self: () => principal.id,
      principalsFor: () => standing.members()
    })
    desk.serve(router)
    messages.serve(router)
    exchangeAddresses({ crypto, book, directory, standing }, router)
    directory.addNetwork(network)
    const made: TestNode = Object.assign(self, {
      name,
      principal,
      network,
      book,
      directory,
      router,
      messages,
      desk,
      standings,
      ended,
      apart,
      invitations,
      gate
    })
    nodes.push(made)
    return made
  }

  return {
    time,
    hub,
    node,
    async befriend(all, { tellsAddresses = true } = {}) {
      for (const one of all) {
        for (const other of all) {
          if (one === other) continue
          one.standings.set(other.principal.id.toHex(), 'member')
          if (tellsAddresses) await one.book.learn(other.principal.record, other.endpoint)
        }
      }
      for (const one of all) one.directory.refresh()
    },
    async close() {
      await time.until(Promise.all(nodes.map(({ directory }) => directory.close())))
      await time.until(Promise.all(nodes.map(({ network }) => network.close())))
    }
  }
}

export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

/** The address at which a node answers. */
export function addressOf({ network }: TestNode): { readonly address: string; readonly key: Uint8Array } {
  return { address: withoutPeer(network.addresses()[0] ?? ''), key: network.localKey }
}

export async function isClosedSoon(time: VirtualTime, connection: Connection): Promise<boolean> {
  return await time
    .until(
      connection.closed.then(() => true),
      20_000
    )
    .catch(() => false)
}
