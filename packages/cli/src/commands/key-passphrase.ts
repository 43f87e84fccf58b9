/** `key passphrase`: another passphrase for the root key. */
import type { CommandContext } from '../command.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const current = await readSecret(context, { prompt: 'Root passphrase' })
  const next = await readSecret(context, {
    prompt: 'New passphrase',
    option: 'new-passphrase-file',
    isNew: true,
    fromVariable: false
  })
  await node.call('key.passphrase', { current, next })
  context.output.result({ changed: true }, () => ['The root key is sealed under the new passphrase.'])
}
