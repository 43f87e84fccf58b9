/** `app build`: runs the build command of app.json. */
import { readAppProject } from '../app-project.ts'
import { buildApp } from '../build-app.ts'
import type { CommandContext } from '../command.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const project = readAppProject(localPath(context, context.arguments[0] ?? '.'))
  const built = await buildApp(project, context.environment)
  if (built.output !== '') context.output.note(built.output.trimEnd())
  context.output.result({ module: project.source.module, ...built }, () => [
    built.command === undefined ? 'app.json names no build command' : `built ${project.source.module}`
  ])
}
