/** `node remove`: everything that a node may do ends. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const principal = context.arguments[0] ?? ''
  const since = options.text('since')
  const sinceMs = since === undefined ? undefined : Date.parse(since)
  if (sinceMs !== undefined && !Number.isFinite(sinceMs))
    throw new CliError(
      'ERR_OPTION_VALUE',
      `--since takes a time such as 2027-01-31T12:00, not "${since ?? ''}"`
    )
  const answer = await node.call('node.remove', {
    principal,
    confirm: options.has('yes'),
    ...(sinceMs === undefined ? {} : { sinceMs })
  })
  const { caps, grants, quarantined, zonesRekeyed } = answer
  output.result(answer, () => [
    `${principal} is no node of this tree any more`,
    `${formatCount(caps, 'cap')} and ${formatCount(grants, 'grant')} taken back, ${formatCount(zonesRekeyed, 'zone')} got new keys`,
    ...(quarantined > 0
      ? [`${formatCount(quarantined, 'block')} with versions set aside; see "blocktree quarantine"`]
      : [])
  ])
}
