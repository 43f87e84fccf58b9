/** The one error class of this package and of the stores behind its port; callers branch on `code`, never on text. */
export type ErisErrorCode =
  // what content can be: the order of checks, and so of codes, is that of doc/spec/25-eris.md
  | 'ERR_ERIS_BLOCK_MISSING' // no store has a block that is needed
  | 'ERR_ERIS_BLOCK_SIZE' // a block has another size than its capability says
  | 'ERR_ERIS_BLOCK_CORRUPT' // the hash of a block is not its reference
  | 'ERR_ERIS_ROOT_KEY' // the key in the capability is not the key of the root node
  | 'ERR_ERIS_NODE_INVALID' // an inner node is not canonical: holes, bytes behind its end, too few pairs
  | 'ERR_ERIS_PADDING' // the last block does not end in 0x80 and zeros
  | 'ERR_ERIS_LEVEL' // the capability names a level that no content here reaches
  // text and bytes from outside
  | 'ERR_ERIS_CAPABILITY' // bytes are not a read capability
  | 'ERR_ERIS_URN' // text is not a canonical urn:eris:
  | 'ERR_ERIS_REFERENCE' // bytes or text are not a block reference
  | 'ERR_ERIS_TREE' // content is not an index of a directory tree, or of one that no directory could hold
  | 'ERR_ERIS_TREE_PATH' // a path could lead out of its tree, or no file system would take it
  | 'ERR_ERIS_TREE_LINK' // a symbolic link leads out of its tree
  | 'ERR_ERIS_LINK' // bytes are not a link file
  | 'ERR_ERIS_MAGNET' // text is not a magnet link of ERIS content
  // use
  | 'ERR_ERIS_ARGUMENT' // an argument is out of its range
  | 'ERR_ERIS_ENCODER_CLOSED' // the encoder was finished or has failed
  // stores
  | 'ERR_ERIS_STORE_DENIED' // the store's permissions do not allow this
  | 'ERR_ERIS_STORE_UNAVAILABLE' // the store cannot be reached or failed; another may have the block
  | 'ERR_ERIS_STORE_ANSWER' // the store answered what no honest store answers
  | 'ERR_ERIS_STORE_FULL' // there is no room; what was stored before stays
  | 'ERR_ERIS_STORE_CLOSED' // the store was closed
  | 'ERR_ERIS_STORE_FORMAT' // the file or database of a store is damaged or of another kind

export class ErisError extends Error {
  override readonly name = 'ErisError'
  readonly code: ErisErrorCode
  constructor(code: ErisErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
