/** `bundle export`. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'
import { localPath } from '../local-path.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const node = await context.node()
  const [file = '', ...paths] = context.arguments
  const to = options.text('to')
  const bar = output.progress('bundle')
  const answer = await node.call(
    'bundle.export',
    {
      file: localPath(context, file),
      ...(paths.length === 0 ? {} : { paths: paths.map(treePath) }),
      ...(to === undefined ? {} : { to })
    },
    { signal, onProgress: (report) => bar.update(report) }
  )
  bar.finish()
  output.result({ file, ...answer }, () => [
    `${file}  ${formatCount(answer.records, 'record')}, ${formatCount(answer.sectors, 'sector')}, ${formatBytes(answer.bytes)}`
  ])
}
