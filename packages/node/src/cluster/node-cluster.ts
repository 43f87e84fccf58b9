/**
 * The cluster of a node as one part: transport key, networks, peers, invitations, messages. Loaded when the node has
 * members, has invited somebody or is told to; until then nothing listens.
 */
import {
  type AddressBook,
  announceEndpoint,
  type Candidate,
  ClusterError,
  encodeKnownEndpoints,
  exchangeAddresses,
  fingerprintOf,
  formatInvitationCode,
  Gate,
  type HelloTree,
  type Invitation,
  type InvitationDesk,
  type InvitationTerms,
  limits,
  type LocalNode,
  MessageExchange,
  openAddressBook,
  openInvitationDesk,
  openKnownEndpoint,
  type Peer,
  PeerDirectory,
  type Penalty,
  RequestRouter,
  type ShutOut,
  takeIntroductions,
  type Timers
} from '@blocktree/cluster'
import { equalBytes, formatId } from '@blocktree/codec'
import { type Actor, resolvePath } from '@blocktree/files'
import { formatPeerId, type Network, RemoteError } from '@blocktree/network'
import type { Discovery, RecordRule } from '@blocktree/network/libp2p'
import type { Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import { admitCandidate, expectMayGive, zoneAt } from './admit-candidate.ts'
import { createAddressDiscovery } from './address-sources.ts'
import { AppMessages } from './app-messages.ts'
import { createAddressRows, createInvitationRows } from './cluster-rows.ts'
import { createIntroductionTaker, introduceSelf, needsIntroduction } from './introductions.ts'
import type { Untaken } from './message-topics.ts'
import type { NodeStanding } from './node-standing.ts'
import { dhtOf, openNetworks } from './open-networks.ts'
import { addressesForOthers, OwnEndpoint } from './own-endpoint.ts'
import { hasContent } from '../eris/has-content.ts'
import { serveBlocks } from '../eris/serve-blocks.ts'
import { serveSync } from '../sync/serve-sync.ts'
import { treeNameOf } from '../tree-router.ts'
import { describeClock, isClockOff } from './peer-clock.ts'
import { type PeerWay, wayOf } from './peer-way.ts'
import { openTransportKey } from './transport-key.ts'

export interface NodeCluster {
  /** Other protocols of this node add their methods here, and find their peers in the directory. */
  readonly router: RequestRouter
  readonly directory: PeerDirectory
  readonly standing: NodeStanding
  readonly book: AddressBook
  readonly desk: InvitationDesk
  readonly messages: MessageExchange
  readonly appMessages: AppMessages
  readonly timers: Timers
  readonly networks: readonly Network[]
  readonly transportKey: Id
  /** The transport key as libp2p writes it, for the end of an address of this node. */
  readonly peerId: string
  wayOf(peer: Peer): PeerWay
  /** Where others can dial this node, best first, without a peer id. */
  addresses(): readonly string[]
  /** Who may not connect for a while, and why. */
  shutOut(): readonly (Omit<ShutOut, 'key'> & { readonly transportKey: string })[]
  /** Makes a code. @throws ERR_ACCESS_DENIED when `actor` may not give what it says */
  invite(
    actor: Actor,
    terms: InvitationTerms,
    lifeMs?: number
  ): Promise<{ invitation: Invitation; code: string }>
  /** The name of this node changed: the others are told. */
  republish(): Promise<void>
  /** Records came: members and what they may do are looked at now instead of within a second. */
  look(): void
  /** Ends connections and forgets where it was; what it may do is for the caps. */
  drop(principal: Id): Promise<void>
  close(): Promise<void>
}

export type ClusterParts = Pick<
  NodeParts,
  | 'configuration'
  | 'log'
  | 'clock'
  | 'crypto'
  | 'keys'
  | 'store'
  | 'principals'
  | 'trees'
  | 'apps'
  | 'standing'
  | 'sync'
  | 'topics'
  | 'names'
  | 'content'
  | 'directory'
>

const lookEachMs = 250 // how soon a cap that came, went or ended changes who is connected
const introduceAgainMs = 10_000 // where too many strangers introduce themselves
const announceEachMs = 12 * 3_600_000 // what is known in the table ends after a day
const announceRetryMsMin = 5000 // doubled
const announceRetryMsMax = 300_000
const features: readonly string[] = ['messages/1']

export const systemTimers: Timers = {
  now: Date.now,
  start(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

export async function openNodeCluster(parts: ClusterParts): Promise<NodeCluster> {
  if (!parts.configuration.network.enabled) {
    throw new NodeError('ERR_NETWORK_OFF', 'the network is switched off; set network.enabled and start again')
  }
  const cluster = await Cluster.open(parts)
  try {
    await cluster.listen()
  } catch (error) {
    await cluster.close() // nothing of it stays behind: the next try begins anew
    throw error
  }
  return cluster
}

class Cluster implements NodeCluster {
  readonly router: RequestRouter
  readonly directory: PeerDirectory
  readonly standing: NodeStanding
  readonly book: AddressBook
  readonly desk: InvitationDesk
  readonly messages: MessageExchange
  readonly appMessages: AppMessages
  readonly timers: Timers = systemTimers
  readonly transportKey: Id
  readonly #parts: ClusterParts
  readonly #endpoint: OwnEndpoint
  readonly #gate: Gate
  readonly #seed: Uint8Array
  readonly #ends: (() => void)[] = []
  readonly #compared = new WeakSet<Peer>()
  /** Trees, by name, in which this node showed a peer its rights. */
  readonly #introduced = new WeakMap<Peer, Set<string>>()
  #networks: readonly Network[] = []
  #discoveries: readonly Discovery[] = []
  #change = -1
  #stopTimer = (): void => undefined
  #stopAnnouncing = (): void => undefined
  #isClosed = false

  static async open(parts: ClusterParts): Promise<Cluster> {
    const { crypto, keys, store, clock } = parts
    const key = await openTransportKey(keys, crypto)
    const book = await openAddressBook({
      crypto,
      now: () => clock.now(),
      store: createAddressRows(store),
      isOfUse: (principal) => parts.standing.standingOf(principal) !== 'stranger'
    })
    const late: { admit?: (candidate: Candidate) => Promise<Uint8Array> } = {}
    const desk = await openInvitationDesk({
      crypto,
      timers: systemTimers,
      localKey: () => key.publicKey,
      tree: parts.trees.own.id,
      principal: parts.principals.node.id,
      store: createInvitationRows(store),
      checkLine: (line, principal) => expectRequestOf(parts, line, principal),
      admit: async (candidate) => {
        if (late.admit === undefined) throw new NodeError('ERR_NODE_STOPPING', 'the cluster is not open yet')
        return await late.admit(candidate)
      },
      onCandidate: ({ claimedName, principal }) =>
        parts.log.info('a node wants to join; "blocktree node approve" lets it in', {
          name: claimedName,
          principal: principal.toHex()
        })
    })
    const cluster = new Cluster(parts, key, book, desk)
    late.admit = (candidate) => cluster.#admit(candidate)
    return cluster
  }

  private constructor(
    parts: ClusterParts,
    key: { readonly seed: Uint8Array; readonly publicKey: Id },
    book: AddressBook,
    desk: InvitationDesk
  ) {
    const { crypto, clock, trees, principals, standing, log } = parts
    this.#parts = parts
    this.#seed = key.seed
    this.transportKey = key.publicKey
    this.book = book
    this.desk = desk
    this.standing = standing
    this.#endpoint = new OwnEndpoint({
      crypto,
      clock,
      tree: trees.own.tree,
      treeId: trees.own.id,
      node: () => principals.node,
      transportKey: key.publicKey,
      name: () => parts.names.own,
      isOnDemand: parts.configuration.sync.content === 'on-demand'
    })
    parts.names.attach((id) => book.entry(id)?.endpoint)
    const gate = new Gate({
      now: () => clock.now(),
      knows: (transportKey) => {
        const principal = book.principalOf(transportKey)
        return principal !== undefined && standing.standingOf(principal) !== 'stranger'
      },
      opensToStrangers: () => desk.isOpen || standing.members().length > 0,
      onShutOut: (one) => logShutOut(log, one)
    })
    this.#gate = gate
    const { timers } = this
    const penalize = ({ connection, principal }: Peer, penalty: Penalty): void => {
      if (gate.penalize(connection.remoteKey, { ...penalty, principal })) void connection.close('shut out')
    }
    this.router = new RequestRouter({ standing, timers, penalize })
    const local = this.#local()
    const { router } = this
    const hasEnded = standing.hasEnded.bind(standing)
    this.directory = new PeerDirectory({ crypto, timers, local, standing, book, gate, router, hasEnded })
    const { directory } = this
    this.messages = new MessageExchange({
      timers,
      standing,
      directory,
      self: () => principals.node.id,
      principalsFor: (path) => this.#principalsFor(path)
    })
    this.appMessages = new AppMessages({
      treeFor: (node) => standing.commonTree(node) ?? trees.own.id,
      exchange: async () => await Promise.resolve(this.messages),
      apps: async () => (await parts.apps.get()).messages
    })
    this.messages.onTopic('ping', async ({ content, reply }) => await reply?.(content))
    this.messages.setTopicTaker(async (message) => expectTaken(message.topic, parts.topics.take(message)))
    this.messages.setAppTaker((message) => this.appMessages.take(message))
    const taker = createIntroductionTaker({ crypto, standing }, () => directory.refresh())
    this.#ends.push(
      desk.serve(router),
      this.messages.serve(router),
      exchangeAddresses({ crypto, book, directory, standing }, router),
      takeIntroductions(router, taker, penalize, { timers, standing }),
      directory.onPeer((peer, state) => this.#onPeer(peer, state))
    )
  }

  get peerId(): string {
    return formatPeerId(this.transportKey)
  }

  wayOf(peer: Peer): PeerWay {
    return wayOf(this, peer)
  }

  get networks(): readonly Network[] {
    return this.#networks
  }

  async listen(): Promise<void> {
    const { configuration, log, sync, content, directory } = this.#parts
    this.#ends.push(
      serveSync(await sync.get(), this.directory, this.router),
      serveBlocks(
        {
          audience: configuration.eris.peers,
          uploadRate: configuration.sync.uploadRate,
          timers: this.timers,
          held: async () => (hasContent(directory.path) ? (await content.get()).held : undefined)
        },
        this.router
      )
    )
    const records: RecordRule = {
      check: (principal, record) => {
        const nowMs = this.#parts.clock.now()
        return openKnownEndpoint(this.#parts.crypto, record, { principal, nowMs }).endpoint.body.sequence
      }
    }
    const options = { seed: this.#seed, listens: true, log, records }
    const { networks, discoveries } = await openNetworks(configuration.network, options)
    this.#networks = networks
    await this.republish()
    for (const network of this.#networks) {
      this.#ends.push(network.onAddresses(() => void this.republish()))
      this.directory.addNetwork(network)
    }
    this.#discoveries = discoveries
    const { relays } = configuration.network
    for (const discovery of discoveries)
      this.directory.addDiscovery(createAddressDiscovery(discovery, relays))
    this.#announce(announceRetryMsMin)
    this.look()
    log.info('the node takes part in the network', { addresses: this.addresses() })
  }

  addresses(): readonly string[] {
    return addressesForOthers(this.#networks.flatMap((network) => [...network.addresses()]))
  }

  shutOut(): ReturnType<NodeCluster['shutOut']> {
    return this.#gate.shutOut().map(({ key, ...one }) => ({ ...one, transportKey: formatPeerId(key) }))
  }

  async invite(
    actor: Actor,
    terms: InvitationTerms,
    lifeMs?: number
  ): Promise<{ invitation: Invitation; code: string }> {
    const { crypto, trees, principals } = this.#parts
    zoneAt(trees.own, actor, terms.path)
    expectMayGive(trees.own, principals.node, terms)
    const invitation = await this.desk.invite(terms, lifeMs)
    const code = formatInvitationCode(crypto, {
      secret: invitation.secret,
      transportKey: this.transportKey,
      fingerprint: fingerprintOf(crypto, principals.node.id, trees.own.id),
      addresses: this.addresses().slice(0, limits.codeAddressesMax)
    })
    return { invitation, code }
  }

  async drop(principal: Id): Promise<void> {
    this.directory.refresh()
    this.directory.disconnect(principal, 'no right to stay')
    await this.desk.forget(principal)
    await this.book.forget(principal)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer()
    this.#stopAnnouncing()
    for (const end of this.#ends.splice(0)) end()
    await this.directory.close()
    await Promise.all(this.#networks.map((network) => network.close()))
    this.#seed.fill(0)
  }

  #local(): LocalNode {
    const { principals } = this.#parts
    return {
      get principal() {
        return principals.node.principal
      },
      endpoint: () => this.#endpoint.current(),
      treesFor: (peer) => this.#treesFor(peer),
      features
    }
  }

  /** Trees in which the peer has a standing, with our caps in them. */
  #treesFor(peer: Id | undefined): readonly HelloTree[] {
    if (peer === undefined) return []
    const { principals } = this.#parts
    return this.standing
      .trees()
      .filter((held) => this.standing.of(held).standingOf(peer) !== 'stranger')
      .slice(0, limits.helloTreesMax)
      .map(({ id, tree }) => ({
        tree: id,
        caps: tree.authority
          .capsOf(principals.node.id)
          .map((cap) => cap.id)
          .slice(0, limits.helloCapsMax)
      }))
  }

  /** The tree that the path is in has to be open. */
  #principalsFor(path: string): readonly Id[] {
    const { principals } = this.#parts
    const name = treeNameOf(path)
    const held = this.standing.trees().find((one) => (name === undefined ? one.isOwn : one.name === name))
    if (held?.tree.rootBlock === undefined) return [] // not here, or nothing of it has come
    const { summary } = resolvePath(held.files.context, held.actorOf(principals.node), path)
    const hosts = this.standing
      .of(held)
      .hostsOf(summary.zoneRoot ? summary.block : summary.zone)
      .filter((id) => !equalBytes(id, principals.node.id))
    const isConnected = (id: Id): boolean => this.directory.find(id) !== undefined
    return [...hosts.filter(isConnected), ...hosts.filter((id) => !isConnected(id))]
  }

  async #admit(candidate: Candidate): Promise<Uint8Array> {
    const { trees, principals } = this.#parts
    expectNotRemoved(trees.own, this.standing, candidate)
    const deps = {
      held: trees.own,
      principals,
      names: this.#parts.names,
      book: this.book,
      hostsOf: (zone: Id) => this.standing.of(trees.own).hostsOf(zone),
      endpoint: () => this.#endpoint.current()
    }
    const packed = await admitCandidate(deps, principals.node, candidate)
    this.look()
    return packed
  }

  /** In the distributed table, where one is used; what fails is tried again sooner. */
  #announce(retryMs: number): void {
    this.#stopAnnouncing()
    if (this.#isClosed || dhtOf(this.#parts.configuration.network) === undefined) return
    const again = (milliseconds: number, nextRetryMs: number): void => {
      if (this.#isClosed) return
      this.#stopAnnouncing()
      this.#stopAnnouncing = this.timers.start(milliseconds, () => this.#announce(nextRetryMs))
    }
    const { principal } = this.#parts.principals.node
    const record = encodeKnownEndpoints([{ principal: principal.record, endpoint: this.#endpoint.current() }])
    const announced = this.#discoveries.map(async (discovery) => {
      await discovery.publish(principal.id, record)
      await discovery.announce()
    })
    Promise.all(announced).then(
      () => again(announceEachMs, announceRetryMsMin),
      () => again(retryMs, Math.min(announceRetryMsMax, retryMs * 2))
    )
  }

  /** Signs a new endpoint when the addresses are others than before, and tells who is connected. */
  async republish(): Promise<void> {
    const { log, principals } = this.#parts
    try {
      const endpoint = await this.#endpoint.update(this.addresses())
      if (endpoint === undefined) return
      announceEndpoint(this, { principal: principals.node.principal.record, endpoint })
      this.#announce(announceRetryMsMin)
    } catch (error) {
      log.warn('the addresses of this node could not be kept', { reason: reasonOf(error) })
    }
  }

  #onPeer(peer: Peer, state: 'connected' | 'ended'): void {
    const { log } = this.#parts
    log.debug('peer', { state, principal: peer.principal.toHex(), address: peer.connection.remoteAddress })
    if (state === 'ended') return
    this.#compareClocks(peer)
    for (const held of this.standing.trees()) this.#introduce(peer, held)
  }

  /** Once for each connection; the doctor tells of those that are connected. */
  #compareClocks(peer: Peer): void {
    const { principals, log } = this.#parts
    const { principal, clockOffsetMs } = peer
    if (!isClockOff(clockOffsetMs) || this.#compared.has(peer)) return
    this.#compared.add(peer)
    log.warn('the clock of another node differs from the one here: each judges expiry by its own', {
      node: principals.nameOf(principal),
      clock: describeClock(clockOffsetMs)
    })
  }

  /** Shows a member of a tree the records by which this node has its rights there, when it names none of them. */
  #introduce(peer: Peer, held: HeldTree): void {
    const { crypto, principals, log } = this.#parts
    const self = principals.node.id
    if (this.standing.of(held).standingOf(peer.principal) !== 'member' || !needsIntroduction(peer, held))
      return
    if (!held.isOwn && held.tree.authority.capsOf(self).length === 0) return // a grant needs no word: members know it
    const shown = this.#introduced.get(peer) ?? new Set()
    if (shown.has(held.name)) return
    this.#introduced.set(peer, shown.add(held.name))
    introduceSelf(crypto, held, self, peer).then(
      () => this.directory.retell(peer.principal),
      (error: unknown) => {
        log.debug('an introduction was refused', { reason: reasonOf(error) })
        if (error instanceof RemoteError && error.code === 'ERR_METHOD_RATE') this.#introduceLater(peer, held)
      }
    )
  }

  #introduceLater(peer: Peer, held: HeldTree): void {
    this.timers.start(introduceAgainMs, () => {
      this.#introduced.get(peer)?.delete(held.name)
      if (this.directory.find(peer.principal) === peer) this.#introduce(peer, held)
    })
  }

  /** Caps come and go with every sync: who is a member is looked at again when any authority record changed. */
  look(): void {
    this.#stopTimer()
    if (this.#isClosed) return
    const change = this.standing.changeCount()
    if (change !== this.#change) {
      this.#change = change
      void this.#learnFromTree()
      this.directory.refresh()
      void this.#parts.sync.loaded().then((sync) => sync?.refresh())
    } else this.directory.look()
    this.#stopTimer = this.timers.start(lookEachMs, () => this.look())
  }

  /** Endpoints that came with the tree. */
  async #learnFromTree(): Promise<void> {
    for (const { tree } of this.standing.trees()) {
      for (const id of this.standing.members()) {
        const principal = tree.authority.principal(id)
        const [endpoint] = tree.authority
          .endpointsOf(id)
          .toSorted((left, right) => right.body.sequence - left.body.sequence)
        if (principal === undefined || endpoint === undefined) continue
        const held = this.book.entry(id)?.endpoint?.body.sequence ?? -1
        if (endpoint.body.sequence <= held) continue
        await this.book.learn(principal, endpoint).then(
          () => this.directory.retry(id),
          () => undefined
        )
      }
    }
  }
}

