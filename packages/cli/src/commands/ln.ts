/** `ln`: a symbolic link. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [target = '', path = ''] = context.arguments
  const answer = await node.call('file.symlink', { path: treePath(path), target })
  context.output.result({ path: treePath(path), target, ...answer }, () => [])
}
