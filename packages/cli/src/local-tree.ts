/** Directories of this machine as what goes into an ERIS-FS tree: regular files, executables and symbolic links. */
import { open, readdir, readlink, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TreeSource, toTreePath } from '@blocktree/eris'
import { localFailure } from './local-file.ts'

const pieceBytes = 262_144

/** @param skipped told of what cannot be expressed: sockets, devices, pipes, empty directories */
export async function* localTree(
  directory: string,
  skipped: (path: string) => void
): AsyncGenerator<TreeSource> {
  yield* walk(directory, [], skipped)
}

async function* walk(
  directory: string,
  names: readonly string[],
  skipped: (path: string) => void
): AsyncGenerator<TreeSource> {
  const entries = (await readdir(directory).catch(refuse(directory))).sort()
  if (entries.length === 0) skipped(`${directory}/`)
  for (const name of entries) {
    const real = join(directory, name)
    const inside = [...names, name]
    const status = await lstat(real)
    if (status.isDirectory()) yield* walk(real, inside, skipped)
    else if (status.isSymbolicLink()) {
      yield { path: toTreePath(inside), kind: 'symlink', target: await readlink(real) }
    } else if (status.isFile()) {
      const kind = (status.mode & 0o111) === 0 ? 'file' : 'executable'
      yield { path: toTreePath(inside), kind, contentBytes: status.size, content: localContent(real) }
    } else skipped(real)
  }
}

/** The content of a file; each piece is overwritten by the next. @throws ERR_LOCAL_FILE */
export async function* localContent(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path, 'r').catch(refuse(path))
  const piece = new Uint8Array(pieceBytes)
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, piece.length).catch(refuse(path))
    if (bytesRead === 0) return
    yield piece.subarray(0, bytesRead)
  }
}

const refuse =
  (path: string) =>
  (cause: unknown): never => {
    throw localFailure('read', path, cause)
  }
