/** What the figures were measured on. */
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

export type Machine = Readonly<Record<string, string>>

/** @param directory where the data of the benchmark lies */
export function describeMachine(directory: string): Machine {
  const processors = cpus()
  return {
    processor: `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`,
    memory: `${(totalmem() / 1024 ** 3).toFixed(1)} GiB`,
    kernel: `${process.platform} ${release()} ${process.arch}`,
    'file system': fileSystem(directory),
    runtime: `Node ${process.version}, V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}`
  }
}

function fileSystem(directory: string): string {
  return (
    output('findmnt', ['-n', '-o', 'FSTYPE,SOURCE,OPTIONS', '-T', directory]).replaceAll(/\s+/g, ' ') ||
    'unknown'
  )
}

/** Short id of the sources as they are checked out. */
export function currentCommit(): string {
  return output('git', ['log', '-1', '--format=%h']) || 'unknown'
}

function output(program: string, words: readonly string[]): string {
  try {
    return execFileSync(program, words, {
      encoding: 'utf8',
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'ignore']
    }).trim()
  } catch {
    return ''
  }
}
