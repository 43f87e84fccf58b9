/** Rights as words (doc/TERMS.md): what people type and read. */
import { right } from '@blocktree/tree'
import { FilesError } from '../files-error.ts'

/** Words for the known bits, in the order of the format; unknown bits grant nothing and are left out. */
export function rightNames(rights: number): readonly string[] {
  return Object.entries(right)
    .filter(([, bit]) => (rights & bit) !== 0)
    .map(([name]) => name)
}

/** @throws ERR_RIGHT_UNKNOWN for a word that names no right */
export function parseRights(names: readonly string[]): number {
  return names.reduce((rights, name) => rights | parseRight(name), 0)
}

export function parseRight(name: string): number {
  const found = Object.entries(right).find(([known]) => known === name)
  if (found !== undefined) return found[1]
  const known = Object.keys(right).join(', ')
  throw new FilesError(
    'ERR_RIGHT_UNKNOWN',
    `"${name.slice(0, 40)}" is no right: the rights are read, ${known}`
  )
}
