/**
 * A first start that can be killed anywhere. Keys and store are made in `.first-start/`; when they are complete and the
 * passphrase has been shown, node.json is written there: that is the commit point. Before it the folder is thrown away
 * at the next start, after it the moves into place are carried on. Nothing half-made is ever used.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  accessError,
  type DataDirectory,
  dataDirectoryAt,
  type NodeRecord,
  syncDirectory,
  writeFileDurably
} from './data-directory.ts'

/** What a former first start left behind. */
export type Leftover = 'none' | 'discarded' | 'completed'

/** Puts the directory in order after a first start that was interrupted. */
export function recoverFirstStart(directory: DataDirectory): Leftover {
  if (!existsSync(directory.staging)) return 'none'
  const staged = dataDirectoryAt(directory.staging)
  if (existsSync(directory.record)) {
    rmSync(directory.staging, { recursive: true, force: true }) // every move was done
    return 'completed'
  }
  if (existsSync(staged.record)) {
    moveIntoPlace(directory)
    return 'completed'
  }
  rmSync(directory.staging, { recursive: true, force: true })
  return 'discarded'
}

/** An empty place to work in. */
export function beginFirstStart(directory: DataDirectory): DataDirectory {
  try {
    mkdirSync(directory.staging, { mode: 0o700 })
    const staged = dataDirectoryAt(directory.staging)
    mkdirSync(staged.keys, { mode: 0o700 })
    mkdirSync(staged.store, { mode: 0o700 })
    return staged
  } catch (cause) {
    throw accessError(`cannot prepare "${directory.staging}"`, cause)
  }
}

/** Works in an empty place, which is gone again when that fails. */
export async function whileStaged<Result>(
  directory: DataDirectory,
  work: (staged: DataDirectory) => Promise<Result>
): Promise<Result> {
  const staged = beginFirstStart(directory)
  try {
    return await work(staged)
  } catch (error) {
    rmSync(directory.staging, { recursive: true, force: true })
    throw error
  }
}

/** The commit point, then the moves. Everything in the staging folder is closed and synced by then. */
export function completeFirstStart(directory: DataDirectory, record: NodeRecord): void {
  const staged = dataDirectoryAt(directory.staging)
  syncDirectory(staged.keys)
  syncDirectory(staged.store)
  for (const folder of [staged.hosted, staged.content]) if (existsSync(folder)) syncDirectory(folder)
  writeFileDurably(staged.record, `${JSON.stringify(record, undefined, 2)}\n`)
  moveIntoPlace(directory)
}

/** Each move is skipped when a former try did it; node.json goes last. */
function moveIntoPlace(directory: DataDirectory): void {
  const staged = dataDirectoryAt(directory.staging)
  try {
    for (const name of ['keys', 'store', 'hosted', 'content', 'record'] as const) {
      if (existsSync(staged[name])) renameSync(staged[name], directory[name])
      syncDirectory(directory.path)
    }
    rmSync(join(directory.staging), { recursive: true, force: true })
    syncDirectory(directory.path)
  } catch (cause) {
    throw accessError(`cannot move the first start into "${directory.path}"`, cause)
  }
}
