/** Symbolic links: the target is the content of the block, as text that is never changed on its way in or out. */
import type { Id } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { contentReader } from './content.ts'
import { type FilesContext, locate } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { symlinkTargetBytesMax } from './limits.ts'
import { openOrDeny } from './write-version.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** @throws ERR_SYMLINK_TARGET when the stored target is not text of 1 to 4,095 bytes */
export function readSymlinkTarget(context: FilesContext, actor: Actor, link: Id, path: string): string {
  const located = locate(context, link)
  if (located === undefined) throw invalidTarget(path)
  const opened = openOrDeny(context, actor, located.header, path)
  if (opened.size === 0 || opened.size > symlinkTargetBytesMax) throw invalidTarget(path)
  const bytes = contentReader(context, located.header, opened)?.read(0, opened.size)
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw invalidTarget(path, cause)
  }
}

/** The bytes that a link to `target` stores; ERR_SYMLINK_TARGET. */
export function encodeSymlinkTarget(target: string, path: string): Uint8Array {
  const bytes = encoder.encode(target)
  if (
    bytes.length > 0 &&
    bytes.length <= symlinkTargetBytesMax &&
    target.isWellFormed() &&
    !target.includes('\0')
  ) {
    return bytes
  }
  throw invalidTarget(path)
}

function invalidTarget(path: string, cause?: unknown): FilesError {
  return new FilesError(
    'ERR_SYMLINK_TARGET',
    `"${path}": the target of a symbolic link is text of 1 to ${symlinkTargetBytesMax} bytes without NUL`,
    cause === undefined ? { path } : { path, cause }
  )
}
