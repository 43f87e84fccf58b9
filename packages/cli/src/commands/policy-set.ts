/** `policy set`: which nodes keep what is in a directory. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { policyLine } from '../policy-line.ts'
import { treePath } from '../tree-path.ts'

const policies = ['all', 'copies', 'on-demand', 'inherit'] as const

export async function run(context: CommandContext): Promise<void> {
  const [path = '/', word = '', number] = context.arguments
  const policy = policies.find((known) => known === word)
  const copies = number === undefined ? undefined : Number(number)
  const isNumber = copies === undefined || (/^\d{1,3}$/.test(number ?? '') && copies >= 1 && copies <= 255)
  if (policy === undefined || !isNumber || (policy === 'copies') !== (copies !== undefined))
    throw new CliError(
      'ERR_ARGUMENT_VALUE',
      `"${[word, number].filter((part) => part !== undefined).join(' ')}" is no policy: write all, copies N (1 to 255), on-demand or inherit`
    )
  const node = await context.node()
  const set = await node.call('sync.setPolicy', {
    path: treePath(path),
    policy,
    ...(copies === undefined ? {} : { copies })
  })
  context.output.result(set, () => [policyLine(set)])
}
