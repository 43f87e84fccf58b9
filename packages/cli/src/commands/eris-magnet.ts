/** `eris magnet`: a link that other programs know; with the length when the content is at hand. */
import { ErisError, contentLength, formatMagnet } from '@blocktree/eris'
import type { CommandContext } from '../command.ts'
import { capabilityArgument, openErisSession } from '../eris-session.ts'

export async function run(context: CommandContext): Promise<void> {
  const capability = capabilityArgument(context)
  await using session = await openErisSession(context)
  const contentBytes = await contentLength(session.reading, capability).catch((error: unknown) => {
    if (error instanceof ErisError && error.code === 'ERR_ERIS_BLOCK_MISSING') return undefined
    throw error
  })
  const magnet = formatMagnet({ capability, name: context.options.text('name'), contentBytes })
  context.output.result({ magnet }, () => [magnet])
}
