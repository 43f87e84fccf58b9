/** Paths of this machine, as the node needs them: absolute. */
import { resolve } from 'node:path'
import type { CommandContext } from './command.ts'

export function localPath(context: CommandContext, text: string): string {
  return resolve(context.workingDirectory, text)
}
