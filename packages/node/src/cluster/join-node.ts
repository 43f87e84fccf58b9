/**
 * A new node made by joining: its keys, what the inviting node hands out, and nothing more; content comes with the first
 * sync. Works in an empty place, so that a join that is cut short leaves nothing behind (the code is used up then).
 */
import { hostname } from 'node:os'
import {
  Gate,
  type InvitationCode,
  type Joined,
  openAddressBook,
  parseInvitationCode,
  PeerDirectory,
  RequestRouter,
  type StandingSource
} from '@blocktree/cluster'
import { equalBytes, formatId } from '@blocktree/codec'
import { createPrincipalSecret, type CryptoProvider } from '@blocktree/crypto'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { type AcceptedAccess, createFiles, createSharing, type Files, type Sharing } from '@blocktree/files'
import type { Network } from '@blocktree/network'
import { createStore, nodeDrivers } from '@blocktree/store'
import {
  type BlockStore,
  createEndpoint,
  createPrincipal,
  createTreeState,
  decodeRecord,
  type Id,
  type Principal,
  recordType,
  type TreeState
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import type { Configuration } from '../configuration.ts'
import { type DataDirectory, dataFormat, type NodeRecord } from '../data-directory.ts'
import { rememberPath } from '../hosted-paths.ts'
import type { Log } from '../log.ts'
import { NodeError } from '../node-error.ts'
import { nameRow, nodeKeyName } from '../principal-directory.ts'
import { version } from '../version.ts'
import { allRights, askToJoin, type InviterAnswer } from './ask-to-join.ts'
import { createAddressRows } from './cluster-rows.ts'
import { decodeJoinPackage, type JoinMember, type JoinPackage } from './join-package.ts'
import { freeName, ownNameRow } from './member-names.ts'
import { systemTimers } from './node-cluster.ts'
import { openNetworks } from './open-networks.ts'
import { openTransportKey, type TransportIdentity } from './transport-key.ts'

export interface JoinRequest {
  readonly code: string
  /** How this node calls itself; the name of the machine when absent. */
  readonly name?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** The owner has to agree: shown beside what the owner sees. */
  readonly onWaiting?: ((self: { readonly principal: string; readonly name: string }) => void) | undefined
}

export interface JoinDeps {
  readonly crypto: CryptoProvider
  readonly configuration: Configuration
  readonly log: Log
}

const endpointMs = 86_400_000

/**
 * @param target an empty directory of which `keys` and `store` are made
 * @throws ERR_INVITATION_CODE, ERR_JOIN_REFUSED, ERR_JOIN_PROOF; ERR_INVITATION_REFUSED of the inviting node
 */
export async function joinNodeInto(
  deps: JoinDeps,
  target: DataDirectory,
  request: JoinRequest
): Promise<NodeRecord> {
  const { crypto } = deps
  const code = parseInvitationCode(crypto, request.code)
  const keys = createKeyFileStorage({ folder: target.keys, crypto })
  const secret = createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  await keys.create(nodeKeyName, secret)
  const principal = createPrincipal(crypto, secret)
  secret.close()
  const key = await openTransportKey(keys, crypto)
  try {
    const { joined, accepted, packed } = await ask(deps, { code, principal, key, request })
    await keep(deps, target, { joined, accepted, packed, self: principal.id })
    return { format: dataFormat, treeId: formatId(joined.tree), createdMs: Date.now(), createdBy: version }
  } finally {
    key.seed.fill(0)
    principal.close()
  }
}

interface Asking {
  readonly code: InvitationCode
  readonly principal: Principal
  readonly key: TransportIdentity
  readonly request: JoinRequest
}

interface Answer {
  readonly joined: Joined
  readonly accepted: AcceptedAccess
  readonly packed: JoinPackage
}

async function ask(deps: JoinDeps, asking: Asking): Promise<Answer> {
  const { configuration, log } = deps
  const { networks } = await openNetworks(configuration.network, {
    seed: asking.key.seed,
    listens: false,
    log
  })
  const scratch = await openScratch(deps)
  const actor = scratch.files.actor(asking.principal)
  try {
    const name = asking.request.name ?? hostname().slice(0, 64)
    const line = scratch.sharing.requestAccess(actor, { path: '/', read: true, rights: allRights, name })
    const { joined, inviter } = await askInviter(deps, asking, networks, { line, name })
    const packed = decodeJoinPackage(joined.records)
    const accepted = await scratch.sharing.acceptAccess(actor, packed.line)
    if (!equalBytes(accepted.approver, inviter) || !equalBytes(accepted.tree, joined.tree))
      throw new NodeError('ERR_ACCESS_LINE', 'the answer is not one of the inviting node for this tree')
    return { joined, accepted, packed }
  } finally {
    actor.close()
    scratch.close()
    await Promise.all(networks.map((network) => network.close()))
  }
}

/** An empty tree in memory: asking and judging the answer need one, keeping comes later. */
async function openScratch({
  crypto
}: JoinDeps): Promise<{ files: Files; sharing: Sharing; close: () => void }> {
  const store = createMemoryStore()
  const clock = { now: Date.now }
  const tree: TreeState = await createTreeState({ store, crypto, clock })
  const files = createFiles({
    tree,
    store,
    crypto,
    random: crypto.random,
    clock,
    nameSecret: crypto.random.bytes(32)
  })
  return {
    files,
    sharing: createSharing(files.context),
    close() {
      files.close()
      tree.close()
    }
  }
}

async function askInviter(
  deps: JoinDeps,
  asking: Asking,
  networks: readonly Network[],
  said: { readonly line: string; readonly name: string }
): Promise<InviterAnswer> {
  const { code, principal, key, request } = asking
  const { signal, onWaiting } = request
  const directory = await openDirectory(deps, asking, networks)
  try {
    return await askToJoin({
      ...deps,
      ...said,
      directory,
      code,
      localKey: key.publicKey,
      principal: principal.id,
      ...(signal === undefined ? {} : { signal }),
      onWaiting: () => onWaiting?.({ principal: formatId(principal.id), name: said.name })
    })
  } finally {
    await directory.close()
  }
}

/** Peers of a node that has nothing yet: it dials one, and answers nobody. */
async function openDirectory(
  { crypto }: JoinDeps,
  { principal, key }: Asking,
  networks: readonly Network[]
): Promise<PeerDirectory> {
  const standing: StandingSource = {
    standingOf: () => 'peer',
    standingIn: () => 'stranger',
    share: () => false,
    members: () => []
  }
  const book = await openAddressBook({
    crypto,
    now: Date.now,
    store: { load: async () => await Promise.resolve([]), save: async () => Promise.resolve() }
  })
  const endpoint = createEndpoint(crypto, principal, {
    tree: new Uint8Array(32), // of none yet
    transportKey: key.publicKey,
    addresses: [],
    notAfter: Date.now() + endpointMs,
    sequence: Date.now()
  })
  const directory = new PeerDirectory({
    crypto,
    timers: systemTimers,
    local: { principal, endpoint: () => endpoint, treesFor: () => [], features: [] },
    standing,
    book,
    gate: new Gate({ now: Date.now, knows: () => false, opensToStrangers: () => false }),
    router: new RequestRouter({ standing, timers: systemTimers })
  })
  for (const network of networks) directory.addNetwork(network)
  return directory
}

/** Stores what was handed out, and checks that the tree is there with it. */
async function keep(
  { crypto, configuration }: JoinDeps,
  target: DataDirectory,
  { joined, accepted, packed, self }: Answer & { readonly self: Id }
): Promise<void> {
  const store = await createStore(nodeDrivers(target.store), {
    segmentBytes: configuration.store.segmentBytes
  })
  try {
    const tree = await createTreeState({ store, crypto, clock: { now: Date.now }, tree: joined.tree })
    const from = { peer: 'join', from: 'host' } as const
    await tree.offer(accepted.offer, from)
    await tree.offer({ records: packed.records.map((bytes) => ({ bytes })) }, from)
    await tree.settled()
    if (tree.tree === undefined || tree.rootBlock === undefined || !equalBytes(tree.tree, joined.tree))
      throw new NodeError('ERR_ACCESS_LINE', 'the tree is missing in what the inviting node sent')
    if (accepted.path !== '/') await rememberPath({ store }, accepted.target, accepted.path)
    await keepMembers(crypto, store, { self, members: packed.members })
    tree.close()
    await store.flush()
  } finally {
    await store.close()
  }
}

/** Where they are and what they are called, as far as they prove it. */
async function keepMembers(
  crypto: CryptoProvider,
  store: BlockStore,
  { self, members }: { readonly self: Id; readonly members: readonly JoinMember[] }
): Promise<void> {
  const book = await openAddressBook({ crypto, now: Date.now, store: createAddressRows(store) })
  const taken = new Set<string>()
  for (const { principal, endpoint, name } of members) {
    const who = decodeRecord(crypto, principal)
    if (equalBytes(who.signer, self)) {
      await store.commit({ local: [ownNameRow(freeName(name, new Set()))] })
      continue
    }
    const where = decodeRecord(crypto, endpoint)
    if (who.type !== recordType.principal || where.type !== recordType.endpoint) continue
    const isGood = await book.learn(who, where).then(
      () => true,
      () => false // an old one is of no use
    )
    if (!isGood || name === '') continue
    const free = freeName(name, taken)
    taken.add(free)
    await store.commit({ local: [nameRow(who.signer, free)] })
  }
}
