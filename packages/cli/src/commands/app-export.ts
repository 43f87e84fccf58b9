/** `app export`: the package of an installed app. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes } from '../format.ts'
import { existsSync } from 'node:fs'
import { writeLocalFile } from '../local-file.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const [name = '', file = `${name}.blocktree`] = context.arguments
  const { output, signal } = context
  if (file !== '-' && existsSync(localPath(context, file)))
    throw new CliError('ERR_LOCAL_EXISTS', `"${file}" exists`)
  const node = await context.node()
  const call = node.callStream('app.export', { name }, { signal })
  const parts: Uint8Array[] = []
  for await (const part of call.download) parts.push(part)
  const answer = await call.result
  const bytes = Buffer.concat(parts)
  if (file === '-') return await output.bytes(bytes)
  writeLocalFile(context, file, bytes)
  output.result({ ...answer, file }, () => [
    `${file}  version ${answer.version}, ${formatBytes(answer.bytes)}`
  ])
}
