/** The `ProcessTable` port over /proc, and over signal 0 where there is none. */
import { readFileSync } from 'node:fs'
import type { ProcessIdentity, ProcessTable } from './store-lock.ts'
import { systemCode } from './store-error.ts'

export function createNodeProcesses(): ProcessTable {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  const self: ProcessIdentity = { pid: process.pid, boot, started: startOf(process.pid) ?? '' }
  return {
    self,
    isRunning(identity) {
      if (identity.boot !== boot) return false
      if (boot === '') return answersSignal(identity.pid)
      return startOf(identity.pid) === identity.started
    }
  }
}

/** Field 22 of stat, counted behind the command name, which may hold blanks and brackets. */
function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
