/** `help`: the overview, one command, or all settings. */
import { nearestName } from '@blocktree/rpc'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { commandTable, findCommand } from '../command-table.ts'
import { commandHelp, overview, reference, settingsHelp } from '../help.ts'
import { settingOptions } from '../setting-options.ts'

export async function run(context: CommandContext): Promise<void> {
  const words = context.arguments
  if (context.options.has('markdown')) {
    context.output.result({ markdown: reference(commandTable) }, () => [reference(commandTable).trimEnd()])
    return
  }
  if (words.length === 0) {
    context.output.result(
      commandTable.map(({ name, summary }) => ({ name, summary })),
      () => overview(commandTable)
    )
    return
  }
  if (words.length === 1 && words[0] === 'settings') {
    context.output.result(settingOptions, () => settingsHelp(settingOptions))
    return
  }
  const found = findCommand(words)
  const group = commandTable.filter(({ name }) => name.startsWith(`${words[0] ?? ''} `))
  if (found !== undefined) {
    const { name, summary, options, examples } = found.definition
    context.output.result({ name, summary, options, examples }, () => commandHelp(found.definition))
  } else if (group.length > 0) {
    context.output.result(
      group.map(({ name, summary }) => ({ name, summary })),
      () => group.map(({ name, summary }) => `${name.padEnd(20)}  ${summary}`)
    )
  } else {
    const nearest = nearestName(
      words.join(' '),
      commandTable.map(({ name }) => name)
    )
    throw new CliError('ERR_COMMAND_UNKNOWN', `there is no command "${words.join(' ')}"`, {
      advice: nearest === undefined ? 'see "blocktree help"' : `did you mean "${nearest}"?`
    })
  }
}
