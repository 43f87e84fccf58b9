/** The one error class of this package. Messages say what was attempted, on which path, and what to do. */
export type FilesErrorCode =
  | 'ERR_PATH_INVALID' // the text is not a path: a component is empty, too long, `.`, `..`, not NFC or holds NUL
  | 'ERR_PATH_DEPTH' // more components than a path may have
  | 'ERR_PATH_OTHER_TREE' // the path names a tree that is not open here
  | 'ERR_SYMLINK_LOOP' // more symbolic links on the way than are followed
  | 'ERR_SYMLINK_TARGET' // the target of a symbolic link is not usable as a path in this tree
  | 'ERR_FILE_NOT_FOUND' // nothing has this name
  | 'ERR_FILE_EXISTS' // something has this name and the call asked for absence
  | 'ERR_FILE_NOT_DIRECTORY' // a directory is needed here
  | 'ERR_FILE_IS_DIRECTORY' // a file is needed here
  | 'ERR_FILE_NOT_SYMLINK' // a symbolic link is needed here
  | 'ERR_FILE_CHANGED' // the version is not the one the caller expected
  | 'ERR_FILE_TOO_LARGE' // larger than this call or the format takes
  | 'ERR_FILE_DAMAGED' // a sector is missing or does not match what refers to it
  | 'ERR_FILE_RANGE' // offset or length is not a whole number in its bounds
  | 'ERR_DIRECTORY_NOT_EMPTY' // remove or replace of a directory with children without `recursive`
  | 'ERR_DIRECTORY_INTO_ITSELF' // a directory cannot be moved or copied below itself
  | 'ERR_ROOT_IMMUTABLE' // the root of the tree is not moved, removed or replaced
  | 'ERR_ACCESS_DENIED' // the actor holds no grant or cap for what it asked
  | 'ERR_KEY_MISSING' // the block is readable by the rules but its key cannot be opened by this actor
  | 'ERR_METADATA_INVALID' // metadata outside its bounds
  | 'ERR_LIST_TOO_LARGE' // too many entries for order `name`
  | 'ERR_CURSOR_INVALID' // a cursor or resume token that was not made here or for this call
  | 'ERR_VERSION_NOT_FOUND' // the block has no such version
  | 'ERR_VERSION_PRUNED' // the version is known, its content is no longer stored
  | 'ERR_CONFLICT_NONE' // there is nothing to resolve
  | 'ERR_WATCH_LIMIT' // more watches than may be open
  | 'ERR_BATCH_INVALID' // a prepared file does not fit the directory it is committed to
  | 'ERR_JOB_UNKNOWN' // no unfinished job has this id
  | 'ERR_PRINCIPAL_UNKNOWN' // no record of this principal is held here
  | 'ERR_RIGHT_UNKNOWN' // a word that names no right
  | 'ERR_SHARE_PLAIN' // a plain directory has no readers of its own: make it a share first
  | 'ERR_SHARE_EXISTS' // the directory is a zone already
  | 'ERR_GRANT_UNKNOWN' // no grant has this id
  | 'ERR_CAP_UNKNOWN' // no cap has this id
  | 'ERR_ROOT_NEEDED' // only the root principal may do this: unlock its key
  | 'ERR_SUCCESSION_NONE' // the tree commits to no recovery principal, or to another one
  | 'ERR_ACCESS_LINE' // a request, answer or link line is damaged, forged or not for here
  | 'ERR_PRUNE_YOUNG' // history of less than 30 days is given up only when the caller insists
  | 'ERR_BUNDLE_FORMAT' // a bundle is cut off, damaged or of an unknown format

export class FilesError extends Error {
  override readonly name = 'FilesError'
  readonly code: FilesErrorCode
  /** The path as the caller gave it, when there is one. */
  readonly path: string | undefined
  constructor(code: FilesErrorCode, message: string, options?: ErrorOptions & { readonly path?: string }) {
    super(message, options)
    this.code = code
    this.path = options?.path
  }
}
