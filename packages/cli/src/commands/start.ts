/** `start`: becomes the node. stdout belongs to the RPC from here on. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { runInput } from '../run-input.ts'

export async function run(context: CommandContext): Promise<number> {
  const { runNode } = await import('@blocktree/node')
  const isClean = await runNode(runInput(context))
  return isClean ? exitCode.ok : exitCode.failure
}
