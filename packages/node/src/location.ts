/** Where a node's data and socket lie; shared by the node and its clients, so it imports nothing of either. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export interface LocationInput {
  readonly environment: Environment
  readonly workingDirectory: string
  /** What `--data` said. */
  readonly data: string | undefined
}

/** `--data`, BLOCKTREE_DATA, or the place the system has for a user's data. Absolute. */
export function resolveDataDirectory(input: LocationInput): string {
  const chosen = input.data ?? input.environment['BLOCKTREE_DATA']
  if (chosen !== undefined && chosen !== '') {
    return resolve(input.workingDirectory, expandHome(chosen, input.environment))
  }
  return join(userDataDirectory(input.environment), 'blocktree')
}

function userDataDirectory(environment: Environment): string {
  const xdg = environment['XDG_DATA_HOME']
  if (xdg !== undefined && isAbsolute(xdg)) return xdg
  const home = environment['HOME'] ?? homedir()
  return process.platform === 'darwin'
    ? join(home, 'Library', 'Application Support')
    : join(home, '.local', 'share')
}

export function expandHome(path: string, environment: Environment): string {
  return path === '~' || path.startsWith('~/') ? join(environment['HOME'] ?? homedir(), path.slice(1)) : path
}

export const socketPathBytesMax = 107 // sun_path of Linux, less its closing NUL

/**
 * `<data>/rpc.sock`; where that is too long for the system, a short name in XDG_RUNTIME_DIR that follows from the data
 * directory. undefined when neither fits.
 */
export function defaultSocketPath(dataDirectory: string, environment: Environment): string | undefined {
  const usual = join(dataDirectory, 'rpc.sock')
  if (Buffer.byteLength(usual) <= socketPathBytesMax) return usual
  const runtime = environment['XDG_RUNTIME_DIR']
  if (runtime === undefined || !isAbsolute(runtime)) return undefined
  const digest = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 16)
  const short = join(runtime, `blocktree-${digest}.sock`)
  return Buffer.byteLength(short) <= socketPathBytesMax ? short : undefined
}

/** What the lock file of a data directory says of the process that holds it. */
export interface LockRecord {
  readonly pid: number
  /** When that process started, as the system tells it: tells a reused process id from the holder. */
  readonly started: string
  readonly socket: string | undefined
}

export function lockPath(dataDirectory: string): string {
  return join(dataDirectory, 'node.lock')
}

/** undefined when there is none or it cannot be read. */
export function readLockRecord(path: string): LockRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null) return undefined
    if (!('pid' in value) || typeof value.pid !== 'number') return undefined
    const started = 'started' in value && typeof value.started === 'string' ? value.started : ''
    const socket = 'socket' in value && typeof value.socket === 'string' ? value.socket : undefined
    return { pid: value.pid, started, socket }
  } catch {
    return undefined
  }
}

/** The socket of the node on this data directory: what the running node wrote down, else where it would be. */
export function findSocket(dataDirectory: string, environment: Environment): string | undefined {
  return readLockRecord(lockPath(dataDirectory))?.socket ?? defaultSocketPath(dataDirectory, environment)
}
