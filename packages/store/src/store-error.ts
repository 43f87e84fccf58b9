/** The one error class of this package. */
export type StoreErrorCode =
  | 'ERR_STORE_MISSING' // there is no store in the directory, and it may not be created here
  | 'ERR_STORE_EXISTS' // a store is to be created where one already is
  | 'ERR_STORE_VERSION' // the data directory was written by a later version
  | 'ERR_STORE_LOCKED' // another process has the store open
  | 'ERR_STORE_CLOSED' // the store was closed
  | 'ERR_STORE_FULL' // no space left on the disk; reads go on, nothing of the batch was kept
  | 'ERR_STORE_IO' // the disk refused a write or a sync; reads go on, nothing of the batch was kept
  | 'ERR_STORE_CORRUPT' // bytes on disk are not what was written; `file` and `offset` say where
  | 'ERR_STORE_LIMIT' // a sector, record, row or batch is larger than the store takes
  | 'ERR_STORE_BUSY' // the index is being rebuilt, or another collection is running
  | 'ERR_STORE_ARGUMENT' // an argument is not what the function takes
  | 'ERR_STORE_ACCESS' // the data directory cannot be read or written with these permissions
  | 'ERR_ARCHIVE_FORMAT' // the stream is no archive, or of an unknown version
  | 'ERR_ARCHIVE_DAMAGED' // a chunk is changed, missing, out of order, or the key is another
  | 'ERR_ARCHIVE_TRUNCATED' // the stream ended before its last chunk
  | 'ERR_WORKER_FAILED' // a worker ended in the middle of a task
  | 'ERR_WORKER_CANCELLED' // the task was cancelled by its caller, or the pool was closed

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /** The file in the data directory, and the byte in it, that the error is about. */
  readonly file: string | undefined
  readonly offset: number | undefined
  constructor(
    code: StoreErrorCode,
    message: string,
    options?: ErrorOptions & { readonly file?: string | undefined; readonly offset?: number | undefined }
  ) {
    super(message, options)
    this.code = code
    this.file = options?.file
    this.offset = options?.offset
  }
}

/** The `code` of an error of the operating system, such as ENOSPC; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** An error of the file system as the error of the store: full, forbidden, or another failure. */
export function toStoreError(error: unknown, attempted: string): StoreError {
  if (error instanceof StoreError) return error
  const code = systemCode(error)
  const reason = error instanceof Error ? error.message : String(error)
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left/i.test(reason)) {
    return new StoreError(
      'ERR_STORE_FULL',
      `${attempted}: no space left on the disk; free some and try again`,
      {
        cause: error
      }
    )
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new StoreError(
      'ERR_STORE_ACCESS',
      `${attempted}: ${reason}; check the owner and mode of the directory`,
      {
        cause: error
      }
    )
  }
  return new StoreError('ERR_STORE_IO', `${attempted}: ${reason}`, { cause: error })
}

export function corrupt(file: string, offset: number, problem: string, cause?: unknown): StoreError {
  return new StoreError('ERR_STORE_CORRUPT', `${file} at ${offset}: ${problem}`, { file, offset, cause })
}
