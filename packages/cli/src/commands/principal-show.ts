/** `principal show`: a principal, or its record as a line. */
import type { CommandContext } from '../command.ts'
import { formatTable } from '../format.ts'

export const recordPrefix = 'blocktree-principal:'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const name = context.arguments[0] ?? (await node.call('session.show', {})).name
  const principal = await node.call('principal.show', { principal: name })
  const line = `${recordPrefix}${principal.record.toBase64({ alphabet: 'base64url', omitPadding: true })}`
  output.result({ ...principal, record: principal.record.toBase64(), line }, () => {
    if (options.has('record')) return [line]
    const kind = principal.isRoot
      ? 'root'
      : principal.isNode
        ? 'this node'
        : principal.isLocal
          ? 'local'
          : 'known'
    return formatTable(
      [
        ['name', principal.name],
        ['kind', kind],
        ['id', principal.id]
      ].map(([label = '', value = '']) => [output.dim(label), value])
    )
  })
}
