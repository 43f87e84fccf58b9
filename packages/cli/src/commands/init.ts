/** `init`: the first start without the running. */
import type { CommandContext } from '../command.ts'
import { localPath } from '../local-path.ts'
import { runInput } from '../run-input.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const { initializeNode } = await import('@blocktree/node')
  const file = context.options.text('restore')
  const restore =
    file === undefined
      ? undefined
      : {
          file: localPath(context, file),
          passphrase: await readSecret(context, {
            prompt: 'Passphrase of the backup',
            option: 'backup-passphrase-file'
          })
        }
  const { treeId, isNew } = await initializeNode(runInput(context, { 'log-level': 'warn' }), { restore })
  context.output.result({ treeId, isNew, dataDirectory: context.dataDirectory }, () => [
    `${file !== undefined ? 'Restored' : isNew ? 'Made' : 'There is already'} a node in ${context.dataDirectory}`,
    `tree ${treeId}`,
    'Start it with "blocktree start".'
  ])
}
