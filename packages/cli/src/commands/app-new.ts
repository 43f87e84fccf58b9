/** `app new`: a project that builds, packs and runs as it is. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createProject } from '@blocktree/app-package'
import { readAppSdk } from '../app-templates.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { writeLocalFile } from '../local-file.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const directory = localPath(context, context.arguments[0] ?? '')
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new CliError('ERR_LOCAL_EXISTS', `"${directory}" is not empty`)
  const template = context.options.text('template') ?? 'assemblyscript'
  const title = context.options.text('title')
  const name = basename(directory)
  const files = createProject({
    template,
    name,
    ...(title === undefined ? {} : { title }),
    sdk: readAppSdk()
  })
  for (const [path, text] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeLocalFile(context, join(directory, path), text)
  }
  const needsInstall = files.has('package.json')
  context.output.result({ directory, name, template, files: [...files.keys()] }, () => [
    `Made the app project ${directory}`,
    `Next: cd ${context.arguments[0] ?? ''}${needsInstall ? ' && npm install' : ''} && blocktree app dev`
  ])
}
