/** What the system says about a file or disk, as an error of a store. */
import { ErisError, type ErisErrorCode } from '@blocktree/eris'

const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Disk full is ERR_ERIS_STORE_FULL, all else ERR_ERIS_STORE_UNAVAILABLE. */
export function storeErrorOf(store: string, what: string, error: unknown): ErisError {
  if (error instanceof ErisError) return error
  const code: ErisErrorCode = fullCodes.has(codeOf(error))
    ? 'ERR_ERIS_STORE_FULL'
    : 'ERR_ERIS_STORE_UNAVAILABLE'
  const reason = error instanceof Error ? error.message : String(error)
  return new ErisError(code, `${store}: cannot ${what}: ${reason}`, { cause: error })
}

/** `ENOENT` and the like. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
