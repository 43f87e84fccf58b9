/**
 * Paths in an ERIS-FS index: one to 128 names. Whatever could lead out of a directory, or means something to a file
 * system, is refused before anything is made of it.
 */
import { ErisError } from './eris-error.ts'
import { nameBytesMax, pathBytesMax, pathNamesMax } from './limits.ts'

declare const pathBrand: unique symbol
export type TreePath = readonly string[] & { readonly [pathBrand]: true }

/** ERR_ERIS_TREE_PATH for no name, too many, and names that are empty, ".", "..", too long, or hold "/" or NUL. */
export function toTreePath(names: readonly string[]): TreePath {
  const problem = names.length === 0 ? 'it has no name' : problemOf(names)
  if (problem === undefined) return names as TreePath
  throw new ErisError(
    'ERR_ERIS_TREE_PATH',
    `${JSON.stringify(names.join('/').slice(0, 200))} is no path of a tree: ${problem}`
  )
}

/** "a/b/c"; a path that begins or ends with "/" has an empty name, and is refused. */
export function parseTreePath(text: string): TreePath {
  return toTreePath(text.split('/'))
}

export function formatTreePath(path: TreePath): string {
  return path.join('/')
}

function problemOf(names: readonly string[]): string | undefined {
  if (names.length > pathNamesMax) return `it has more than ${pathNamesMax} names`
  let length = names.length
  for (const name of names) {
    if (name === '') return 'a name is empty'
    if (name === '.' || name === '..') return `"${name}" is no name`
    if (name.includes('/') || name.includes('\0')) return 'a name holds a "/" or a NUL'
    const { length: bytes } = new TextEncoder().encode(name)
    if (bytes > nameBytesMax) return `a name has more than ${nameBytesMax} bytes`
    if (!name.isWellFormed()) return 'a name is not Unicode'
    length += bytes
  }
  return length > pathBytesMax ? `it has more than ${pathBytesMax} bytes` : undefined
}
