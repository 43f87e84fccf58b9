/** What can go wrong between replicas. Codes travel: a peer sees them as `RemoteError`. */
export type SyncErrorCode =
  | 'ERR_SYNC_FORBIDDEN' // the peer has no right to what it asks for, or the tree is not held: one answer for both
  | 'ERR_SYNC_MALFORMED' // a message is not what page 28 says
  | 'ERR_SYNC_BUSY' // too many requests of this peer, or it is not spoken to for a while; try later
  | 'ERR_SYNC_NOT_HELD' // the records or sectors in question are not held here
  | 'ERR_SYNC_PEER_WRONG' // what the peer sent is not what it claimed: the exchange was ended
  | 'ERR_SYNC_PROMISE' // fewer nodes than asked for promised to keep a write in time
  | 'ERR_SYNC_CLOSED' // replication was stopped

export class SyncError extends Error {
  override readonly name = 'SyncError'
  readonly code: SyncErrorCode
  constructor(code: SyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
