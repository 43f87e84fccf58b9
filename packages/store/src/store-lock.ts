/**
 * One process has the store open at a time. The lock names the process by pid, boot and start time, so that a
 * lock left behind by a crash is recognised, even when another process has the pid by now.
 */
import type { FileSystem } from './file-system.ts'
import { StoreError, systemCode } from './store-error.ts'

export interface ProcessIdentity {
  readonly pid: number
  /** Changes with every start of the machine. */
  readonly boot: string
  /** When the process began, in the units of the system. */
  readonly started: string
}

/** Port to the processes of the machine. */
export interface ProcessTable {
  readonly self: ProcessIdentity
  isRunning(identity: ProcessIdentity): boolean
}

export interface StoreLock {
  /** True when the lock of a process that is gone was taken over. */
  readonly stale: boolean
  release(): Promise<void>
}

const path = 'lock'

/** ERR_STORE_LOCKED naming the pid when the store is open elsewhere, or here a second time. */
export async function acquireLock(files: FileSystem, processes: ProcessTable): Promise<StoreLock> {
  const content = formatIdentity(processes.self)
  let stale = false
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await tryCreate(files, content)) {
      return { stale, release: () => releaseLock(files, content) }
    }
    const found = files.readFile(path)
    if (found === undefined) continue
    const holder = parseIdentity(Buffer.from(found).toString('utf8'))
    if (holder !== undefined && processes.isRunning(holder)) {
      throw new StoreError('ERR_STORE_LOCKED', `the store is open in process ${holder.pid}; stop it first`, {
        file: path
      })
    }
    stale = true
    await files.unlink(path)
  }
  throw new StoreError('ERR_STORE_LOCKED', 'another process is opening the store at the same time', {
    file: path
  })
}

async function tryCreate(files: FileSystem, content: string): Promise<boolean> {
  try {
    const file = files.open(path, 'create')
    try {
      await file.write([Buffer.from(content)], 0)
    } finally {
      file.close()
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** A lock that was taken over by somebody else is not ours to remove. */
async function releaseLock(files: FileSystem, content: string): Promise<void> {
  const found = files.readFile(path)
  if (found !== undefined && Buffer.from(found).toString('utf8') === content) await files.unlink(path)
}

function formatIdentity(identity: ProcessIdentity): string {
  return `${identity.pid} ${identity.boot || '-'} ${identity.started || '-'}\n`
}

/** undefined for anything damaged: LevelDB's own lock still guards the index. */
function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^(\d{1,10}) (\S+) (\S+)\n$/.exec(text)
  if (match === null) return undefined
  const [, pid = '', boot = '', started = ''] = match
  return { pid: Number(pid), boot: boot === '-' ? '' : boot, started: started === '-' ? '' : started }
}
