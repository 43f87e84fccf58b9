/** `app logs`: the newest lines of an app, and new ones as they come. */
import { once } from 'node:events'
import type { AppLogEntry } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const name = context.arguments[0] ?? ''
  const node = await context.node()
  const limit = options.integer('limit', 1)
  const { entries } = await node.call('app.logs', { name, ...(limit === undefined ? {} : { limit }) })
  for (const entry of entries) show(context, entry)
  if (!options.has('follow')) return
  const ended = Promise.withResolvers<void>()
  const subscription = await node.subscribe(
    'app.follow',
    { name },
    {
      onEvent: (entry) => show(context, entry),
      onLost: (count) => output.note(`${count} lines were missed`),
      onEnd: () => ended.resolve()
    }
  )
  if (!signal.aborted) await Promise.race([ended.promise, once(signal, 'abort')])
  subscription.unsubscribe()
}

function show({ output }: CommandContext, entry: AppLogEntry): void {
  output.item(entry, () => {
    const { timeMs, level, source, message } = entry
    const paint = { error: output.red, warning: output.yellow, info: output.bold, debug: output.dim }[level]
    const who = source === 'host' ? output.dim('node ') : ''
    return [`${new Date(timeMs).toISOString()} ${paint(level.padEnd(7))} ${who}${printable(message)}`]
  })
}
