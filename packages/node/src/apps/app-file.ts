/**
 * Small files that a node keeps of an app in the tree: `[domain, version, fields...]` in the canonical format
 * (doc/spec/23-installed-apps.md, section 2). One that cannot be read says which file is to be restored.
 */
import { CanonicalReader, CodecError } from '@blocktree/codec'
import { NodeError } from '../node-error.ts'

export interface AppFile {
  /** Its first field. */
  readonly domain: string
  /** How many fields each version has, domain and version included, from version 1 on; all are handed to the reader. */
  readonly fields: readonly number[]
  /** What it is, and where an older version of it is found, for the error. */
  readonly title: string
  readonly place: string
}

/**
 * @param read takes the fields behind the version
 * @throws ERR_APP_DAMAGED
 */
export function decodeAppFile<Content>(
  bytes: Uint8Array,
  file: AppFile,
  read: (reader: CanonicalReader, version: number) => Content
): Content {
  try {
    const reader = new CanonicalReader(bytes)
    const count = reader.array(Math.max(...file.fields), 2)
    if (reader.str(file.domain.length) !== file.domain) throw damagedAppFile(file)
    const version = reader.uint()
    if (file.fields[version - 1] !== count) throw damagedAppFile(file)
    const content = read(reader, version)
    reader.end()
    return content
  } catch (cause) {
    if (cause instanceof CodecError) throw damagedAppFile(file, cause)
    throw cause
  }
}

/** What `read` throws for fields that the codec lets pass. */
export function damagedAppFile({ title, place }: AppFile, cause?: unknown): NodeError {
  return new NodeError(
    'ERR_APP_DAMAGED',
    `${title} cannot be read; restore an older version of ${place}`,
    cause === undefined ? {} : { cause }
  )
}
