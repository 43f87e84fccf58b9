/** `message send`: to a node, or to a program or app there. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const [to = '', text = ''] = context.arguments
  const app = options.text('app')
  const seconds = options.integer('reply', 1)
  const answer = await (
    await context.node()
  ).call('message.send', {
    to,
    topic: options.text('topic') ?? '',
    content: new TextEncoder().encode(text),
    ...(app === undefined ? {} : { app }),
    ...(seconds === undefined ? {} : { replyWithinMs: seconds * 1000 })
  })
  const reply = answer.reply === undefined ? undefined : new TextDecoder().decode(answer.reply)
  output.result({ takenBy: answer.takenBy, reply }, () => [reply ?? 'it was taken'])
}
