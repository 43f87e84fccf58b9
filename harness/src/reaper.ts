/**
 * Ends every child and removes every directory of the harness, also when the test that made them crashed: a small process
 * of its own reads their names from a pipe, and the end of the pipe is its signal.
 */
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { processStartTime } from './process-start-time.ts'

export interface Reaper {
  /** From now on this process is killed when the harness ends. */
  watchProcess(pid: number): void
  forgetProcess(pid: number): void
  /** From now on this directory is removed when the harness ends. */
  watchDirectory(path: string): void
  forgetDirectory(path: string): void
  /** Resolves when everything that was watched is gone. */
  close(): Promise<void>
}

export function createReaper(): Reaper {
  const emitted = import.meta.url.endsWith('.js')
  const script = fileURLToPath(
    new URL(emitted ? './reaper-process.js' : './reaper-process.ts', import.meta.url)
  )
  // A group of its own: a Ctrl-C at the terminal must not end the reaper before its work is done.
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  child.unref()
  child.stdin.on('error', () => undefined) // a reaper that is gone has nothing to be told
  if (child.stdin instanceof Socket) child.stdin.unref() // the pipe must not keep a finished test alive
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  function tell(verb: string, subject: string): void {
    child.stdin.write(`${JSON.stringify([verb, subject])}\n`)
  }
  return {
    watchProcess: (pid) => tell('+process', `${pid} ${processStartTime(pid) ?? ''}`),
    forgetProcess: (pid) => tell('-process', String(pid)),
    watchDirectory: (path) => tell('+directory', path),
    forgetDirectory: (path) => tell('-directory', path),
    async close() {
      child.ref()
      child.stdin.end()
      await ended
    }
  }
}
