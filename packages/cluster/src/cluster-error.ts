/** The one error class of this package; callers branch on `code`. Codes of refusals travel to the peer (doc/spec/27-cluster.md, section 8). */
export type ClusterErrorCode =
  | 'ERR_HELLO_FORMAT' // what came is no hello, or one of a version that is not spoken here
  | 'ERR_HELLO_PROOF' // the principal did not certify the transport key of this connection, or no longer
  | 'ERR_PEER_REFUSED' // the gate lets this peer in no further
  | 'ERR_PEER_UNREACHABLE' // none of the known addresses answers; the causes are in `cause`
  | 'ERR_PEER_OTHER' // another principal answers at the address than the one that was asked for
  | 'ERR_PEER_CLOSED' // the connection ended before the hello, or this node has left the network
  | 'ERR_METHOD_UNKNOWN' // no such method here
  | 'ERR_METHOD_FORBIDDEN' // the caps of the peer do not allow it, now
  | 'ERR_METHOD_RATE' // too many requests; later
  | 'ERR_METHOD_SIZE' // the body is longer than the method takes
  | 'ERR_METHOD_FORMAT' // the body is not what the method takes
  | 'ERR_ADDRESS_INVALID' // text is no address, or there are too many
  | 'ERR_INVITATION_CODE' // the code is mistyped, cut off or of a later version
  | 'ERR_INVITATION_REFUSED' // unknown, expired, used, taken back, or proven with another secret: nobody learns which
  | 'ERR_INVITATION_LIMIT' // too many invitations are open
  | 'ERR_JOIN_UNKNOWN' // nobody waits under this id
  | 'ERR_JOIN_REFUSED' // the owner said no
  | 'ERR_JOIN_PROOF' // who answers does not hold the secret of the code: somebody stands in between
  | 'ERR_MESSAGE_FORMAT' // what came is no message
  | 'ERR_MESSAGE_SIZE' // the content is longer than a message takes
  | 'ERR_MESSAGE_UNREACHABLE' // no such recipient, or it cannot be reached now
  | 'ERR_MESSAGE_UNHEARD' // the node was reached; nobody there takes that topic, or no such app runs
  | 'ERR_MESSAGE_DENIED' // the recipient takes no messages of this sender
  | 'ERR_MESSAGE_BUSY' // too many messages wait there, or come from here
  | 'ERR_MESSAGE_TIMEOUT' // no reply came in time; it may have been delivered

export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: ClusterErrorCode
  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
