/** Paths of callers: `/<tree>/a/b`, or `/a/b` for the tree that is open here. Checked once, at the edge. */
import { formatId, parseId } from '@blocktree/codec'
import { TreeError, parseName, parsePath } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { pathDepthMax } from './limits.ts'

const treeIdLength = 56 // multibase base32 of a SHA-256 multihash

/** @returns the components below the root, in NFC; throws ERR_PATH_INVALID, ERR_PATH_DEPTH, ERR_PATH_OTHER_TREE */
export function parseFilePath(context: FilesContext, path: string): readonly string[] {
  // slashes are counted first: a hostile path is refused before it is split
  if (path.length > pathDepthMax * 256 || path.split('/', pathDepthMax + 4).length > pathDepthMax + 2) {
    throw new FilesError(
      'ERR_PATH_DEPTH',
      `"${path.slice(0, 80)}…" has more than ${pathDepthMax} components`,
      {
        path: path.slice(0, 4096)
      }
    )
  }
  try {
    return withoutTree(context, path, parsePath(path))
  } catch (error) {
    if (!(error instanceof TreeError)) throw error
    throw new FilesError('ERR_PATH_INVALID', `"${path.slice(0, 200)}": ${error.message}`, {
      path,
      cause: error
    })
  }
}

/** The last component alone, in NFC; ERR_PATH_INVALID. */
export function parseLastName(path: string, name: string): string {
  try {
    return parseName(name)
  } catch (error) {
    if (!(error instanceof TreeError)) throw error
    throw new FilesError('ERR_PATH_INVALID', `"${path.slice(0, 200)}": ${error.message}`, {
      path,
      cause: error
    })
  }
}

function withoutTree(context: FilesContext, path: string, components: readonly string[]): readonly string[] {
  const [first] = components
  if (first?.length !== treeIdLength) return components
  const own = context.tree.tree
  if (own !== undefined && formatId(own) === first) return components.slice(1)
  if (!isTreeId(first)) return components
  throw new FilesError(
    'ERR_PATH_OTHER_TREE',
    `"${path}" names the tree ${first}, which is not the one open here: leave the tree out for your own`,
    { path }
  )
}

function isTreeId(text: string): boolean {
  try {
    parseId(text)
    return true
  } catch {
    return false
  }
}
