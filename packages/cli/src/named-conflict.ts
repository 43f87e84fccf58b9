/** The conflict that a person names, by the path or the id that `conflicts` shows. */
import type { FileConflict } from '@blocktree/node/method-table'
import { CliError } from './cli-error.ts'
import type { NodeClient } from './node-client.ts'
import { treePath } from './tree-path.ts'

const conflictsMax = 10_000

/** @throws ERR_ARGUMENT_VALUE when there is none of this name, or several are */
export async function namedConflict(node: NodeClient, text: string): Promise<FileConflict> {
  const found = await findConflicts(node, text)
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  if (first === undefined)
    throw new CliError('ERR_ARGUMENT_VALUE', `"${text}" has no conflict`, {
      advice: '"blocktree conflicts" lists what has'
    })
  throw new CliError('ERR_ARGUMENT_VALUE', `"${text}" names ${found.length} of them`, {
    advice: `say which by its id: ${found.map(({ id }) => id).join(', ')}`
  })
}

/** What is shown at the path comes before what was there once. */
export async function findConflicts(node: NodeClient, text: string): Promise<readonly FileConflict[]> {
  const { conflicts } = await node.call('file.conflicts', { limit: conflictsMax })
  const byId = conflicts.filter(({ id }) => id === text)
  if (byId.length > 0) return byId
  const path = treePath(text)
  const byPath = conflicts.filter((conflict) => conflict.path === path)
  const shown = byPath.filter(({ isShown }) => isShown)
  return shown.length > 0 ? shown : byPath
}
