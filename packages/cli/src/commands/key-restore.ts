/** `key restore`. */
import type { CommandContext } from '../command.ts'
import { localPath } from '../local-path.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const file = localPath(context, context.arguments[0] ?? '')
  const passphrase = await readSecret(context, { prompt: 'Passphrase of the backup' })
  const answer = await node.call('key.restore', { file, passphrase })
  context.output.result(answer, () => [
    answer.restored.length === 0 ? 'Nothing was missing.' : `restored ${answer.restored.join(', ')}`,
    ...(answer.kept.length === 0 ? [] : [`kept as they are: ${answer.kept.join(', ')}`])
  ])
}
