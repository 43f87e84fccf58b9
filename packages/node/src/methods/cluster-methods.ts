/** node.invite and its kin, peer.*, message.*: handlers about other nodes. */
import type { Candidate, Invitation, Peer, ReceivedMessage } from '@blocktree/cluster' // types alone: a node without others does not load it
import { equalBytes, formatId } from '@blocktree/codec'
import type { Actor } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { type Id, right } from '@blocktree/tree'
import type { HeldMessage } from '../cluster/message-topics.ts'
import type { NodeCluster } from '../cluster/node-cluster.ts'
import type { NodeParts } from '../create-node.ts'
import { fingerprintText } from '../fingerprint.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type {
  ClusterMethods,
  IncomingMessage,
  InvitationSummary,
  JoinCandidate,
  MemberSummary,
  PeerSummary
} from '../method-table/cluster-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer as Caller } from '../peer.ts'
import { pathIn, treeNameOf } from '../tree-router.ts'

type ClusterHandlers = Handlers<ClusterMethods, Caller>

/** What a node of the same owner may do, unless said otherwise: everything that this one may, but keep for strangers. */
const memberRights: readonly string[] = [
  'read',
  'write',
  'create',
  'delete',
  'delegate',
  'grant',
  'host',
  'admin'
]

/** What somebody else's node gets of a share, unless said otherwise. */
const readerRights: readonly string[] = ['read']

export function createClusterHandlers(parts: NodeParts): ClusterHandlers {
  return { ...joinHandlers(parts), ...memberHandlers(parts), ...messageHandlers(parts) }
}

type JoinMethod =
  | 'node.invite'
  | 'node.join'
  | 'node.invitations'
  | 'node.uninvite'
  | 'node.candidates'
  | 'node.approve'
  | 'node.refuse'

function joinHandlers(parts: NodeParts): Pick<ClusterHandlers, JoinMethod> {
  const { cluster, principals } = parts
  const decide = async (
    text: string,
    decision: 'approve' | 'refuse'
  ): Promise<{ principal: string; name: string }> => {
    const { desk } = await cluster.get()
    const { principal } = chooseCandidate(desk.candidates(), text)
    await desk[decision](principal)
    return { principal: formatId(principal), name: principals.nameOf(principal) }
  }
  return {
    async 'node.invite'(
      {
        path = '/',
        share = false,
        rights = share ? readerRights : memberRights,
        approved = false,
        name = '',
        lifeMs
      },
      { peer }
    ) {
      const open = await cluster.get()
      const bits = inviteBits(rights, share)
      const terms = { path, read: rights.includes('read'), rights: bits, isApproved: approved, name }
      const { invitation, code } = await open.invite(peer.session.actor, terms, lifeMs)
      return {
        code,
        invitation: invitation.id.toHex(),
        expiresMs: invitation.expiresMs,
        addresses: open.addresses()
      }
    },
    async 'node.join'({ code, name }, context) {
      const { joinTree } = await import('../cluster/join-tree.ts')
      const { signal } = context
      const onWaiting = (): void => context.progress({ done: 0, text: 'the owner is asked' })
      const { treeId, path, read, rights } = await joinTree(parts, { code, name, signal, onWaiting })
      return { treeId, path, rights: rightNames(read, rights) }
    },
    async 'node.invitations'() {
      const open = await cluster.loaded()
      return { invitations: (open?.desk.list() ?? []).map(summarizeInvitation) }
    },
    async 'node.uninvite'({ invitation }) {
      const open = await cluster.loaded()
      if ((await open?.desk.cancel(Uint8Array.fromHex(invitation))) === true) return {}
      throw new NodeError('ERR_JOIN_UNKNOWN', `there is no invitation ${invitation}`)
    },
    async 'node.candidates'() {
      const open = await cluster.loaded()
      return { candidates: (open?.desk.candidates() ?? []).map(summarizeCandidate) }
    },
    'node.approve': ({ candidate }) => decide(candidate, 'approve'),
    'node.refuse': ({ candidate }) => decide(candidate, 'refuse')
  }
}

