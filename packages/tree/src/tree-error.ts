/** The one error class of this package; callers branch on `code`, never on text. No message holds a secret. */
export type TreeErrorCode =
  | 'ERR_RECORD_UNKNOWN_FORMAT' // a format, type or critical extension this version does not know: park it
  | 'ERR_RECORD_SIZE' // a record or one of its parts is larger than its limit
  | 'ERR_RECORD_FIELD' // a field has a value that its record type does not allow
  | 'ERR_RECORD_SIGNATURE' // the signature does not fit the record and the signer's key
  | 'ERR_RECORD_SIGNER' // the record names another signer than its type demands
  | 'ERR_PRINCIPAL_KEY' // a principal's key is refused by its algorithm
  | 'ERR_BIRTH_FIELD' // birth fields contradict each other
  | 'ERR_CAP_WIDER' // a cap would allow more than the cap above it
  | 'ERR_CAP_SCOPE' // a cap's scope lies outside the scope of the cap above it
  | 'ERR_CAP_ISSUER' // the issuer is not the subject of the cap above, or may not delegate
  | 'ERR_BLOCK_KEY' // a block key does not match the commitment in the header
  | 'ERR_HEADER_SEALED' // the sealed part of a header does not open under its key
  | 'ERR_HEADER_PRIVATE' // the sealed part opens but its content breaks a rule
  | 'ERR_ZONE_KEY' // a zone key does not match the commitment in its epoch
  | 'ERR_ZONE_KEY_MISSING' // no held key or chain of epochs opens this epoch
  | 'ERR_DELIVERY_SEALED' // a delivery does not open for this recipient
  | 'ERR_SECTOR_MISSING' // a referenced sector is not held
  | 'ERR_SECTOR_HASH' // bytes do not hash to their reference
  | 'ERR_SECTOR_SEALED' // a sector or node does not open under its key
  | 'ERR_PAYLOAD_SHAPE' // a payload's tree is not the one its size demands
  | 'ERR_PAYLOAD_RANGE' // an offset or length lies outside the payload
  | 'ERR_PAYLOAD_CLOSED' // the writer was finished or failed before
  | 'ERR_MANIFEST_FORMAT' // rows of a checkpoint manifest are malformed or out of order
  | 'ERR_TRIE_ORDER' // rows given to a trie are not strictly ascending
  | 'ERR_TRIE_PROOF' // a trie proof is malformed
  | 'ERR_TREE_FOREIGN' // a record belongs to another tree than the one kept here
  | 'ERR_TREE_INSECURE' // the tree was made from known random numbers, for tests: this node takes no such trees
  | 'ERR_RECORD_MISSING' // a record that this one names is not held (parked when it came from a peer)
  | 'ERR_RECORD_DAMAGED' // stored bytes do not hash to the record id
  | 'ERR_HEADER_FIELD' // header fields contradict each other, the birth or the zone
  | 'ERR_HEADER_CREATOR' // version 1 is not signed by the creator named in the birth
  | 'ERR_HEADER_RIGHT' // the signer's cap does not cover this block or act
  | 'ERR_CAP_CHAIN' // a cap chain is too long, or mixes trees or root generations
  | 'ERR_CAP_RIGHTS' // a record needs a right that its cap does not have
  | 'ERR_SUCCESSION_SIGNER' // the signer is not the committed recovery principal
  | 'ERR_REVOCATION_SIGNER' // only the root or the subject of a link above the target revokes
  | 'ERR_TREE_WENT_BACK' // what is held is older than what was given away before: catch up with a peer first
  | 'ERR_ADMISSION_REFUSED' // valid, but this host does not take it from this writer now
  | 'ERR_ADMISSION_RATE' // the peer has made this host verify too many signatures for nothing: later
  | 'ERR_ADMISSION_ROOM' // too much of this sort waits here already: offer it again later
  | 'ERR_CLOCK_BEHIND' // the clock of this host is wrong, so it cannot tell whether a cap has ended: set it
  | 'ERR_PATH_INVALID' // text is not a path, or a component is not allowed

export class TreeError extends Error {
  override readonly name = 'TreeError'
  readonly code: TreeErrorCode
  constructor(code: TreeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
