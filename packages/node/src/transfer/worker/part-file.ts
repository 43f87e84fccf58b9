/**
 * New files at the destination: written under a name of their own, complete with mode and time, and renamed. Opened
 * with O_EXCL and O_NOFOLLOW, so that nothing planted there is written to. The name is made of the block id: what an
 * interrupted export left is found and replaced by the next one.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  lutimesSync,
  openSync,
  renameSync,
  symlinkSync,
  unlinkSync
} from 'node:fs'

export interface FileAttributes {
  readonly modifiedMs: number | undefined
  readonly mode: number | undefined
}

/** Permission bits that are restored: who exports does not lend his identity to what others made. */
const modeRestored = 0o1777
const modeDefault = 0o666
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export function restoredMode(mode: number | undefined): number | undefined {
  return mode === undefined ? undefined : mode & modeRestored
}

export function partPath(directory: string, block: Uint8Array): string {
  return `${directory}/.blocktree-part-${Buffer.from(block.buffer, block.byteOffset, 8).toString('hex')}`
}

/** Opens a new file for writing; a former part of the same block is thrown away. */
export function createPart(path: string, mode: number | undefined): number {
  const bits = restoredMode(mode) ?? modeDefault
  try {
    return openSync(path, createFlags, bits)
  } catch (error) {
    if (!isExisting(error)) throw error
    unlinkSync(path)
    return openSync(path, createFlags, bits)
  }
}

/** Sets mode and time, closes, and gives the file its name. */
export function finishPart(fd: number, path: string, name: string, attributes: FileAttributes): void {
  try {
    const mode = restoredMode(attributes.mode)
    if (mode !== undefined) fchmodSync(fd, mode) // asking for the umask would set it for a moment, in all threads
    const { modifiedMs } = attributes
    if (modifiedMs !== undefined) futimesSync(fd, seconds(modifiedMs), seconds(modifiedMs))
  } finally {
    closeSync(fd)
  }
  renameSync(path, name)
}

export function abandonPart(fd: number, path: string): void {
  closeSync(fd)
  unlinkSync(path)
}

export function createLink(path: string, name: string, target: string, modifiedMs: number | undefined): void {
  try {
    symlinkSync(target, path)
  } catch (error) {
    if (!isExisting(error)) throw error
    unlinkSync(path)
    symlinkSync(target, path)
  }
  if (modifiedMs !== undefined) lutimesSync(path, seconds(modifiedMs), seconds(modifiedMs))
  renameSync(path, name)
}

/** The system cuts to microseconds: half of one more keeps the millisecond. */
export function seconds(ms: number): number {
  return (ms + 0.0005) / 1000
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
