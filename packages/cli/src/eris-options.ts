/** Options that commands on content by URN share, with a node and without. */
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'

/** --block-size; undefined when it was not given. @throws ERR_OPTION_VALUE */
export function blockSizeName({ options }: CommandContext): '1k' | '32k' | undefined {
  const text = options.text('block-size')?.toLowerCase()
  if (text === undefined || text === '1k' || text === '32k') return text
  throw new CliError('ERR_OPTION_VALUE', `--block-size ${text}: give 1k or 32k`)
}
