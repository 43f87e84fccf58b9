/**
 * Paths: `/dir/file`, inside one tree. NFC UTF-8, at most 255 bytes a component, at most 256 components. What a person
 * types is brought to NFC here; what a record says is never changed, only judged (doc/spec/09-directories-and-paths.md).
 */
import { pathComponentBytesMax, pathDepthMax } from './limits.ts'
import { TreeError } from './tree-error.ts'

declare const pathBrand: unique symbol
/** Components from the root block downwards; the empty path is the root block. */
export type Path = readonly string[] & { readonly [pathBrand]: true }

const encoder = new TextEncoder()

/** Why text cannot be a component; undefined when it can. It must be in NFC already. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it is "." or ".."'
  if (name.includes('/')) return 'it contains "/"'
  if (name.includes('\0')) return 'it contains a NUL character'
  if (!name.isWellFormed()) return 'it is not well-formed Unicode'
  const bytes = encoder.encode(name).length
  if (bytes > pathComponentBytesMax) return `it has ${bytes} bytes, the limit is ${pathComponentBytesMax}`
  return name === name.normalize('NFC') ? undefined : 'it is not in Unicode normalization form C'
}

export function isValidName(name: string): boolean {
  return nameProblem(name) === undefined
}

/** One component as a person typed it, in NFC; ERR_PATH_INVALID. */
export function parseName(text: string): string {
  const name = text.isWellFormed() ? text.normalize('NFC') : text
  const problem = nameProblem(name)
  if (problem === undefined) return name
  throw new TreeError('ERR_PATH_INVALID', `"${shorten(text)}" cannot be a name: ${problem}`)
}

/** A leading "/" is required, one at the end is ignored; empty components, "." and ".." are refused: ERR_PATH_INVALID. */
export function parsePath(text: string): Path {
  if (!text.startsWith('/')) {
    throw new TreeError('ERR_PATH_INVALID', `"${shorten(text)}" is not a path: begin it with "/"`)
  }
  if (text === '/') return pathOf([])
  const inner = text.endsWith('/') ? text.slice(1, -1) : text.slice(1)
  return pathOf(inner.split('/').map((part) => parseName(part)))
}

/** ERR_PATH_INVALID when a component is not a name or there are too many. */
export function pathOf(names: readonly string[]): Path {
  if (names.length > pathDepthMax) {
    throw new TreeError(
      'ERR_PATH_INVALID',
      `a path of ${names.length} components is longer than ${pathDepthMax}`
    )
  }
  return Object.freeze(names.map((name) => parseName(name))) as Path
}

export function formatPath(path: readonly string[]): string {
  return `/${path.join('/')}`
}

export function parentPath(path: Path): Path | undefined {
  return path.length === 0 ? undefined : pathOf(path.slice(0, -1))
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
