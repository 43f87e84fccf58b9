/** `sync scrub`: challenges those who promised, reads what is held here, repairs what is damaged. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const node = await context.node()
  const report = await node.call('sync.scrub', {}, { signal })
  output.result(report, () => [
    `${report.challenged} promises challenged, ${report.failed} not kept`,
    `${report.contents} contents read, ${report.damaged} parts damaged, ${report.repaired} contents repaired`
  ])
}
