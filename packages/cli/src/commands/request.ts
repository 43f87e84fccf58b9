/** `request`: the line that asks for access. */
import type { CommandContext } from '../command.ts'
import { parseRights } from '../rights.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const node = await context.node()
  const note = options.text('note')
  const rights = parseRights(options.text('rights') ?? 'read')
  const path = context.arguments[0] ?? ''
  const { line } = await node.call('access.request', {
    path,
    rights,
    ...(note === undefined ? {} : { note })
  })
  output.result({ line }, () => [line])
  output.note('Send this line to the owner by any means; it holds no secret.')
}
