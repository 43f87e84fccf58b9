/** One line per entry of a directory on disk, with the hash of its content: two directories are equal when these are. */
import { createHash, hash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'

export interface DirectoryDigest {
  /** By relative path: `file HASH`, `link TARGET`, `directory` or `other`. */
  readonly entries: ReadonlyMap<string, string>
  readonly files: number
  readonly directories: number
  readonly links: number
  /** Of the content of files. */
  readonly bytes: number
}

export interface Difference {
  readonly path: string
  readonly kind: 'missing' | 'unexpected' | 'different'
}

const buffer = new Uint8Array(4 * 1024 * 1024) // most files are read in one piece

export function digestDirectory(root: string): DirectoryDigest {
  const entries = new Map<string, string>()
  const totals = { files: 0, directories: 0, links: 0, bytes: 0 }
  const queue = ['']
  for (let relative = queue.pop(); relative !== undefined; relative = queue.pop()) {
    for (const entry of readdirSync(join(root, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`
      if (entry.isDirectory()) {
        totals.directories++
        entries.set(path, 'directory')
        queue.push(path)
      } else if (entry.isSymbolicLink()) {
        totals.links++
        entries.set(path, `link ${readlinkSync(join(root, path))}`)
      } else if (entry.isFile()) {
        const { digest, bytes } = digestFile(join(root, path))
        totals.files++
        totals.bytes += bytes
        entries.set(path, `file ${digest}`)
      } else {
        entries.set(path, 'other')
      }
    }
  }
  return { entries, ...totals }
}

function digestFile(path: string): { readonly digest: string; readonly bytes: number } {
  const file = openSync(path, 'r')
  try {
    const first = readSync(file, buffer)
    if (first < buffer.length) return { digest: hash('sha256', buffer.subarray(0, first)), bytes: first }
    const state = createHash('sha256')
    let bytes = 0
    for (let length = first; length > 0; length = readSync(file, buffer)) {
      state.update(buffer.subarray(0, length))
      bytes += length
    }
    return { digest: state.digest('hex'), bytes }
  } finally {
    closeSync(file)
  }
}

/** What `actual` lacks, has too much of, or has with other content. */
export function compareDigests(expected: DirectoryDigest, actual: DirectoryDigest): readonly Difference[] {
  const differences: Difference[] = []
  for (const [path, digest] of expected.entries) {
    const found = actual.entries.get(path)
    if (found === undefined) differences.push({ path, kind: 'missing' })
    else if (found !== digest) differences.push({ path, kind: 'different' })
  }
  for (const path of actual.entries.keys()) {
    if (!expected.entries.has(path)) differences.push({ path, kind: 'unexpected' })
  }
  return differences
}
