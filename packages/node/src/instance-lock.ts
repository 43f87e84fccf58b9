/**
 * One node per data directory. The lock is a file that names its holder by process id and start time; it is stale when
 * that process is gone, or when the id belongs to another process by now. Made with `link`, which never overwrites.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { accessError } from './data-directory.ts'
import { type LockRecord, lockPath, readLockRecord } from './location.ts'
import { NodeError, systemCode } from './node-error.ts'

export interface InstanceLock {
  /** The process id whose stale lock was taken over. */
  readonly tookOverFrom: number | undefined
  /** Writes down where clients find the node. */
  publishSocket(socket: string | undefined): void
  release(): void
}

const triesMax = 5 // two starters may take turns; then one of them gives up

/** @throws ERR_DATA_IN_USE naming the process that holds it */
export function acquireInstanceLock(dataDirectory: string): InstanceLock {
  const path = lockPath(dataDirectory)
  const own: LockRecord = { pid: process.pid, started: startOf(process.pid) ?? '', socket: undefined }
  let tookOverFrom: number | undefined
  for (let tries = 0; tries < triesMax; tries++) {
    if (create(path, own)) return held(path, own, tookOverFrom)
    const holder = readLockRecord(path)
    if (holder !== undefined && isAlive(holder)) throw inUse(dataDirectory, holder.pid)
    if (removeStale(path, holder)) tookOverFrom = holder?.pid
  }
  throw inUse(dataDirectory, readLockRecord(path)?.pid)
}

function held(path: string, own: LockRecord, tookOverFrom: number | undefined): InstanceLock {
  return {
    tookOverFrom,
    publishSocket(socket) {
      const temporary = `${path}.${process.pid}`
      writeFileSync(temporary, JSON.stringify({ ...own, socket }), { mode: 0o600 })
      renameSync(temporary, path)
    },
    release() {
      if (readLockRecord(path)?.pid === own.pid) rmSync(path, { force: true })
    }
  }
}

/** False when there is a lock already. */
function create(path: string, record: LockRecord): boolean {
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 })
    linkSync(temporary, path)
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw accessError(`cannot make lock "${path}"`, cause)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Moves the file away first and looks at what was moved: another starter may have replaced it in between. */
function removeStale(path: string, expected: LockRecord | undefined): boolean {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return false
    throw accessError(`cannot remove stale lock "${path}"`, cause)
  }
  const moved = readLockRecord(aside)
  const isExpected = moved?.pid === expected?.pid && moved?.started === expected?.started
  if (!isExpected) tryLink(aside, path)
  rmSync(aside, { force: true })
  return isExpected
}

function tryLink(source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause
  }
}

function isAlive(holder: LockRecord): boolean {
  if (holder.pid === process.pid) return startOf(holder.pid) === holder.started
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false
  }
  const started = startOf(holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

/** Boot and start time of a process; undefined where the system does not tell. */
function startOf(pid: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return 'ended'
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}:${fields[19] ?? ''}`
  } catch {
    return undefined
  }
}

function inUse(dataDirectory: string, pid: number | undefined): NodeError {
  const who = pid === undefined ? 'another process' : `process ${pid}`
  return new NodeError(
    'ERR_DATA_IN_USE',
    `a node runs on "${dataDirectory}" already (${who}); use it, stop it with "blocktree shutdown", or choose another --data`,
    { data: pid === undefined ? {} : { pid } }
  )
}