/** A node of the cluster hosts; a share is for readers and writers. @throws ERR_RIGHT_UNKNOWN */
function inviteBits(rights: readonly string[], isShare: boolean): number {
  const bits = rightBits(rights.filter((one) => one !== 'read'))
  if (!isShare) return bits | right.host
  if ((bits & (right.host | right.keep)) === 0) return bits
  throw new NodeError('ERR_RIGHT_UNKNOWN', 'a share does not make a host; leave "share" out for that')
}

/** @throws ERR_RIGHT_UNKNOWN */
function rightBits(names: readonly string[]): number {
  return names.reduce((bits, name) => {
    const found = Object.entries(right).find(([known]) => known === name)
    if (found !== undefined) return bits | found[1]
    const known = ['read', ...Object.keys(right)].join(', ')
    throw new NodeError('ERR_RIGHT_UNKNOWN', `"${name}" is no right; known: ${known}`)
  }, 0)
}

function rightNames(read: boolean, bits: number): readonly string[] {
  const names = Object.entries(right).filter(([, bit]) => (bits & bit) !== 0)
  return [...(read ? ['read'] : []), ...names.map(([name]) => name)]
}

function summarizeInvitation(one: Invitation): InvitationSummary {
  const { id, name, path, read, rights, isApproved, expiresMs, usedBy, decision } = one
  return {
    id: id.toHex(),
    name,
    path,
    rights: rightNames(read, rights),
    isApproved,
    expiresMs,
    state: decision ?? (usedBy === undefined ? 'open' : 'waiting'),
    ...(usedBy === undefined ? {} : { usedBy: formatId(usedBy.principal) })
  }
}

function summarizeCandidate({ principal, claimedName, invitation }: Candidate): JoinCandidate {
  const { path, read, rights } = invitation
  return {
    principal: formatId(principal),
    fingerprint: fingerprintText(principal),
    name: claimedName,
    path,
    rights: rightNames(read, rights)
  }
}

/** By id, fingerprint or claimed name, when that tells one. @throws ERR_JOIN_UNKNOWN */
export function chooseCandidate(candidates: readonly Candidate[], text: string): Candidate {
  // What a stranger calls itself never stands in for a fingerprint: it could claim that of the node which is awaited.
  const isFingerprint = /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$|^bciq[a-z2-7]{52}$/.test(text)
  const found = candidates.filter(({ principal, claimedName }) =>
    isFingerprint ? [formatId(principal), fingerprintText(principal)].includes(text) : claimedName === text
  )
  const [one] = found
  if (one !== undefined && found.length === 1) return one
  throw new NodeError(
    'ERR_JOIN_UNKNOWN',
    found.length > 1
      ? `${found.length} nodes call themselves "${text}"; say the fingerprint`
      : `no node "${text}" waits to join`
  )
}

type MemberMethod =
  | 'node.members'
  | 'node.rename'
  | 'node.remove'
  | 'node.addAddress'
  | 'node.removeAddress'
  | 'peer.list'

