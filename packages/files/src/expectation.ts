/** Optimistic base versions: a writer says which version it has seen, and is told when another one is shown now. */
import { equalBytes, formatId } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import type { Located } from './files-context.ts'
import { FilesError } from './files-error.ts'

/** @throws ERR_FILE_CHANGED when `ifVersion` is given and is not the version shown now */
export function checkExpectation(
  located: Located | undefined,
  ifVersion: Id | undefined,
  path: string
): void {
  if (ifVersion === undefined) return
  if (located !== undefined && equalBytes(located.header.id, ifVersion)) return
  const now =
    located === undefined ? 'it does not exist' : `the version shown now is ${formatId(located.header.id)}`
  throw new FilesError('ERR_FILE_CHANGED', `"${path}" was changed since you read it: ${now}; read it again`, {
    path
  })
}
