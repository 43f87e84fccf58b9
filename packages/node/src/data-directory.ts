/**
 * The data directory of a node: what lies where, with which modes, and the checks before anything is touched.
 *
 *   keys/        sealed or 0600 key files          store/       segments, index, lock
 *   node.json    tree, format, versions; no secret config.yaml  optional
 *   hosted/      trees of other owners, if any      eris/       content by URN, if any
 *   coordinator/ what was agreed on with other nodes; made with the first lock or the first other node
 *   rpc.sock     the socket, 0600                  .first-start a first start that has not finished
 *
 * node.json is written last: a directory has a node exactly when it is there (doc/adr/0008-node.md).
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { contentFolder } from './eris/has-content.ts'
import { NodeError, type NodeErrorCode, reasonOf, systemCode } from './node-error.ts'

export interface DataDirectory {
  readonly path: string
  readonly keys: string
  readonly store: string
  /** Trees of other owners, a folder for each; absent when there are none. */
  readonly hosted: string
  /** Content by URN. */
  readonly content: string
  readonly record: string
  readonly socket: string
  /** Where a first start works until it is complete. */
  readonly staging: string
}

export function dataDirectoryAt(path: string): DataDirectory {
  return {
    path,
    keys: join(path, 'keys'),
    store: join(path, 'store'),
    hosted: join(path, 'hosted'),
    content: join(path, contentFolder),
    record: join(path, 'node.json'),
    socket: join(path, 'rpc.sock'),
    staging: join(path, '.first-start')
  }
}

export const dataFormat = 1

/** What node.json says. */
export interface NodeRecord {
  readonly format: number
  readonly treeId: string
  readonly createdMs: number
  /** Version of the program that made the directory. */
  readonly createdBy: string
}

/**
 * Makes the directory (0700) when it is absent and checks that this process can own it.
 * @throws ERR_DATA_ACCESS, ERR_DATA_READ_ONLY, ERR_DATA_FULL, ERR_DATA_OWNER
 */
export function prepareDataDirectory(directory: DataDirectory): void {
  try {
    makeDirectories(directory.path)
  } catch (cause) {
    throw accessError(`cannot make data directory "${directory.path}"`, cause)
  }
  checkOwner(directory.path)
  const probe = join(directory.path, `.probe-${process.pid}`)
  try {
    writeFileSync(probe, '', { mode: 0o600 })
    rmSync(probe)
  } catch (cause) {
    throw accessError(`cannot write to data directory "${directory.path}"`, cause)
  }
}

/** One by one: on some file systems (/proc) the recursive form of `mkdir` does not end. */
function makeDirectories(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    if (systemCode(error) !== 'ENOENT' || existsSync(dirname(path))) throw error
    makeDirectories(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
}

function checkOwner(path: string): void {
  const status = statSync(path)
  if (!status.isDirectory()) {
    throw new NodeError('ERR_DATA_ACCESS', `"${path}" is not a directory; choose another one with --data`)
  }
  const user = process.getuid?.()
  if (user === undefined || status.uid === user) return
  throw new NodeError(
    'ERR_DATA_OWNER',
    `data directory "${path}" belongs to user ${status.uid}, this process runs as user ${user}; ` +
      'run as its owner or choose another directory with --data'
  )
}

const codeBySystemCode: Readonly<Record<string, NodeErrorCode>> = {
  EROFS: 'ERR_DATA_READ_ONLY',
  ENOSPC: 'ERR_DATA_FULL',
  EDQUOT: 'ERR_DATA_FULL'
}

const adviceByCode: Readonly<Partial<Record<NodeErrorCode, string>>> = {
  ERR_DATA_READ_ONLY: 'mount the file system writable or choose another directory with --data',
  ERR_DATA_FULL: 'free some space or choose another directory with --data',
  ERR_DATA_ACCESS: 'check its owner and mode, or choose another directory with --data'
}

/** A system error in the data directory, as an error that says what to do. */
export function accessError(attempt: string, cause: unknown): NodeError {
  const code = codeBySystemCode[systemCode(cause) ?? ''] ?? 'ERR_DATA_ACCESS'
  return new NodeError(code, `${attempt}: ${reasonOf(cause)}; ${adviceByCode[code] ?? ''}`, { cause })
}

/** undefined when there is no node yet. @throws ERR_DATA_FORMAT, ERR_DATA_INCOMPLETE, ERR_DATA_ACCESS */
export function readNodeRecord(directory: DataDirectory): NodeRecord | undefined {
  let text: string
  try {
    text = readFileSync(directory.record, 'utf8')
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw accessError(`cannot read "${directory.record}"`, cause)
    refuseOrphans(directory)
    return undefined
  }
  return parseNodeRecord(text, directory.record)
}

function refuseOrphans(directory: DataDirectory): void {
  if (existsSync(directory.staging)) return // a first start that has not finished explains them
  const orphan = [directory.keys, directory.store].find(
    (path) => existsSync(path) && readdirSync(path).length > 0
  )
  if (orphan === undefined) return
  throw new NodeError(
    'ERR_DATA_INCOMPLETE',
    `"${orphan}" is there, but "${directory.record}" is missing, so this is not a whole data directory; ` +
      'put node.json back from a backup, or choose another directory with --data'
  )
}

export function parseNodeRecord(text: string, file: string): NodeRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new NodeError('ERR_DATA_FORMAT', `"${file}" is not JSON; restore it from a backup`, { cause })
  }
  if (!isNodeRecord(value)) {
    throw new NodeError(
      'ERR_DATA_FORMAT',
      `"${file}" lacks format, treeId, createdMs or createdBy; restore it from a backup`
    )
  }
  if (value.format > dataFormat) {
    throw new NodeError(
      'ERR_DATA_FORMAT',
      `"${file}" has format ${value.format}, this version knows formats up to ${dataFormat}; use a newer version`
    )
  }
  return value
}

function isNodeRecord(value: unknown): value is NodeRecord {
  if (typeof value !== 'object' || value === null) return false
  return (
    'format' in value &&
    Number.isSafeInteger(value.format) &&
    'treeId' in value &&
    typeof value.treeId === 'string' &&
    'createdMs' in value &&
    typeof value.createdMs === 'number' &&
    'createdBy' in value &&
    typeof value.createdBy === 'string'
  )
}

/** Whole or not at all, also through a power loss. */
export function writeFileDurably(file: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w', mode)
  try {
    writeFileSync(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  syncDirectory(dirname(file))
}

/** Makes renames inside a directory durable. */
export function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