function memberHandlers(parts: NodeParts): Pick<ClusterHandlers, MemberMethod> {
  const { cluster, principals } = parts
  return {
    'node.members': ({ path }, { peer }) =>
      parts.trees.within(peer.session, path, async (held, actor) => {
        const open = await cluster.loaded()
        const self = principals.node.id
        const inTree = parts.standing.of(held).members()
        const isMember = held.isOwn || inTree.some((id) => equalBytes(id, self))
        const others = inTree.filter((id) => !equalBytes(id, self) && isNode(held, open, id))
        const members = [...(isMember ? [self] : []), ...others]
        const nameOf = parts.names.current()
        return { members: members.map((id) => describeMember(parts, open, { held, actor, nameOf }, id)) }
      }),
    async 'node.rename'({ name }) {
      await parts.names.rename(name)
      await (await cluster.loaded())?.republish()
      return { name: parts.names.current()(principals.node.id) }
    },
    async 'node.remove'({ principal, sinceMs, confirm }, { peer }) {
      const id = principals.idOf(principal)
      if (confirm !== true) {
        throw new NodeError(
          'ERR_CONFIRMATION_ABSENT',
          `all rights of ${parts.names.current()(id)} end, and cannot be given back to the same key; say "confirm": true`
        )
      }
      return await removeMember(parts, peer.session.actor, id, sinceMs)
    },
    async 'node.addAddress'({ principal, address }) {
      const { record } = principals.find(principal)
      const open = await cluster.get()
      await open.book.addManual(record, address)
      open.directory.retry(record.signer)
      return {}
    },
    async 'node.removeAddress'({ principal, address }) {
      const open = await cluster.get()
      if (await open.book.removeManual(principals.idOf(principal), address)) return {}
      throw new NodeError('ERR_ADDRESS_INVALID', `"${address}" was not added for ${principal}`)
    },
    async 'peer.list'() {
      const open = await cluster.loaded()
      if (open === undefined) return { isOpen: false, addresses: [], peers: [], shutOut: [] }
      const nameOf = parts.names.current()
      const peers = open.directory
        .peers()
        .map((one) => describePeer({ standing: parts.standing, nameOf }, open, one))
      const shutOut = open.shutOut().map(({ transportKey, principal, wrong, untilMs }) => ({
        transportKey,
        ...(principal === undefined ? {} : { principal: principals.nameOf(principal) }),
        code: wrong,
        untilMs
      }))
      return { isOpen: true, peerId: open.peerId, addresses: open.addresses(), peers, shutOut }
    }
  }
}

function describePeer(
  { nameOf, standing }: Pick<NodeParts, 'standing'> & { readonly nameOf: (principal: Id) => string },
  open: NodeCluster,
  peer: Peer
): PeerSummary {
  const { connection, principal, hello, connectedMs, clockOffsetMs } = peer
  const { bytesIn, bytesOut, roundTripMs } = connection.statistics
  const { transport, relay, foundBy } = open.wayOf(peer)
  return {
    principal: formatId(principal),
    name: nameOf(principal),
    standing: standing.standingOf(principal),
    address: connection.remoteAddress,
    direction: connection.direction,
    isRelayed: connection.relayed,
    ...(relay === undefined
      ? {}
      : { relay: relay.principal === undefined ? relay.peerId : nameOf(relay.principal) }),
    transport,
    ...(foundBy === undefined ? {} : { foundBy }),
    connectedMs,
    clockOffsetMs: Math.round(clockOffsetMs),
    features: hello.features,
    bytesIn,
    bytesOut,
    ...(roundTripMs === undefined ? {} : { roundTripMs })
  }
}

/** The root and persons may hold `host` too; a node is what says where it is reached, or was let in by a code. */
function isNode({ tree }: HeldTree, open: NodeCluster | undefined, id: Id): boolean {
  return open?.book.entry(id) !== undefined || tree.authority.endpointsOf(id).length > 0
}

function describeMember(
  { principals }: NodeParts,
  open: NodeCluster | undefined,
  {
    held,
    actor,
    nameOf
  }: { readonly held: HeldTree; readonly actor: Actor; readonly nameOf: (id: Id) => string },
  id: Id
): MemberSummary {
  const entry = open?.book.entry(id)
  const isSelf = equalBytes(id, principals.node.id)
  const connection = open?.directory.find(id)?.connection
  const roundTripMs = connection?.statistics.roundTripMs
  const caps = held.sharing
    .listCaps(actor)
    .filter(({ subject }) => equalBytes(subject, id))
    .map(({ path, rights }) => ({ path: pathIn(held, path ?? ''), rights }))
  const addresses = isSelf ? (open?.addresses() ?? []) : (entry?.endpoint?.body.addresses ?? [])
  return {
    principal: formatId(id),
    name: nameOf(id),
    fingerprint: fingerprintText(id),
    isSelf,
    isConnected: isSelf || connection !== undefined,
    caps,
    addresses,
    manualAddresses: entry?.manual ?? [],
    ...(entry?.lastGood === undefined ? {} : { lastAddress: entry.lastGood }),
    ...(roundTripMs === undefined ? {} : { roundTripMs })
  }
}

