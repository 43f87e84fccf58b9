/** `app list`: one line for each installed app. */
import { stateWord } from '../app-description.ts'
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { apps } = await node.call('app.list', {})
  if (output.isJson) for (const app of apps) output.item(app, () => [])
  else if (apps.length === 0) output.note('No apps are installed; "blocktree app install FILE" installs one.')
  else {
    const head = ['name', 'title', 'version', 'state', 'address'].map((cell) => output.dim(cell))
    const rows = apps.map(({ name, title, versionText, state, url, problem }) => [
      printable(name),
      printable(title),
      printable(versionText),
      stateWord(output, state),
      problem === undefined ? (url ?? '') : output.red(printable(problem))
    ])
    output.result(undefined, () => formatTable([head, ...rows]))
  }
}
