/** Paths of the tree as people type them. */
import { CliError } from './cli-error.ts'
import type { NodeClient } from './node-client.ts'

/** `docs/a` is `/docs/a`; a closing "/" is left out. The node judges the rest. */
export function treePath(text: string): string {
  const absolute = text.startsWith('/') ? text : `/${text}`
  return absolute.length > 1 && absolute.endsWith('/') ? absolute.slice(0, -1) : absolute
}

export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

export function joinPath(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/** Where `source` goes: into the destination when that is a directory or is written with a closing "/". */
export async function destinationFor(node: NodeClient, text: string, sourceName: string): Promise<string> {
  const path = treePath(text)
  const isInto = text.endsWith('/') || (await isDirectory(node, path))
  if (!isInto) return path
  if (sourceName === '')
    throw new CliError('ERR_ARGUMENT_VALUE', `"${text}" is a directory; name the file in it`)
  return joinPath(path, sourceName)
}

export async function isDirectory(node: NodeClient, path: string): Promise<boolean> {
  try {
    return (await node.call('file.stat', { path })).kind === 'directory'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_FILE_NOT_FOUND') return false
    throw error
  }
}
