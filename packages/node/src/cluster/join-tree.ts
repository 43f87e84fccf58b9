/**
 * A further tree on a node that has one: asked for with a code, as a new node asks, but under the keys and over the
 * connections of this node; kept beside the own tree (see ../hosted-trees.ts). What the code gives is what it may do
 * there: with `host` it is a node of that tree, without it a reader or writer of one share.
 */
import { hostname } from 'node:os'
import { fingerprintOf, type InvitationCode, parseInvitationCode } from '@blocktree/cluster'
import { equalBytes, formatId } from '@blocktree/codec'
import type { AcceptedAccess } from '@blocktree/files'
import { decodeRecord, recordType } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import { rememberPath } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import { takeAndName } from '../take-records.ts'
import { pathIn } from '../tree-router.ts'
import { allRights, askToJoin } from './ask-to-join.ts'
import { decodeJoinPackage, type JoinMember } from './join-package.ts'
import type { NodeCluster } from './node-cluster.ts'

export interface TreeJoinRequest {
  readonly code: string
  /** How this node calls itself; the name of the machine when absent. */
  readonly name?: string | undefined
  readonly signal: AbortSignal
  /** The owner of the other tree has to agree; told once. */
  readonly onWaiting: () => void
}

export interface JoinedTree {
  readonly treeId: string
  /** As a path of this node. */
  readonly path: string
  readonly read: boolean
  readonly rights: number
}

type JoinTreeParts = Pick<
  NodeParts,
  'crypto' | 'principals' | 'trees' | 'sharing' | 'cluster' | 'log' | 'sync'
>

/**
 * @throws ERR_INVITATION_CODE, ERR_TREE_JOINED, ERR_INVITER_UNREACHABLE, ERR_JOIN_REFUSED, ERR_JOIN_PROOF, ERR_NETWORK_OFF;
 *   ERR_INVITATION_REFUSED of the inviting node
 */
export async function joinTree(parts: JoinTreeParts, request: TreeJoinRequest): Promise<JoinedTree> {
  const { crypto, principals, sharing, log } = parts
  const code = parseInvitationCode(crypto, request.code)
  expectOther(parts, code)
  const cluster = await parts.cluster.get()
  const name = request.name ?? hostname().slice(0, 64)
  const { node } = principals
  const line = sharing.requestAccess(node, { path: '/', read: true, rights: allRights, name })
  const { joined, inviter } = await askToJoin({
    crypto,
    log,
    directory: cluster.directory,
    code,
    localKey: cluster.transportKey,
    principal: node.id,
    line,
    name,
    signal: request.signal,
    onWaiting: request.onWaiting
  })
  const packed = decodeJoinPackage(joined.records)
  const accepted = await sharing.acceptAccess(node, packed.line)
  if (!equalBytes(accepted.approver, inviter) || !equalBytes(accepted.tree, joined.tree))
    throw new NodeError('ERR_ACCESS_LINE', 'the answer is not one of the inviting node for this tree')
  const held = await keep(parts, accepted, packed.records)
  await meetMembers(parts, cluster, packed.members)
  cluster.look()
  await parts.sync.get().then((sync) => sync.refresh())
  return {
    treeId: held.name,
    path: pathIn(held, accepted.path),
    read: accepted.read,
    rights: accepted.rights
  }
}

/** A code of this tree is for other machines: this node is in it. */
function expectOther({ crypto, trees, principals }: JoinTreeParts, { fingerprint }: InvitationCode): void {
  const { id, tree, name } = trees.own
  const known = [principals.node.id, ...[...tree.authority.principals()].map(({ signer }) => signer)]
  if (!known.some((principal) => equalBytes(fingerprintOf(crypto, principal, id), fingerprint))) return
  throw new NodeError(
    'ERR_TREE_JOINED',
    `this node is part of the tree ${name} already; the code is for another one`
  )
}

/** Stores what was handed out, in an empty tree of its own when it is the first of it; nothing stays of what is no tree. */
async function keep(
  parts: JoinTreeParts,
  accepted: AcceptedAccess,
  records: readonly Uint8Array[]
): Promise<HeldTree> {
  const { hosted } = parts.trees
  const treeId = formatId(accepted.tree)
  const isNew = !hosted.isHosted(treeId)
  const held = await hosted.accept(accepted.tree)
  const { tree } = held
  await takeAndName(parts, held, parts.principals.node, async () => {
    await rememberPath(held, accepted.target, accepted.path)
    const from = { peer: 'join', from: 'host' } as const
    await tree.offer(accepted.offer, from)
    await tree.offer({ records: records.map((bytes) => ({ bytes })) }, from)
    await tree.settled()
  })
  if (tree.rootBlock !== undefined) return held
  if (isNew) {
    await parts.sync.forget(treeId)
    await hosted.forget(treeId)
  }
  throw new NodeError('ERR_ACCESS_LINE', 'the tree is missing in what the inviting node sent')
}

/** Where they are and what they are called, as far as they prove it. */
async function meetMembers(
  { crypto, principals }: JoinTreeParts,
  { book }: NodeCluster,
  members: readonly JoinMember[]
): Promise<void> {
  for (const { principal, endpoint, name } of members) {
    const who = decodeRecord(crypto, principal)
    if (equalBytes(who.signer, principals.node.id)) continue // its name is that of its own tree
    const where = decodeRecord(crypto, endpoint)
    if (who.type !== recordType.principal || where.type !== recordType.endpoint) continue
    const isGood = await book.learn(who, where).then(
      () => true,
      () => false // an old one is of no use
    )
    if (isGood) await principals.introduce(who.signer, name)
  }
}
