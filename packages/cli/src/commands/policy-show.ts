/** `policy show`: which nodes keep what is at a path. */
import type { CommandContext } from '../command.ts'
import { policyLine } from '../policy-line.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '/')
  const policy = await node.call('sync.policy', { path })
  context.output.result(policy, () => [policyLine(policy)])
}
