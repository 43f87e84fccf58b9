/**
 * What this node has published, in one file of its data directory: the URNs open their content, so the file is for the
 * owner alone. It is replaced as a whole, and a damaged one is refused rather than taken for empty: blocks would be lost.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NodeError, reasonOf, systemCode } from '../node-error.ts'

export interface Publication {
  readonly urn: string
  /** Where it was in the tree then. */
  readonly path: string
  readonly kind: 'content' | 'tree'
  readonly contentBytes: number
  readonly publishedMs: number
}

const fileName = 'published.json'
const fileType = 'blocktree-publications'
const fileVersion = 1

/** @throws ERR_CONTENT_STATE */
export function readPublications(directory: string): Publication[] {
  const file = join(directory, fileName)
  try {
    const held: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (isFile(held)) return [...held.publications]
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw damaged(file, reasonOf(error))
  }
  throw damaged(file, 'it has another shape or version')
}

export function writePublications(directory: string, publications: readonly Publication[]): void {
  const file = join(directory, fileName)
  const text = JSON.stringify({ type: fileType, version: fileVersion, publications }, undefined, 2)
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

interface PublicationFile {
  readonly publications: readonly Publication[]
}

function isFile(held: unknown): held is PublicationFile {
  if (typeof held !== 'object' || held === null) return false
  const { type, version, publications } = held as Record<string, unknown>
  return (
    type === fileType &&
    version === fileVersion &&
    Array.isArray(publications) &&
    publications.every(isPublication)
  )
}

export function isPublication(held: unknown): held is Publication {
  if (typeof held !== 'object' || held === null) return false
  const { urn, path, kind, contentBytes, publishedMs } = held as Record<string, unknown>
  return (
    typeof urn === 'string' &&
    typeof path === 'string' &&
    (kind === 'content' || kind === 'tree') &&
    Number.isSafeInteger(contentBytes) &&
    Number.isSafeInteger(publishedMs)
  )
}

function damaged(file: string, reason: string): NodeError {
  return new NodeError('ERR_CONTENT_STATE', `"${file}" cannot be read: ${reason}; put it back from a backup`)
}
