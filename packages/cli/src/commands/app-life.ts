/** `app start`, `app stop` and `app restart`. */
import { summaryLine } from '../app-description.ts'
import type { CommandContext } from '../command.ts'

export async function start(context: CommandContext): Promise<void> {
  await act(context, 'app.start')
}

export async function stop(context: CommandContext): Promise<void> {
  await act(context, 'app.stop')
}

export async function restart(context: CommandContext): Promise<void> {
  await act(context, 'app.restart')
}

async function act(context: CommandContext, method: 'app.start' | 'app.stop' | 'app.restart'): Promise<void> {
  const node = await context.node()
  const app = await node.call(method, { name: context.arguments[0] ?? '' })
  context.output.result(app, () => [summaryLine(context.output, app)])
}
