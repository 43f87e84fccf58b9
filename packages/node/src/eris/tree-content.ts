/** Between the node's tree and content by URN: what lies at a path is encoded, content is written to a path. */
import { posix } from 'node:path'
import type { Random } from '@blocktree/crypto'
import { type Actor, type Files, FilesError } from '@blocktree/files'
import {
  type Block,
  type BlockSize,
  ErisError,
  type OpeningOptions,
  type ReadCapability,
  type TreeSource,
  chooseBlockSize,
  encodeContent,
  encodeTree,
  escapingLinks,
  formatTreePath,
  nullSecret,
  openTree,
  readContent,
  toTreePath,
  uniqueSecret
} from '@blocktree/eris'
import type { EncodedForPublication } from './node-content.ts'

export interface PublishRequest {
  readonly files: Files
  readonly actor: Actor
  readonly path: string
  readonly blockSize: BlockSize | undefined
  /** Absent: equal content gets the same URN everywhere. */
  readonly unique: Random | undefined
  readonly reading: OpeningOptions
  readonly put: (blocks: readonly Block[]) => Promise<void>
}

/** A file as content, a directory as a tree of those files and links that the actor can read. */
export async function encodePath(request: PublishRequest): Promise<EncodedForPublication> {
  const { files, actor, path, blockSize, unique, reading, put } = request
  const { kernel, workers, signal } = reading
  const encoding = {
    kernel,
    workers,
    signal,
    put,
    secret: unique === undefined ? nullSecret() : uniqueSecret(unique)
  }
  if (files.stat(actor, path).kind === 'directory') {
    const encoded = await encodeTree({ ...encoding, blockSize }, treeSources(files, actor, path, []))
    return { capability: encoded.capability, kind: 'tree', contentBytes: encoded.contentBytes }
  }
  const stream = files.readStream(actor, path)
  const size = blockSize ?? chooseBlockSize(stream.size)
  const encoded = await encodeContent({ ...encoding, blockSize: size }, stream)
  return { capability: encoded.capability, kind: 'content', contentBytes: encoded.contentBytes }
}

async function* treeSources(
  files: Files,
  actor: Actor,
  directory: string,
  names: readonly string[]
): AsyncGenerator<TreeSource> {
  let cursor: string | undefined
  do {
    const page = await files.list(actor, directory, cursor === undefined ? {} : { cursor })
    for (const entry of page.entries) {
      const real = posix.join(directory, entry.name)
      const inside = [...names, entry.name]
      if (entry.kind === 'directory') yield* treeSources(files, actor, real, inside)
      else if (entry.kind === 'symlink') {
        yield { path: toTreePath(inside), kind: 'symlink', target: files.readLink(actor, real) }
      } else if (entry.readable) {
        const kind = ((entry.metadata.mode ?? 0) & 0o111) === 0 ? 'file' : 'executable'
        const content = files.readStream(actor, real)
        yield { path: toTreePath(inside), kind, contentBytes: entry.size, content }
      }
    }
    cursor = page.cursor
  } while (cursor !== undefined)
}

export interface FetchRequest {
  readonly files: Files
  readonly actor: Actor
  /** Nothing may be there. */
  readonly path: string
  readonly capability: ReadCapability
  readonly isTree: boolean
  readonly reading: OpeningOptions
  /** Lets bytes through while there is room for them. */
  readonly guarded: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  readonly onProgress: (bytes: number) => void
}

export interface FetchedContent {
  readonly files: number
  readonly contentBytes: number
}

/** Into the tree; when it fails, what was made is removed again. @throws ERR_FILE_EXISTS, ERR_ERIS_TREE_LINK */
export async function fetchToPath(request: FetchRequest): Promise<FetchedContent> {
  const { files, actor, path, capability, isTree, reading } = request
  if (!isTree) return { files: 1, contentBytes: await writeContent(request, path, capability, 0) }
  const { items } = await openTree(reading, capability)
  const [escaping] = escapingLinks(items)
  if (escaping !== undefined) {
    throw new ErisError(
      'ERR_ERIS_TREE_LINK',
      `the link ${JSON.stringify(formatTreePath(escaping))} leads out of its directory; nothing was fetched`
    )
  }
  if (files.exists(actor, path)) throw new FilesError('ERR_FILE_EXISTS', `"${path}" is there already`)
  await files.makeDirectory(actor, path)
  try {
    let contentBytes = 0
    for (const { path: inside, entry } of items) {
      const target = posix.join(path, ...inside)
      await makeAbove(files, actor, path, inside.slice(0, -1))
      if (entry.kind === 'symlink') await files.symlink(actor, target, entry.target)
      else contentBytes += await writeContent(request, target, entry.capability, contentBytes)
      if (entry.kind === 'executable') await files.setMetadata(actor, target, { mode: 0o755 })
    }
    return { files: items.length, contentBytes }
  } catch (error) {
    await files.remove(actor, path, { recursive: true })
    throw error
  }
}

async function writeContent(
  { files, actor, reading, guarded, onProgress }: FetchRequest,
  path: string,
  capability: ReadCapability,
  before: number
): Promise<number> {
  const written = await files.writeStream(actor, path, guarded(readContent(reading, capability)), {
    expectAbsent: true,
    onProgress: (bytes) => onProgress(before + bytes),
    ...(reading.signal === undefined ? {} : { signal: reading.signal })
  })
  return written.size
}

async function makeAbove(files: Files, actor: Actor, path: string, names: readonly string[]): Promise<void> {
  for (let length = 1; length <= names.length; length++) {
    const directory = posix.join(path, ...names.slice(0, length))
    if (!files.exists(actor, directory)) await files.makeDirectory(actor, directory)
  }
}
