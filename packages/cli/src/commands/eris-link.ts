/** `eris link`: a file that names content, for desktops. */
import { contentLength, encodeLinkFile } from '@blocktree/eris'
import type { CommandContext } from '../command.ts'
import { capabilityArgument, isTree, openErisSession } from '../eris-session.ts'
import { writeLocalFile } from '../local-file.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const capability = capabilityArgument(context)
  const out = context.arguments[1] ?? 'content.eris'
  await using session = await openErisSession(context)
  const contentBytes = await contentLength(session.reading, capability)
  const usual = (await isTree(session.reading, capability))
    ? 'application/x-eris-fs'
    : 'application/octet-stream'
  const mediaType = options.text('type') ?? usual
  const name = options.text('name')
  const attributes = name === undefined ? {} : { name }
  writeLocalFile(context, out, encodeLinkFile({ capability, contentBytes, mediaType, attributes }))
  output.result({ out, contentBytes, mediaType }, () => [`${out}  ${mediaType}`])
}
