/** `watch`: changes as they happen, until Ctrl-C; a node that was started anew is watched on from the last event. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileEvent } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import type { NodeClient } from '../node-client.ts'
import { treePath } from '../tree-path.ts'

const retryMs = 500

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const watch: Watch = { path: treePath(context.arguments[0] ?? '/'), token: options.text('resume') }
  let node: NodeClient | undefined = await context.node()
  while (node !== undefined) {
    await watchUntilEnd(context, node, watch)
    if (signal.aborted) return
    output.note('the node has ended; waiting for it to come back')
    do node = await whenBack(context)
    while (node === undefined && !signal.aborted)
  }
}

interface Watch {
  readonly path: string
  /** To go on after; undefined before the first. */
  token: string | undefined
}

async function watchUntilEnd(
  { output, signal }: CommandContext,
  node: NodeClient,
  watch: Watch
): Promise<void> {
  const { path, token } = watch
  const ended = Promise.withResolvers<void>()
  const subscription = await node.subscribe(
    'file.watch',
    { path, recursive: true, ...(token === undefined ? {} : { resume: token }) },
    {
      onEvent(event) {
        watch.token = event.token
        show(output, event)
      },
      onLost: (count) => output.note(`${count} changes were missed; list the directory again`),
      onEnd: () => ended.resolve()
    }
  )
  output.note(`watching ${path}; Ctrl-C ends`)
  if (token === undefined && output.isJson)
    output.item({ type: 'watching', path, token: subscription.result.token }, () => [])
  watch.token ??= subscription.result.token
  if (!signal.aborted) await Promise.race([ended.promise, once(signal, 'abort')])
  subscription.unsubscribe()
}

function show(output: CommandContext['output'], event: FileEvent): void {
  output.item(event, () =>
    event.type === 'overrun'
      ? ['overrun  changes may have been missed; list the directory again']
      : [`${event.type.padEnd(8)} ${printable(event.path ?? event.id ?? '')}`]
  )
}

/** undefined when it is not back yet. */
async function whenBack(context: CommandContext): Promise<NodeClient | undefined> {
  await sleep(retryMs, undefined, { signal: context.signal }).catch(() => undefined)
  if (context.signal.aborted) return undefined
  try {
    return await context.reconnect()
  } catch (error) {
    if (error instanceof CliError && error.code === 'ERR_NODE_ABSENT') return undefined
    throw error
  }
}
