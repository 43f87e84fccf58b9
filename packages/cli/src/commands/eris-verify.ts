/** `eris verify`: reads every block; of a directory, of every file, and names each that is not whole. */
import { ErisError, verifyContent } from '@blocktree/eris'
import type { CommandContext } from '../command.ts'
import { erisParts } from '../eris-parts.ts'
import { capabilityArgument, openErisSession } from '../eris-session.ts'
import { exitCode } from '../exit-code.ts'
import { formatBytes } from '../format.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output } = context
  const capability = capabilityArgument(context)
  await using session = await openErisSession(context)
  const bar = output.progress('verify')
  const problems: { path: string | undefined; code: string; message: string }[] = []
  let contentBytes = 0
  let blockCount = 0
  try {
    for await (const part of erisParts(session.reading, capability)) {
      bar.update({ done: contentBytes, unit: 'bytes', text: part.path })
      try {
        const verified = await verifyContent(session.reading, part.capability)
        contentBytes += verified.contentBytes
        blockCount += verified.blockCount
      } catch (error) {
        if (!(error instanceof ErisError)) throw error
        problems.push({ path: part.path, code: error.code, message: error.message })
        if (part.path === undefined) break
      }
    }
  } finally {
    bar.finish()
  }
  output.result({ isWhole: problems.length === 0, contentBytes, blockCount, problems }, () => [
    ...problems.map(
      ({ path, code, message }) => `${path === undefined ? '' : `${path}: `}${message} (${code})`
    ),
    problems.length === 0
      ? `whole: ${formatBytes(contentBytes)} in ${blockCount} blocks`
      : `${problems.length} not whole`
  ])
  return problems.length === 0 ? exitCode.ok : exitCode.damaged
}
