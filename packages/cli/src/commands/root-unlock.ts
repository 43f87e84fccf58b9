/** `root unlock`. */
import type { CommandContext } from '../command.ts'
import { rootLines } from '../root-status.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const passphrase = await readSecret(context, { prompt: 'Root passphrase' })
  const status = await node.call('root.unlock', { passphrase })
  context.output.result(status, () => rootLines(status))
}
