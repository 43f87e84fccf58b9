/** `why`: the chain of records that decides. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { shortId } from '../format.ts'
import { treePath } from '../tree-path.ts'

/** Ends with 4 when it is not allowed, so that scripts can ask. */
export async function run(context: CommandContext): Promise<number> {
  const { output } = context
  const node = await context.node()
  const [principal = '', path = '', right = 'read'] = context.arguments
  const answer = await node.call('access.why', { principal, path: treePath(path), right })
  output.result(answer, () => [
    answer.allowed
      ? output.green(`yes: ${answer.principal} may ${right} ${answer.path}`)
      : output.red(`no: ${answer.principal} may not ${right} ${answer.path}`),
    ...answer.steps.map(
      ({ ok, text, recordId }) =>
        `  ${ok ? '✓' : '✗'} ${text}${recordId === undefined ? '' : output.dim(`  ${shortId(recordId)}`)}`
    )
  ])
  return answer.allowed ? exitCode.ok : exitCode.denied
}
