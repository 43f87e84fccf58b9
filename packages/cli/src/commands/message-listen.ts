/** `message listen`: messages to this node on a topic, as they come. */
import { once } from 'node:events'
import type { IncomingMessage } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import type { NodeClient } from '../node-client.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const [topic = ''] = context.arguments
  const path = options.text('path')
  const left = { count: options.integer('count', 1) ?? Infinity }
  const node = await context.node()
  const ended = Promise.withResolvers<void>()
  const take = async (event: IncomingMessage): Promise<void> => {
    if (left.count <= 0) return // what came behind the last wanted one stays with who sent it: not finished
    left.count -= 1
    show(context, event)
    await finish(node, event, options.text('reply'))
    if (left.count === 0) ended.resolve()
  }
  const subscription = await node.subscribe(
    'message.listen',
    { topic, ...(path === undefined ? {} : { path: treePath(path) }) },
    {
      onEvent: (event) => void take(event).catch((error: unknown) => ended.reject(error)),
      onEnd: () => ended.resolve()
    }
  )
  output.note(`listening to "${topic}"; Ctrl-C ends`)
  if (!signal.aborted) await Promise.race([ended.promise, once(signal, 'abort')])
  subscription.unsubscribe()
}

function show({ output }: CommandContext, { content, ...event }: IncomingMessage): void {
  const text = textOf(content)
  const shown = text === undefined ? { base64: content.toBase64() } : { text }
  output.item({ ...event, ...shown }, () => [
    `${printable(event.name)}  ${text === undefined ? `${content.length} bytes` : printable(text)}`
  ])
}

/** undefined for bytes that are no text. */
function textOf(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return undefined
  }
}

async function finish(
  node: NodeClient,
  { message, replyWithinMs }: IncomingMessage,
  reply: string | undefined
): Promise<void> {
  if (reply === undefined || replyWithinMs === undefined) await node.call('message.done', { message })
  else await node.call('message.reply', { message, content: new TextEncoder().encode(reply) })
}
