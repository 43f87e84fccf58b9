/** `app key`: the author's key file, and whom it makes the author. */
import { authorKeyFile, openAuthorKey } from '../author-key.ts'
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const file = authorKeyFile(context, context.workingDirectory)
  const opened = await openAuthorKey(context, file)
  const { id: author, isNew } = opened
  opened.close()
  context.output.result({ author, file, isNew }, () => [author, file])
}
