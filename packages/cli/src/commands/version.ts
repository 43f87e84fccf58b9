/** `version`, also as `--version`: which release this command is of; no node is asked. */
import { version } from '@blocktree/node/version'
import type { CommandContext } from '../command.ts'

export async function run({ output }: CommandContext): Promise<void> {
  const runtime = process.versions.node
  output.result({ blocktree: version, runtime }, () => [`blocktree ${version}, node ${runtime}`])
}
