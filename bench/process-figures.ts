/** What Linux says of a process in /proc: memory, processor time, bytes written. Everything is undefined elsewhere. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface MemoryFigures {
  /** Resident: anonymous, file-backed and shared pages. */
  readonly residentMiB: number
  /** What no file backs: heaps, stacks, buffers. */
  readonly anonymousMiB: number
  /** The largest `residentMiB` since the start, or since `resetPeakMemory`. */
  readonly peakMiB: number
}

const ticksPerSecond = 100 // USER_HZ, 100 on every platform that Node runs on

function statusFile(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8')
}

export function readMemory(pid: number): MemoryFigures {
  const status = statusFile(pid, 'status')
  const mebibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024
  return { residentMiB: mebibytes('VmRSS'), anonymousMiB: mebibytes('RssAnon'), peakMiB: mebibytes('VmHWM') }
}

/** Makes the peak begin anew; without the right to do so it stays what it was. */
export function resetPeakMemory(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // the peak since the start is then the more severe figure
  }
}

/** User and system time of all threads. */
export function readCpuSeconds(pid: number): number {
  const stat = statusFile(pid, 'stat')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Bytes that the process caused to be written to storage. */
export function readWrittenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(statusFile(pid, 'io'))?.[1])
}

/** Samples memory until `stop`, which returns the largest of each figure. */
export function watchMemory(pid: number, intervalMs = 50): { stop(): MemoryFigures } {
  let largest = readMemory(pid)
  const sample = (): void => {
    try {
      const now = readMemory(pid)
      largest = {
        residentMiB: Math.max(largest.residentMiB, now.residentMiB),
        anonymousMiB: Math.max(largest.anonymousMiB, now.anonymousMiB),
        peakMiB: Math.max(largest.peakMiB, now.peakMiB)
      }
    } catch {
      // the process has ended
    }
  }
  const timer = setInterval(sample, intervalMs)
  return {
    stop() {
      clearInterval(timer)
      sample()
      return largest
    }
  }
}
