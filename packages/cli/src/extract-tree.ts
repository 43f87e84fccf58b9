/**
 * Content onto the file system of this machine. What is being written has another name until it is complete, so nobody
 * finds half of it; links come last and only those that stay inside, so nothing is written through one.
 */
import { chmod, lstat, mkdir, open, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import {
  ErisError,
  type OpeningOptions,
  type Tree,
  escapingLinks,
  formatTreePath,
  readContent
} from '@blocktree/eris'
import { CliError } from './cli-error.ts'
import { localFailure } from './local-file.ts'

/** Replaces nothing: ERR_LOCAL_EXISTS when something is there. @throws ERR_LOCAL_FILE */
export async function extractFile(
  content: AsyncIterable<Uint8Array>,
  target: string,
  progress: (bytes: number) => void
): Promise<number> {
  await expectAbsent(target)
  const unfinished = unfinishedName(target)
  try {
    const bytes = await writeFile(content, unfinished, progress)
    await rename(unfinished, target)
    return bytes
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined) // what failed first is what counts
    throw localFailure('write', target, error)
  }
}

export interface ExtractedTree {
  readonly files: number
  readonly links: number
  readonly contentBytes: number
}

/** Into a folder that is not there, or is empty. @throws ERR_ERIS_TREE_LINK before anything is written */
export async function extractTree(
  reading: OpeningOptions,
  { items }: Tree,
  target: string,
  progress: (bytes: number, path: string) => void
): Promise<ExtractedTree> {
  const [escaping] = escapingLinks(items)
  if (escaping !== undefined) {
    throw new ErisError(
      'ERR_ERIS_TREE_LINK',
      `the link ${JSON.stringify(formatTreePath(escaping))} leads out of its directory; nothing was extracted`
    )
  }
  await expectAbsent(target)
  const unfinished = unfinishedName(target)
  let contentBytes = 0
  try {
    await mkdir(unfinished)
    for (const { path, entry } of items) {
      if (entry.kind === 'symlink') continue
      const place = join(unfinished, ...path)
      await mkdir(dirname(place), { recursive: true })
      const before = contentBytes
      contentBytes += await writeFile(readContent(reading, entry.capability), place, (bytes) =>
        progress(before + bytes, formatTreePath(path))
      )
      if (entry.kind === 'executable') await chmod(place, 0o755)
    }
    const links = await makeLinks({ items }, unfinished)
    await rename(unfinished, target)
    return { files: items.length - links, links, contentBytes }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined)
    throw localFailure('write', target, error)
  }
}

async function makeLinks({ items }: Pick<Tree, 'items'>, directory: string): Promise<number> {
  let links = 0
  for (const { path, entry } of items) {
    if (entry.kind !== 'symlink') continue
    const place = join(directory, ...path)
    await mkdir(dirname(place), { recursive: true })
    await symlink(entry.target, place)
    links++
  }
  return links
}

async function writeFile(
  content: AsyncIterable<Uint8Array>,
  path: string,
  progress: (bytes: number) => void
): Promise<number> {
  await using file = await open(path, 'wx', 0o644)
  let length = 0
  for await (const bytes of content) {
    let written = 0
    while (written < bytes.length) {
      written += (await file.write(bytes, written, bytes.length - written, length + written)).bytesWritten
    }
    length += bytes.length
    progress(length)
  }
  return length
}

/** An empty folder is as good as nothing. */
async function expectAbsent(target: string): Promise<void> {
  const status = await lstat(target).catch(() => undefined)
  if (status === undefined) return
  if (status.isDirectory() && (await readdir(target)).length === 0) return rmdir(target)
  throw new CliError('ERR_LOCAL_EXISTS', `"${target}" is there already; nothing is replaced`)
}

function unfinishedName(target: string): string {
  return join(dirname(target), `.unfinished-${randomUUID()}`)
}
