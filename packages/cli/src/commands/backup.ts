/** `backup`: to one encrypted file, or back from it. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'
import { localPath } from '../local-path.ts'
import { readSecret } from '../secret-input.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const node = await context.node()
  const [argument = '', path] = context.arguments
  const file = localPath(context, argument)
  const isRestore = options.has('restore')
  if (isRestore && path !== undefined)
    throw new CliError('ERR_ARGUMENT_EXTRA', 'a restore takes everything the backup holds')
  const passphrase = await readSecret(context, { prompt: 'Passphrase of the backup', isNew: !isRestore })
  const bar = output.progress(isRestore ? 'restore' : 'backup')
  const call = { signal, onProgress: (report: { readonly done: number }) => bar.update(report) }
  const answer = isRestore
    ? await node.call('backup.restore', { file, passphrase }, call)
    : await node.call(
        'backup.create',
        { file, passphrase, ...(path === undefined ? {} : { path: treePath(path) }) },
        call
      )
  bar.finish()
  output.result(answer, () => [
    `${file}  ${formatCount(answer.records, 'record')}, ${formatCount(answer.sectors, 'sector')}, ${formatBytes(answer.bytes)}`
  ])
}
