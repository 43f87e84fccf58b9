/** One version of a block by the id of its header. */
import { equalBytes, formatId } from '@blocktree/codec'
import type { HeaderRecord, Id } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'

/** @throws ERR_VERSION_NOT_FOUND when it is not held or is of another block */
export function heldVersion(context: FilesContext, block: Id, version: Id, path: string): HeaderRecord {
  const header = context.tree.header(version)
  if (header !== undefined && equalBytes(header.body.block, block)) return header
  throw new FilesError(
    'ERR_VERSION_NOT_FOUND',
    `"${path}" has no version ${formatId(version)} here: see its history`,
    { path }
  )
}
