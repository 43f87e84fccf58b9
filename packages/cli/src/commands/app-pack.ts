/** `app pack`: one signed file from a project. */
import { basename, join } from 'node:path'
import { packProject, readAppProject } from '../app-project.ts'
import { authorKeyFile, openAuthorKey } from '../author-key.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes } from '../format.ts'
import { writeLocalFile } from '../local-file.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const project = readAppProject(localPath(context, context.arguments[0] ?? '.'))
  const { name, version } = project.source.draft
  const { verifyPackage } = await import('@blocktree/node/verify-package')
  const author = await openAuthorKey(context, authorKeyFile(context, project.directory))
  try {
    const bytes = packProject(project, author)
    await verifyPackage(author.crypto, bytes) // what no node would take is said here
    const file = context.options.text('out') ?? join(project.directory, `${name}-${version}.blocktree`)
    writeLocalFile(context, file, bytes)
    const result = { file, name, version, bytes: bytes.length, author: author.id }
    context.output.result(result, () => [
      `${basename(file)}  version ${version}, ${formatBytes(bytes.length)}`
    ])
  } finally {
    author.close()
  }
}
