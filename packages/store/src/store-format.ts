/**
 * The `format` file: which version the data directory has and which store it is. Text with a checksum
 * (doc/spec/11-segments.md, section 1). When it is damaged, the first frame of any segment says the same.
 */
import { crc32 } from 'node:zlib'
import { replaceFile } from './file-system.ts'
import type { FileSystem } from './file-system.ts'
import { segmentPath } from './location.ts'
import { SegmentFiles, decodeSegmentHeader, segmentHeaderBytes } from './segment-files.ts'
import { StoreError } from './store-error.ts'

export const storeVersion = 1
const path = 'format'

export interface StoreFormat {
  readonly storeId: Uint8Array
  /** What was wrong with the file and has been put right; undefined in good order. */
  readonly repaired: string | undefined
}

export async function writeFormat(files: FileSystem, storeId: Uint8Array): Promise<void> {
  await replaceFile(files, path, Buffer.from(formatText(storeId)))
}

/** ERR_STORE_MISSING when the directory holds no store, ERR_STORE_VERSION when a later version wrote it. */
export async function readFormat(files: FileSystem): Promise<StoreFormat> {
  const content = files.readFile(path)
  const parsed = content === undefined ? undefined : parseFormat(Buffer.from(content).toString('latin1'))
  if (parsed !== undefined) {
    if (parsed.version > storeVersion) {
      const versions = `version ${parsed.version}; this program reads up to ${storeVersion}`
      throw new StoreError('ERR_STORE_VERSION', `the data directory has ${versions}`, { file: path })
    }
    return { storeId: parsed.storeId, repaired: undefined }
  }
  const storeId = idFromSegments(files)
  if (storeId === undefined) {
    throw new StoreError('ERR_STORE_MISSING', 'the directory holds no store; create one first', {
      file: path
    })
  }
  await writeFormat(files, storeId)
  return { storeId, repaired: content === undefined ? 'the file was missing' : 'the file was damaged' }
}

function formatText(storeId: Uint8Array): string {
  const body = `blocktree store\nversion ${storeVersion}\nid ${Buffer.from(storeId).toString('hex')}\n`
  return `${body}checksum ${crc32(body).toString(16).padStart(8, '0')}\n`
}

function parseFormat(text: string): { readonly version: number; readonly storeId: Uint8Array } | undefined {
  const match = /^(blocktree store\nversion (\d{1,9})\nid ([0-9a-f]{32})\n)checksum ([0-9a-f]{8})\n$/.exec(
    text
  )
  if (match === null) return undefined
  const [, body = '', version = '', id = '', checksum = ''] = match
  if (crc32(body) !== Number.parseInt(checksum, 16)) return undefined
  return { version: Number(version), storeId: new Uint8Array(Buffer.from(id, 'hex')) }
}

/** The id that the intact segment headers agree on. */
function idFromSegments(files: FileSystem): Uint8Array | undefined {
  for (const segment of new SegmentFiles(files, 0).numbers()) {
    const header = readSegmentHeader(files, segment)
    if (header !== undefined) return header.storeId
  }
  return undefined
}

/** The first frame of a segment; undefined when it is damaged. */
export function readSegmentHeader(
  files: FileSystem,
  segment: number
): ReturnType<typeof decodeSegmentHeader> {
  const file = files.open(segmentPath(segment), 'read')
  try {
    const bytes = new Uint8Array(segmentHeaderBytes)
    return file.readSync(bytes, 0) === bytes.length ? decodeSegmentHeader(bytes) : undefined
  } finally {
    file.close()
  }
}
