/** `principal import`: a record line of somebody else. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { readLineArgument } from '../read-line.ts'
import { recordPrefix } from './principal-show.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const line = readLineArgument(context.arguments[0] ?? '')
  const name = context.arguments[1]
  const principal = await node.call('principal.import', {
    record: decode(line),
    ...(name === undefined ? {} : { name })
  })
  context.output.result(principal, () => [`${principal.name}  ${principal.id}`])
}

function decode(line: string): Uint8Array {
  try {
    if (line.startsWith(recordPrefix))
      return Uint8Array.fromBase64(line.slice(recordPrefix.length), { alphabet: 'base64url' })
  } catch {
    // said below
  }
  throw new CliError('ERR_ARGUMENT_VALUE', `that is no principal record; it begins with "${recordPrefix}"`, {
    advice: 'its owner prints it with "blocktree principal show --record"'
  })
}
