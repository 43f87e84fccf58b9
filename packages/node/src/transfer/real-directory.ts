/**
 * Directories of the destination. On Linux each is opened from the one above it without following links, and
 * everything in them is named through the descriptor: what somebody renames or plants meanwhile cannot lead outside.
 * Elsewhere each component is looked at before it is used.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync
} from 'node:fs'
import { restoredMode, seconds } from './worker/part-file.ts'

const hasDescriptorPaths = process.platform === 'linux'
const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const ownerAll = 0o700

export interface RealDirectory {
  /** Names in it are reached as `${path}/${name}` until `close`. */
  readonly path: string
  /** Made just now: nothing is in it. */
  readonly isFresh: boolean
  /** Makes or enters a directory in it; throws the system's error, ENOTDIR or ELOOP for a link. */
  enter(name: string): RealDirectory
  /** Sets mode and time, when all entries are written. */
  finish(attributes: { readonly modifiedMs: number | undefined; readonly mode: number | undefined }): void
  close(): void
}

/** The top of an export; links on the way to it are the caller's own choice. */
export function openRealDirectory(path: string, isFresh: boolean): RealDirectory {
  return fromDescriptor(openSync(path, openFlags), path, isFresh)
}

function fromDescriptor(fd: number, plainPath: string, isFresh: boolean): RealDirectory {
  const path = hasDescriptorPaths ? `/proc/self/fd/${fd}` : plainPath
  return {
    path,
    isFresh,
    enter: (name) => enterDirectory(`${path}/${name}`, `${plainPath}/${name}`),
    finish: ({ modifiedMs, mode }) => {
      const bits = restoredMode(mode)
      if (bits !== undefined && (fstatSync(fd).mode & 0o1777) !== bits) fchmodSync(fd, bits)
      if (modifiedMs !== undefined) futimesSync(fd, seconds(modifiedMs), seconds(modifiedMs))
    },
    close: () => closeSync(fd)
  }
}

function enterDirectory(path: string, plainPath: string): RealDirectory {
  const isFresh = makeDirectory(path)
  if (!hasDescriptorPaths && lstatSync(path).isSymbolicLink()) {
    throw Object.assign(new Error('ENOTDIR: a symbolic link stands where a directory should be'), {
      code: 'ENOTDIR'
    })
  }
  const fd = openSync(path, openFlags)
  const status = fstatSync(fd)
  // a directory of a former export may be closed to its owner
  if ((status.mode & ownerAll) !== ownerAll && status.uid === process.getuid?.())
    fchmodSync(fd, (status.mode & 0o1777) | ownerAll)
  return fromDescriptor(fd, plainPath, isFresh)
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, ownerAll)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}
