/**
 * What an import finds in a directory of the host: entries sorted by what is to be done with them, and the batches that
 * workers get. Nothing here looks at the tree.
 */
import { type Id, isValidName } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import { packBytesMax, packFilesMax } from './limits.ts'
import type { TransferCount } from './transfer-count.ts'
import { type ScanResult, entryKind } from './worker-message.ts'

export const sliceEntries = 512 // looked at between two steps: a few milliseconds of the main thread

/** A directory of the source and the one of the tree that it goes into. */
export interface Directory {
  readonly source: string
  readonly path: string
  readonly block: Id
  /** The zone of its children. */
  readonly zone: Id
  /** Made by this import: nothing is in it. */
  readonly isFresh: boolean
  /** The root of the tree, in which directories become zone roots. */
  readonly isRoot: boolean
  readonly depth: number
  /** Device and inode of this and the directories above, to end loops of links. */
  readonly above: readonly string[]
  scan: Promise<ScanResult> | undefined
  /** Entries that this import has put there. */
  committed: number
}

/** One entry of a directory that is to be taken. */
export interface Entry {
  readonly name: string
  /** In the tree. */
  readonly shown: string
  readonly size: number
  readonly modifiedMs: number
  readonly mode: number
  readonly text: string | undefined
}

/** A file that is not there yet, or differs. */
export interface Wanted {
  readonly entry: Entry
  readonly isReplacing: boolean
}

/** The entries of one slice by what is to be done with them; problems are noted. `taken` are the names before it. */
export function sortEntries(
  directory: Directory,
  scan: ScanResult,
  slice: { readonly from: number; readonly taken: Set<string>; readonly count: TransferCount }
): { readonly files: Entry[]; readonly links: Entry[]; readonly directories: Entry[] } {
  const { from, taken, count } = slice
  const sorted = { files: [] as Entry[], links: [] as Entry[], directories: [] as Entry[] }
  const end = Math.min(scan.names.length, from + sliceEntries)
  for (let index = from; index < end; index++) {
    const name = scan.names[index] ?? ''
    const kind = scan.kinds[index]
    const text = scan.texts[index]
    const shown = name.normalize('NFC')
    const refuse = (code: Parameters<TransferCount['problem']>[1], reason: string): void =>
      count.problem(`${directory.source}/${name}`, code, reason)
    if (kind === entryKind.name) refuse('ERR_ENTRY_NAME', text ?? 'the name cannot be used')
    else if (kind === entryKind.special) refuse('ERR_ENTRY_SPECIAL', `it is ${text ?? 'special'}`)
    else if (kind === entryKind.unreadable) refuse('ERR_ENTRY_UNREADABLE', text ?? 'it cannot be read')
    else if (!isValidName(shown)) refuse('ERR_ENTRY_NAME', 'no path of the tree can hold this name')
    else if (taken.has(shown)) refuse('ERR_ENTRY_EXISTS', 'another name here is the same after normalization')
    else {
      taken.add(shown)
      const entry: Entry = {
        name,
        shown,
        size: scan.sizes[index] ?? 0,
        modifiedMs: scan.modifiedMs[index] ?? 0,
        mode: scan.modes[index] ?? 0,
        text
      }
      if (kind === entryKind.file) sorted.files.push(entry)
      else if (kind === entryKind.symlink) sorted.links.push(entry)
      else sorted.directories.push(entry)
    }
  }
  return sorted
}

export function below(
  directory: Directory,
  entry: Entry,
  tree: Pick<Directory, 'block' | 'zone' | 'isFresh'>
): Directory {
  return {
    ...tree,
    source: `${directory.source === '/' ? '' : directory.source}/${entry.name}`,
    path: `${directory.path}/${entry.shown}`,
    isRoot: false,
    depth: directory.depth + 1,
    above: [...directory.above, entry.text ?? ''],
    scan: undefined,
    committed: 0
  }
}

/** Tasks of some files or some megabytes each. */
export function* batches(wanted: readonly Wanted[]): Generator<readonly Wanted[]> {
  let batch: Wanted[] = []
  let bytes = 0
  for (const item of wanted) {
    if (batch.length === packFilesMax || (batch.length > 0 && bytes + item.entry.size > packBytesMax)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(item)
    bytes += item.entry.size
  }
  if (batch.length > 0) yield batch
}

export function splitTreePath(path: string): { readonly parent: string; readonly name: string } {
  const trimmed = path.replace(/\/+$/, '')
  const slash = trimmed.lastIndexOf('/')
  const name = trimmed.slice(slash + 1).normalize('NFC')
  if (name === '' || !isValidName(name)) {
    throw new NodeError('ERR_PATH_LOCAL', `a file needs a name in the tree: "${path}" has none`)
  }
  return { parent: slash <= 0 ? '/' : trimmed.slice(0, slash), name }
}
