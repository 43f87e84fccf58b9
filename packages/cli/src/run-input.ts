/** What a command passes on when it becomes a node itself. */
import type { RunInput } from '@blocktree/node'
import type { CommandContext } from './command.ts'

const ownOptions: ReadonlySet<string> = new Set([
  'json',
  'help',
  'as',
  'socket',
  'restore',
  'name',
  'backup-passphrase-file'
])

/** `defaults` apply to flags that were not given. */
export function runInput(context: CommandContext, defaults: Readonly<Record<string, string>> = {}): RunInput {
  const given = Object.entries(context.options.all).filter(([name]) => !ownOptions.has(name))
  return {
    flags: { ...defaults, ...Object.fromEntries(given), data: context.dataDirectory },
    environment: context.environment,
    workingDirectory: context.workingDirectory,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr
  }
}
