/** `drill`: proves that a backup can be restored. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { formatBytes, formatCount, formatDuration } from '../format.ts'
import { localPath } from '../local-path.ts'
import { readSecret } from '../secret-input.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output, signal } = context
  const node = await context.node()
  const [argument] = context.arguments
  const params =
    argument === undefined
      ? {}
      : {
          file: localPath(context, argument),
          passphrase: await readSecret(context, { prompt: 'Passphrase of the backup' })
        }
  const bar = output.progress('drill')
  const report = await node.call('backup.drill', params, {
    signal,
    onProgress: (progress) => bar.update(progress)
  })
  bar.finish()
  output.result(report, () => [
    report.isIdentical
      ? output.green('The restored copy is identical.')
      : output.red('The restored copy differs.'),
    ...(report.isIdentical && !report.isCurrent ? ['The tree has changed since the backup.'] : []),
    `${formatCount(report.records, 'record')}, ${formatCount(report.sectors, 'sector')}, ${formatBytes(report.bytes)} in ${formatDuration(report.durationMs)}`
  ])
  return report.isIdentical ? exitCode.ok : exitCode.damaged
}
