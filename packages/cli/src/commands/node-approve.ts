/** `node approve`: who waits, and letting one in or not. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatTable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const [candidate] = context.arguments
  if (candidate === undefined) {
    if (options.has('refuse')) throw new CliError('ERR_ARGUMENT_MISSING', 'say which node is refused')
    const { candidates } = await node.call('node.candidates', {})
    const rows = candidates.map(({ fingerprint, name, path, rights }) => [
      fingerprint,
      name,
      path,
      rights.join(',')
    ])
    output.result(candidates, () =>
      rows.length === 0
        ? ['no node waits']
        : formatTable([
            ['fingerprint', 'calls itself', 'gets', 'rights'].map((cell) => output.dim(cell)),
            ...rows
          ])
    )
    return
  }
  const isRefused = options.has('refuse')
  const answer = await node.call(isRefused ? 'node.refuse' : 'node.approve', { candidate })
  output.result(answer, () => [
    isRefused ? `${answer.name} was sent away` : `${answer.name} is a node of this tree now`
  ])
}
