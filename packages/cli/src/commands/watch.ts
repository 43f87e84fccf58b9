/** `watch`: changes as they happen. */
import { once } from 'node:events'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '/')
  const resume = context.options.text('resume')
  const ended = Promise.withResolvers<void>()
  const subscription = await node.subscribe(
    'file.watch',
    { path, recursive: true, ...(resume === undefined ? {} : { resume }) },
    {
      onEvent(event) {
        output.item(event, () => [`${event.type.padEnd(8)} ${printable(event.path ?? event.id ?? '')}`])
      },
      onLost: (count) => output.note(`${count} changes were missed; list the directory again`),
      onEnd: () => ended.resolve()
    }
  )
  output.note(`watching ${path}; Ctrl-C ends`)
  if (!signal.aborted) await Promise.race([ended.promise, once(signal, 'abort')])
  subscription.unsubscribe()
}