/**
 * Caps first: from then on nothing of it is taken; then what it may read, which changes the keys; then where it was.
 * What fails for want of authority leaves the rest as it is: `ERR_ROOT_NEEDED`, and the same call as root goes on.
 */
async function removeMember(
  { trees, principals, cluster }: NodeParts,
  actor: Actor,
  id: Id,
  sinceMs: number | undefined
): Promise<ClusterMethods['node.remove']['result']> {
  const { sharing } = trees.own
  if (equalBytes(id, principals.node.id)) {
    throw new NodeError(
      'ERR_MEMBER_UNKNOWN',
      'this is the node that you speak with; remove it from another one'
    )
  }
  const caps = sharing.listCaps(actor).filter(({ subject }) => equalBytes(subject, id))
  const grants = sharing.listGrants(actor).filter(({ recipient }) => equalBytes(recipient, id))
  if (caps.length + grants.length === 0)
    throw new NodeError('ERR_MEMBER_UNKNOWN', `${principals.nameOf(id)} has no right here`)
  let quarantined = 0
  let zonesRekeyed = 0
  for (const { cap } of caps) {
    const report = await sharing.revokeCap(actor, cap.id, sinceMs === undefined ? {} : { sinceMs })
    quarantined += report.quarantined
  }
  for (const { grant, state } of grants) {
    if (state !== 'live') continue
    zonesRekeyed += (await sharing.revokeReader(actor, grant.id)).rekeyed.length
  }
  await (await cluster.loaded())?.drop(id)
  return { caps: caps.length, grants: grants.length, quarantined, zonesRekeyed }
}

type MessageMethod = 'message.send' | 'message.listen' | 'message.reply' | 'message.done'

function messageHandlers(parts: NodeParts): Pick<ClusterHandlers, MessageMethod> {
  const { cluster, topics, trees, names } = parts
  return {
    async 'message.send'({ to, app, topic, content, replyWithinMs }) {
      const { messages } = await cluster.get()
      const { recipient, tree } = await recipientOf(parts, to)
      const message = { tree, toApp: app, topic, content }
      if (replyWithinMs === undefined) return { takenBy: formatId(await messages.send(recipient, message)) }
      const { from, content: reply } = await messages.request(recipient, { ...message, replyWithinMs })
      return { takenBy: formatId(from), reply }
    },
    'message.listen': ({ topic, path }, context) =>
      trees.within(context.peer.session, path, ({ id }) => {
        const emit = { message: (_: HeldMessage): void => undefined }
        const end = topics.listen({
          topic,
          tree: path === undefined ? undefined : id,
          onMessage: (held) => emit.message(held)
        })
        const subscription = context.subscribe()
        emit.message = ({ number, message }) =>
          subscription.emit(describeMessage(number, message, names.current()(message.from)))
        subscription.signal.addEventListener('abort', end, { once: true })
        return { subscription: subscription.id }
      }),
    async 'message.reply'({ message, content }) {
      await topics.reply(message, content)
      return {}
    },
    'message.done'({ message }) {
      topics.done(message)
      return {}
    }
  }
}

function describeMessage(number: number, message: ReceivedMessage, name: string): IncomingMessage {
  const { from, fromApp, tree, topic, content, reply, replyWithinMs } = message
  return {
    message: number,
    from: formatId(from),
    name,
    ...(fromApp === undefined ? {} : { fromApp }),
    treeId: formatId(tree),
    topic,
    content,
    ...(reply === undefined || replyWithinMs === undefined ? {} : { replyWithinMs })
  }
}

/** A path is in a tree; with a principal the tree is one that it has a right in, the own one before others. */
async function recipientOf(
  { trees, principals, standing }: NodeParts,
  to: string
): Promise<{ readonly recipient: Id | string; readonly tree: Id }> {
  if (to.startsWith('/'))
    return { recipient: to, tree: (await trees.held(treeNameOf(to) ?? trees.own.name)).id }
  const recipient = principals.idOf(to)
  return { recipient, tree: standing.commonTree(recipient) ?? trees.own.id }
}
