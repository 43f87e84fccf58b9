/** Asking the node that made a code: dials it, proves the code, waits for the owner's word, over any number of connections. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  helloPurpose,
  type InvitationCode,
  join,
  type Joined,
  type Peer,
  type PeerDirectory
} from '@blocktree/cluster'
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { NetworkError } from '@blocktree/network'
import { type Id, right } from '@blocktree/tree'
import type { Log } from '../log.ts'
import { NodeError, reasonOf } from '../node-error.ts'

/** What a new node asks for: the code says what it gets. */
export const allRights: number = Object.values(right).reduce((all, bit) => all | bit, 0)
const retryMs = 2000

export interface JoinAsk {
  readonly crypto: CryptoProvider
  readonly log: Log
  readonly directory: Pick<PeerDirectory, 'dial' | 'peers'>
  readonly code: InvitationCode
  readonly localKey: Id
  readonly principal: Id
  /** The signed request for access, as text. */
  readonly line: string
  /** How this node calls itself. */
  readonly name: string
  readonly signal?: AbortSignal
  /** The owner has to agree; told once. */
  readonly onWaiting?: () => void
}

export interface InviterAnswer {
  readonly joined: Joined
  readonly inviter: Id
}

/**
 * A connection that breaks while the owner is asked is made again.
 * @throws ERR_INVITER_UNREACHABLE, ERR_JOIN_REFUSED, ERR_JOIN_PROOF; ERR_INVITATION_REFUSED of the inviting node
 */
export async function askToJoin(ask: JoinAsk): Promise<InviterAnswer> {
  const { directory, code, log, signal, onWaiting, ...said } = ask
  let isWaiting = false
  for (;;) {
    signal?.throwIfAborted()
    try {
      const peer = await dialAny(directory, code)
      const joined = await join({
        ...said,
        code,
        peer,
        onWaiting() {
          if (!isWaiting) onWaiting?.()
          isWaiting = true
        },
        ...(signal === undefined ? {} : { signal })
      })
      return { joined, inviter: peer.principal }
    } catch (error) {
      if (!isWaiting || !(error instanceof NetworkError)) throw error // before it, nobody is lost by saying so
      log.warn('the connection to the inviting node broke; trying again', { reason: reasonOf(error) })
      await sleep(retryMs, undefined, signal === undefined ? {} : { signal })
    }
  }
}

/** Over the connection that is there, when there is one. */
async function dialAny(directory: JoinAsk['directory'], code: InvitationCode): Promise<Peer> {
  const isWanted = ({ connection }: Peer): boolean => equalBytes(connection.remoteKey, code.transportKey)
  const known = directory.peers().find(isWanted)
  if (known !== undefined) return known
  const causes: unknown[] = []
  for (const address of code.addresses) {
    try {
      return await directory.dial({ address, key: code.transportKey }, { purpose: helloPurpose.join })
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw new NodeError(
    'ERR_INVITER_UNREACHABLE',
    `the inviting node does not answer at ${code.addresses.join(' or ')}: ${causes.map(reasonOf).join('; ')}`,
    { cause: new AggregateError(causes, 'one error for each address') }
  )
}