function expectTaken(topic: string, untaken: Untaken | undefined): void {
  switch (untaken) {
    case undefined:
      return
    case 'nobody listens':
      throw new ClusterError(
        'ERR_MESSAGE_UNHEARD',
        `the node was reached, but nobody on it listens to the topic "${topic}"`
      )
    case 'another tree':
      throw new ClusterError('ERR_MESSAGE_DENIED', `who listens to "${topic}" takes messages of another tree`)
    case 'too many wait':
      throw new ClusterError('ERR_MESSAGE_BUSY', `too many messages wait for who listens to "${topic}"`)
  }
}

function expectRequestOf({ trees }: ClusterParts, line: string, principal: Id): void {
  const request = trees.own.sharing.parseAccessRequest(line)
  if (!equalBytes(request.principal.signer, principal))
    throw new NodeError('ERR_ACCESS_LINE', 'the request for access is signed by another principal')
}

/**
 * An approved code admits again when this node was started anew before the records were fetched; not a node that was let
 * in and has lost its rights since, on whichever node the owner took them.
 */
function expectNotRemoved(own: HeldTree, standing: NodeStanding, { principal, invitation }: Candidate): void {
  const { authority } = own.tree
  const hadRights = authority.capsOf(principal).length > 0 || authority.grantsTo(principal).length > 0
  if (invitation.decision !== 'approved' || !hadRights) return
  if (standing.of(own).standingOf(principal) !== 'stranger') return
  throw new ClusterError('ERR_INVITATION_REFUSED', 'this invitation cannot be used; ask for a new one')
}

function logShutOut(log: ClusterParts['log'], { key, principal, wrong }: ShutOut): void {
  log.warn('a peer did wrong too often and is shut out for a while', {
    code: wrong,
    transportKey: formatPeerId(key),
    ...(principal === undefined ? {} : { principal: formatId(principal) })
  })
}
