/** What a transfer could not take: collected and reported, never a reason to stop. */
export type TransferProblemCode =
  | 'ERR_ENTRY_SPECIAL' // a socket, pipe or device: only files, directories and symbolic links are taken
  | 'ERR_ENTRY_NAME' // a name that no path can hold, or not UTF-8
  | 'ERR_ENTRY_UNREADABLE' // the source refused to be read
  | 'ERR_ENTRY_UNWRITABLE' // the destination refused to be written
  | 'ERR_ENTRY_CHANGED' // the source changed while it was read, twice
  | 'ERR_ENTRY_EXISTS' // the name is taken by something else, or replacing was not asked for
  | 'ERR_ENTRY_LINK' // a symbolic link that cannot be followed or stored
  | 'ERR_ENTRY_DENIED' // no grant or cap of the actor covers it
  | 'ERR_ENTRY_DAMAGED' // stored bytes do not verify
  | 'ERR_ENTRY_OWN_DATA' // the data directory of the node itself
  | 'ERR_ENTRY_DEPTH' // deeper than a path can be

export interface TransferProblem {
  readonly path: string
  readonly code: TransferProblemCode
  readonly reason: string
}

/** The text of a system error without its path, which the problem names already. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[0] ?? error.message
}
