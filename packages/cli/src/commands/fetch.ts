/** `fetch`: content of a URN into the tree. */
import type { CommandContext } from '../command.ts'
import { formatBytes, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const [urn = '', path = ''] = context.arguments
  const node = await context.node()
  const bar = output.progress('fetch')
  try {
    const fetched = await node.call(
      'content.fetch',
      { urn, path },
      { signal, onProgress: (report) => bar.update(report) }
    )
    bar.finish()
    const size = formatBytes(fetched.contentBytes)
    output.result({ path, ...fetched }, () => [
      fetched.kind === 'tree'
        ? `${printable(path)}/  ${fetched.files} entries, ${size}`
        : `${printable(path)}  ${size}`
    ])
  } finally {
    bar.finish()
  }
}
