/** The one error class of this package; callers branch on `code`, never on text. Messages hold no secret. */
export type NodeErrorCode =
  | 'ERR_COORDINATOR_HELD' // a lock is held by somebody else
  | 'ERR_CONFLICT_UNDECIDED' // a conflict in what is not shown: keep one version, or give all of them up
  | 'ERR_CONFIGURATION_KEY' // a configuration key, variable or flag that does not exist
  | 'ERR_CONFIGURATION_VALUE' // a configuration value of a wrong type or out of its bounds
  | 'ERR_CONFIGURATION_FILE' // the configuration file cannot be read or is not YAML
  | 'ERR_DATA_ACCESS' // the data directory cannot be made, read or written
  | 'ERR_DATA_READ_ONLY' // the data directory lies on a read-only file system
  | 'ERR_DATA_FULL' // no space is left for the first files
  | 'ERR_DATA_OWNER' // the data directory belongs to another user
  | 'ERR_DATA_FORMAT' // the data directory was written by a newer version, or node.json is damaged
  | 'ERR_DATA_INCOMPLETE' // keys or blocks are there, node.json is not
  | 'ERR_DATA_IN_USE' // another node runs on this data directory
  | 'ERR_SOCKET_PATH' // the socket's path is too long or cannot be used
  | 'ERR_SOCKET_IN_USE' // another process answers on the socket
  | 'ERR_ROOT_LOCKED' // the act needs the root key; unlock it first
  | 'ERR_ROOT_PASSPHRASE' // the passphrase does not open the root key
  | 'ERR_ROOT_ATTEMPTS' // too many wrong passphrases; wait
  | 'ERR_PRINCIPAL_UNKNOWN' // no key or record of this name or id is held
  | 'ERR_PRINCIPAL_NAME' // a principal's name is not usable or taken
  | 'ERR_ACCESS_LINE' // an access line is damaged, of another sort or meant for somebody else
  | 'ERR_TREE_OTHER' // it belongs to another tree than the one kept here
  | 'ERR_TREE_NOT_HOSTED' // a tree of another owner for which no access line was accepted here
  | 'ERR_TREE_JOINED' // a code for a tree that this node is part of already
  | 'ERR_TREE_SEVERAL' // one act over paths of several trees
  | 'ERR_TREE_LIMIT' // as many trees of other owners are kept as may be
  | 'ERR_CONFIRMATION_ABSENT' // what cannot be undone is done only when the call says so
  | 'ERR_SUCCESSION_UNPREPARED' // no new root key was prepared, or it was made for a tree that has moved on
  | 'ERR_RECOVERY_KEY' // the text is no recovery key
  | 'ERR_STORE_FULL' // less space than the reserve would be left
  | 'ERR_ACCESS_REQUEST_UNKNOWN' // no such pending request
  | 'ERR_KEY_BACKUP' // a key backup is damaged or its passphrase is wrong
  | 'ERR_BACKUP_PASSPHRASE' // the passphrase does not open the backup
  | 'ERR_BACKUP_CORRUPT' // the backup is damaged or cut off
  | 'ERR_DATA_EXISTS' // there is a node already where one is to be restored
  | 'ERR_PATH_LOCAL' // a path of the host is not absolute, exists already, or cannot be used
  | 'ERR_COPY_DIRECTORY' // a directory is copied only when recursion is asked for
  | 'ERR_STORE_BUSY' // something is under way that the act must not meet
  | 'ERR_RIGHT_UNKNOWN' // a right that does not exist
  | 'ERR_METHOD_UNAVAILABLE' // the method is known, but this build cannot carry it out
  | 'ERR_TRANSFER_WORKER' // a worker of an import or export ended; what was committed stays
  | 'ERR_APP_UNKNOWN' // no app of this name is installed
  | 'ERR_APP_NAME' // no app can be installed under this name
  | 'ERR_APP_EXISTS' // an app of this name is installed already
  | 'ERR_APP_CONSENT' // something that the app needs was not granted
  | 'ERR_APP_MODULE' // the module breaks a rule of the policy; data.refusals names each
  | 'ERR_APP_FAILED' // the app does not start, or failed its check; the message says how
  | 'ERR_APP_ROLLED_BACK' // an upgrade failed; version and data from before are in force again
  | 'ERR_APP_DAMAGED' // what is stored about an installation cannot be read
  | 'ERR_APP_ELSEWHERE' // the app never ran on this node, has not come whole to it, or another node is changing it
  | 'ERR_APP_RIGHTS' // this node may not give the app its rights in the tree
  | 'ERR_APP_PERMISSION' // the app asks for no such permission, or it is not granted
  | 'ERR_APP_QUESTION' // no such question of an app waits for an answer
  | 'ERR_NETWORK_OFF' // the network is switched off by a setting
  | 'ERR_ADDRESS_INVALID' // that address was not added for that node
  | 'ERR_MEMBER_UNKNOWN' // no such node is in the cluster
  | 'ERR_TOPIC_TAKEN' // somebody takes the messages of that topic already
  | 'ERR_MESSAGE_UNKNOWN' // no such message waits for an answer
  | 'ERR_JOIN_UNKNOWN' // no such node waits to join, or no such invitation
  | 'ERR_INVITER_UNREACHABLE' // the node that made the code does not answer
  | 'ERR_POLICY_COPIES' // a number of copies is given with the policy of copies, and only with it
  | 'ERR_FILE_ELSEWHERE' // its content is kept by other nodes, and none that is connected gave it
  | 'ERR_CONTENT_STATE' // the list of what was published cannot be read
  | 'ERR_CONTENT_UNKNOWN' // this content was not published here
  | 'ERR_CONTENT_OTHER' // content is not what was named or signed
  | 'ERR_CONTENT_SIZE' // content is larger than what asked for it takes
  | 'ERR_CONTENT_SLOW' // content came to a halt
  | 'ERR_CONTENT_URL' // the URL of a content cannot be read
  | 'ERR_BLOCKS_FORMAT' // a request for blocks from a peer, or its answer, is damaged
  | 'ERR_BLOCKS_BUSY' // too many requests for blocks are under way
  | 'ERR_RELEASE_FORMAT' // bytes are not a release record
  | 'ERR_RELEASE_SIGNATURE' // a release record was not signed by the author it names
  | 'ERR_LOCK_FENCED' // a write names a token, and the lock was given to somebody else since
  | 'ERR_LOCK_ENDED' // the lease of a lock is over, or was never given here
  | 'ERR_LOCK_RESET' // the coordinator need not, or cannot here, begin anew
  | 'ERR_LOCK_HOSTED' // locks are for files of the own tree
  | 'ERR_NODE_STOPPING' // the node is stopping and takes no new requests

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  /** Facts for programs; they travel with the answer. */
  readonly data: Readonly<Record<string, unknown>>
  constructor(
    code: NodeErrorCode,
    message: string,
    options: ErrorOptions & { readonly data?: Readonly<Record<string, unknown>> } = {}
  ) {
    super(message, options)
    this.code = code
    this.data = options.data ?? {}
  }
}

/** The `code` of a system error (`ENOENT` …); undefined for anything else. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/** The text of anything thrown, for joining into a message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
