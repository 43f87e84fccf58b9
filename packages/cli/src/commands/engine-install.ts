/** `engine install`: puts the library of another engine into the data directory. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const name = context.arguments[0] ?? ''
  if (name !== 'wasmtime')
    throw new CliError('ERR_ARGUMENT_VALUE', `there is no engine "${name}" to install`, {
      advice: 'wasmtime is the one; v8 is always there'
    })
  const { installNodeEngine } = await import('@blocktree/node/engine')
  const file = context.options.text('file')
  const engine = await installNodeEngine({
    dataDirectory: context.dataDirectory,
    file: file === undefined ? undefined : localPath(context, file),
    sha256: context.options.text('sha256')
  })
  context.output.result(engine, () => [
    `${engine.name} ${engine.version}: ${engine.library}`,
    'Apps run on it from the next start of the node on.'
  ])
}
