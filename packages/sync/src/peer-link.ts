/** One connected peer, as replication of one tree sees it. */
import { type Connection, RemoteError } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { PeerStanding } from './peer-standing.ts'
import type { SyncServer } from './server.ts'

export type SyncConnection = Pick<Connection, 'request' | 'pull' | 'notify' | 'closed'>

export interface PeerLink {
  readonly connection: SyncConnection
  readonly principal: Id
  /** Counts parked records and penalties together over reconnects. */
  readonly name: string
  readonly standing: PeerStanding
  readonly server: SyncServer
  /** Ends what runs for this peer. */
  readonly ending: AbortController
  /** Owners whose sectors it does not hold, as text of their ids, and until when that is believed. */
  readonly lacks: Map<string, number>
}

/** True for an answer that says the peer gives nothing of this tree. */
export function isForbidden(error: unknown): boolean {
  return error instanceof RemoteError && error.code === 'ERR_SYNC_FORBIDDEN'
}
