/** `principal create`. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const principal = await node.call('principal.create', { name: context.arguments[0] ?? '' })
  context.output.result({ ...principal, record: principal.record.toBase64() }, () => [
    `${principal.name}  ${principal.id}`
  ])
}
