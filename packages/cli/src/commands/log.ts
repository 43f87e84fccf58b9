/** `log`: the newest entries the node remembers. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const level = options.text('level')
  const { entries } = await node.call('node.log', {
    limit: options.integer('limit', 1) ?? 50,
    ...(level === undefined ? {} : { level })
  })
  for (const entry of entries) {
    output.item(entry, () => {
      const fields =
        typeof entry.fields === 'object' && entry.fields !== null ? Object.entries(entry.fields) : []
      const shown = fields.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('')
      return [
        `${new Date(entry.timeMs).toISOString()} ${entry.level.padEnd(5)} ${entry.message}${output.dim(shown)}`
      ]
    })
  }
}
