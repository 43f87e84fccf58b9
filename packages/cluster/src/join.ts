/** The side of the new node: proves the code, waits for the owner's word, fetches what lets it in. */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { type InvitationCode, fingerprintOf } from './invitation-code.ts'
import { joinMethod, joinRecordsMethod } from './invitation-desk.ts'
import {
  type Channel,
  type JoinAnswer,
  invitationId,
  joinState,
  openJoinAnswer,
  sealJoinRequest
} from './join-message.ts'
import { joinAnswerBytesMax, joinWaitMs } from './limits.ts'
import type { Peer } from './peer.ts'

export interface JoinOptions {
  readonly crypto: CryptoProvider
  readonly code: InvitationCode
  /** The inviting node, after its hello. */
  readonly peer: Peer
  readonly localKey: TransportKey
  readonly principal: Id
  /** The signed request for access, as text. */
  readonly line: string
  /** How this node calls itself. */
  readonly name: string
  /** Told once when the owner has to be asked. */
  readonly onWaiting?: () => void
  readonly signal?: AbortSignal
}

export interface Joined {
  readonly tree: Id
  /** What the inviting node packed for us (see `InvitationDeskDeps.admit`). */
  readonly records: Uint8Array
}

/**
 * Resolves when the owner has agreed.
 * @throws ERR_JOIN_PROOF when somebody else answers, ERR_JOIN_REFUSED when the owner says no; RemoteError with
 *   ERR_INVITATION_REFUSED when the code cannot be used
 */
export async function join(options: JoinOptions): Promise<Joined> {
  const { crypto, code, peer, signal } = options
  const answer = await askUntilDecided(options)
  if (answer.state === joinState.refused)
    throw new ClusterError('ERR_JOIN_REFUSED', `the owner did not let this node in: ${answer.reason}`)
  const wanted = fingerprintOf(crypto, peer.principal, answer.tree)
  if (!equalBytes(wanted, code.fingerprint))
    throw new ClusterError('ERR_JOIN_PROOF', 'the tree is not the one that the code was made for')
  const parts: Uint8Array[] = []
  let length = 0
  const head = invitationId(crypto, code.secret)
  for await (const chunk of peer.connection.pull(
    joinRecordsMethod,
    head,
    signal === undefined ? {} : { signal }
  )) {
    length += chunk.length
    if (length > joinAnswerBytesMax)
      throw new ClusterError('ERR_METHOD_SIZE', 'what the inviting node sends is longer than any answer')
    parts.push(chunk.slice())
  }
  return { tree: answer.tree, records: joined(parts, length) }
}

async function askUntilDecided(options: JoinOptions): Promise<JoinAnswer> {
  const { crypto, code, peer, localKey, principal, line, name, signal, onWaiting } = options
  const channel: Channel = {
    joinerKey: localKey,
    inviterKey: peer.connection.remoteKey,
    joiner: principal,
    inviter: peer.principal
  }
  let isTold = false
  for (;;) {
    const request = sealJoinRequest(crypto, code.secret, channel, { line, name })
    const asking = peer.connection.request(joinMethod, request, {
      timeoutMs: 2 * joinWaitMs,
      ...(signal === undefined ? {} : { signal })
    })
    const answer = openJoinAnswer(crypto, code.secret, channel, await asking)
    if (answer.state !== joinState.waiting) return answer
    if (!isTold) onWaiting?.()
    isTold = true
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}
