/**
 * Small files that a node keeps of an app in the tree: `[domain, version, fields...]` in the canonical format
 * (doc/spec/23-installed-apps.md, section 2). One that cannot be read says which file is to be restored.
 */
import { CanonicalReader, CodecError } from '@blocktree/codec'
import { NodeError } from '../node-error.ts'

export interface AppFile {
  /** Its first field. */
  readonly domain: string
  /** How many fields it has, domain and version included. */
  readonly fields: number
  /** Its newest version; older ones are handed to the reader too. */
  readonly version: number
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
    reader.arrayOf(file.fields)
    if (reader.str(file.domain.length) !== file.domain) throw damagedAppFile(file)
    const version = reader.uint()
    if (version < 1 || version > file.version) throw damagedAppFile(file)
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
