/** The process behind ./reaper.ts: reads what to watch, and at the end of its input kills and removes what is left. */
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { processStartTime } from './process-start-time.ts'

const processes = new Map<string, string>()
const directories = new Set<string>()

for await (const line of createInterface({ input: process.stdin })) {
  const message: unknown = JSON.parse(line)
  if (!Array.isArray(message)) continue
  const words: readonly unknown[] = message
  const verb = words[0]
  const subject = words[1]
  if (typeof subject !== 'string') continue
  const [pid = '', started = ''] = subject.split(' ')
  if (verb === '+process') processes.set(pid, started)
  else if (verb === '-process') processes.delete(pid)
  else if (verb === '+directory') directories.add(subject)
  else if (verb === '-directory') directories.delete(subject)
}

for (const [pid, started] of processes) {
  if (started !== '' && processStartTime(Number(pid)) !== started) continue // gone, or the number was given to another
  try {
    process.kill(Number(pid), 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}
for (const directory of directories)
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
