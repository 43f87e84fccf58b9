/** `doctor`: findings with their reasons and fixes. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output } = context
  const node = await context.node()
  const report = await node.call('node.doctor', {})
  output.result(report, () => {
    const { apps } = report
    const about = apps === undefined ? [] : [`Apps run on ${apps.engine} at the level "${apps.level}".`]
    if (report.findings.length === 0)
      return [output.green(`All ${formatCount(report.checks, 'check')} passed.`), ...about]
    const paint = { error: output.red, warning: output.yellow, note: output.dim }
    const found = report.findings.flatMap(({ severity, code, reason, fix }) => [
      `${paint[severity](severity)}  ${code}`,
      `  ${reason}`,
      `  ${output.bold('fix:')} ${fix}`
    ])
    return [...found, ...about]
  })
  return report.findings.some(({ severity }) => severity === 'error') ? exitCode.damaged : exitCode.ok
}
