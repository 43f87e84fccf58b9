/** `app info`: everything about one installed app. */
import { stateWord } from '../app-description.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const app = await node.call('app.info', { name: context.arguments[0] ?? '' })
  output.result(app, () => {
    const rows = [
      ['title', printable(app.title)],
      ['version', `${printable(app.versionText)} (${app.version})`],
      ['state', stateWord(output, app.state)],
      ...(app.problem === undefined ? [] : [['problem', output.red(printable(app.problem))]]),
      ...(app.url === undefined ? [] : [['address', app.url]]),
      ['signed by', app.author],
      ['app id', app.appId],
      ['module', `sha256 ${app.moduleHash}`],
      ['acts as', app.installation],
      ...(app.engine === undefined ? [] : [['engine', app.engine]]),
      ...(app.level === undefined ? [] : [['sandbox', app.level]]),
      ['processes', app.processes.length === 0 ? 'none now' : app.processes.join(', ')],
      ['events', `${app.invocations}, crashes ${app.crashes}, open handles ${app.openHandles}`],
      ['private store', formatBytes(app.stateBytes)]
    ]
    return formatTable(rows.map(([name = '', value = '']) => [output.dim(name), value]))
  })
}
