/** `key backup`. */
import type { CommandContext } from '../command.ts'
import { localPath } from '../local-path.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const file = localPath(context, context.arguments[0] ?? '')
  const passphrase = await readSecret(context, { prompt: 'Passphrase for the backup', isNew: true })
  const answer = await node.call('key.backup', { file, passphrase })
  context.output.result({ file, ...answer }, () => [`${file}  holds the keys ${answer.keys.join(', ')}`])
}
