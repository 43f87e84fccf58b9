import { readFileSync } from 'node:fs'

/** When a process started, in ticks since boot, as Linux tells it; undefined when it is gone or the system does not tell. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
