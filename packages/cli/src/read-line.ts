/** Lines that travel between people: given as they are, in a file, or on stdin. */
import { readFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'

/** @param text the line itself, a file that holds it, or `-` */
export function readLineArgument(text: string): string {
  if (text.startsWith('blocktree-')) return text.trim()
  try {
    return readFileSync(text === '-' ? 0 : text, 'utf8').trim()
  } catch (cause) {
    throw new CliError(
      'ERR_LOCAL_FILE',
      `"${text}" is neither a line ("blocktree-…") nor a file that can be read`,
      { cause }
    )
  }
}
