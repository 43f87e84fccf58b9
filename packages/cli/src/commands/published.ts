/** `published`: what this node has published. */
import type { CommandContext } from '../command.ts'
import { formatBytes, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const { published, listening } = await node.call('content.published', {})
  context.output.result({ published, listening }, () => [
    ...published.map(
      ({ urn, path, kind, contentBytes }) =>
        `${formatBytes(contentBytes).padStart(10)}  ${printable(path)}${kind === 'tree' ? '/' : ''}  ${urn}`
    ),
    ...(listening.length === 0 ? [] : [`blocks are answered on ${listening.join(', ')}`])
  ])
}
