/** The errors that methods name, each with what to do; doc/RPC.md repeats them. */
import type { ErrorDescription } from '@blocktree/rpc'

const summaries = {
  ERR_PATH_INVALID:
    'the path is not absolute, or a component is empty, ".", "..", holds "/" or NUL, or exceeds 255 bytes',
  ERR_FILE_NOT_FOUND: 'nothing is at the path; list its directory to see what is there',
  ERR_FILE_EXISTS: 'something is at the path already; remove it or ask to replace it',
  ERR_FILE_CHANGED: 'the version is not the one of ifVersion any more; read again',
  ERR_VERSION_NOT_FOUND: 'no such version; file.history lists them',
  ERR_VERSION_PRUNED: 'the version is known, its content is no longer stored',
  ERR_FILE_NOT_DIRECTORY: 'a component of the path is not a directory',
  ERR_FILE_IS_DIRECTORY: 'the path is a directory; the operation is for files',
  ERR_DIRECTORY_NOT_EMPTY: 'the directory has entries; remove recursively',
  ERR_ACCESS_DENIED: 'the principal of this connection lacks the named right; access.why explains',
  ERR_STORE_FULL: 'the disk is full; reads go on, writes wait for space',
  ERR_ROOT_LOCKED: 'only the owner may do this; unlock the root key first (root.unlock)',
  ERR_ROOT_PASSPHRASE: 'the passphrase does not open the root key',
  ERR_ROOT_ATTEMPTS: 'too many wrong passphrases; wait for data.retryAfterMs',
  ERR_PRINCIPAL_UNKNOWN: 'no key or record of this name or id is held; principal.list shows them',
  ERR_PRINCIPAL_NAME: 'the name is taken or has characters other than a-z, 0-9 and "-"',
  ERR_ACCESS_LINE: 'the line is damaged, of another sort, or meant for somebody else',
  ERR_TREE_NOT_HOSTED: 'the tree is not kept here; accept an access line for it first (access.accept)',
  ERR_TREE_SEVERAL: 'the paths are in different trees; act within one',
  ERR_TREE_LIMIT: 'too many trees of other owners are kept here; forget one first',
  ERR_CONFIRMATION_ABSENT: 'it cannot be undone; say "confirm": true',
  ERR_SUCCESSION_UNPREPARED: 'prepare a new root key first (root.prepareSuccession)',
  ERR_SUCCESSION_NONE: 'the tree commits to no recovery key, or to another one',
  ERR_RECOVERY_KEY: 'the text is no recovery key; copy both lines as a whole',
  ERR_GRANT_UNKNOWN: 'no such grant, or the link was taken back',
  ERR_CONFLICT_NONE: 'there is nothing to resolve or take over',
  ERR_ACCESS_REQUEST_UNKNOWN: 'no such pending request; access.requests lists them',
  ERR_KEY_BACKUP: 'the key backup is damaged or its passphrase is wrong',
  ERR_PATH_LOCAL: 'the path on the host is not absolute, exists already, or cannot be used',
  ERR_RIGHT_UNKNOWN: 'no such right; known: write create delete delegate grant host admin keep',
  ERR_BACKUP_PASSPHRASE: 'the passphrase does not open the backup',
  ERR_BACKUP_CORRUPT: 'the backup is damaged; nothing of it was used',
  ERR_APP_UNKNOWN: 'no app of this name is installed; app.list shows those that are',
  ERR_APP_NAME: 'no app can be installed under this name; choose another one',
  ERR_APP_EXISTS: 'an app of this name is installed; upgrade it, or install under another name',
  ERR_APP_CONSENT: 'a permission that is needed was declined, or no object was chosen for it',
  ERR_APP_MODULE: 'the module breaks a rule of the policy; data.refusals names each',
  ERR_APP_FAILED: 'the app does not start; its log says more',
  ERR_APP_ROLLED_BACK: 'the new version failed; version and data from before are in force again',
  ERR_APP_DAMAGED: 'what is stored of the installation cannot be read; restore an older version of its files',
  ERR_APP_PERMISSION: 'the app asks for no such permission, or it is not granted; app.grants shows them',
  ERR_APP_QUESTION: 'no such question waits; app.questions shows those that do',
  ERR_PACKAGE_FORMAT: 'the bytes are no app package, or a damaged one',
  ERR_PACKAGE_SIGNATURE: 'the package was not signed by its author',
  ERR_PACKAGE_HASH: 'a part of the package is not the one that was signed',
  ERR_PACKAGE_ABI: 'the package is for another interface than this node runs',
  ERR_PACKAGE_OTHER_APP: 'the package is another app than the installed one',
  ERR_PACKAGE_DOWNGRADE: 'the package is not newer than the installed version',
  ERR_PACKAGE_UPGRADE_GAP: 'the installed version is too old for this one; install a version between first',
  ERR_NETWORK_OFF: 'the network is switched off (network.enabled)',
  ERR_MEMBER_UNKNOWN: 'no such node is in the cluster; node.members lists them',
  ERR_JOIN_UNKNOWN: 'no such node waits to join; node.candidates lists those that do',
  ERR_INVITATION_LIMIT: 'too many invitations are open; take one back (node.uninvite)',
  ERR_ROOT_NEEDED:
    'only the owner, or who gave the right, may take it back; unlock the root key and act as root',
  ERR_ADDRESS_INVALID: 'the text is no multiaddr (/ip4/192.0.2.1/tcp/4781/tls), or too many are kept',
  ERR_MESSAGE_UNREACHABLE: 'no such recipient, or it cannot be reached now',
  ERR_MESSAGE_DENIED: 'the recipient takes no messages of this sender',
  ERR_MESSAGE_BUSY: 'too many messages wait there, or come from here',
  ERR_MESSAGE_SIZE: 'the content is longer than a message to another node takes',
  ERR_MESSAGE_TIMEOUT: 'no reply came in time; the message may have been taken',
  ERR_METHOD_UNAVAILABLE: 'this build cannot carry out the method'
} as const

export type NamedErrorCode = keyof typeof summaries

export function errors(...codes: readonly NamedErrorCode[]): readonly ErrorDescription[] {
  return codes.map((code) => ({ code, summary: summaries[code] }))
}
