/** A transfer's report in a few lines. */
import type { TransferReport } from '@blocktree/node/method-table'
import { formatBytes, formatCount, printable } from './format.ts'
import type { Output } from './output.ts'

const problemsShownMax = 20

export function transferLines(
  output: Output,
  destination: string,
  report: TransferReport
): readonly string[] {
  const parts = [
    formatCount(report.files, 'file'),
    ...(report.directories > 0 ? [formatCount(report.directories, 'directory', 'directories')] : []),
    ...(report.symlinks > 0 ? [formatCount(report.symlinks, 'link')] : []),
    formatBytes(report.bytes)
  ]
  const unchanged =
    report.unchanged > 0 ? output.dim(`, ${report.unchanged.toLocaleString('en')} unchanged`) : ''
  const lines = [`${printable(destination)}  ${parts.join(', ')}${unchanged}`]
  for (const problem of report.problems.slice(0, problemsShownMax)) {
    lines.push(output.red(`  left out: ${printable(problem.path)}: ${problem.reason} (${problem.code})`))
  }
  const hidden = report.problemCount - problemsShownMax
  return hidden > 0 ? [...lines, `  and ${hidden} more`] : lines
}
