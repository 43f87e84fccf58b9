/** `revoke`: what one principal may do at a path, or one grant or cap by its id. */
import type { ExposureReport } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatCount, formatTime, printable } from '../format.ts'
import type { NodeClient } from '../node-client.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [first = '', principal] = context.arguments
  const isId = principal === undefined
  const params = isId ? { all: false } : { path: treePath(first) }
  const [{ grants }, { caps }] = await Promise.all([
    node.call('grant.list', params),
    node.call('cap.list', params)
  ])
  const matches = (id: string, who: string, whoId: string): boolean =>
    isId ? id === first : who === principal || whoId === principal
  const chosenGrants = grants.filter((grant) => matches(grant.id, grant.recipient, grant.recipientId))
  const chosenCaps = caps.filter((cap) => matches(cap.id, cap.subject, cap.subjectId))
  if (chosenGrants.length + chosenCaps.length === 0) {
    const message = isId
      ? `no live grant or cap has the id "${first}"`
      : `"${principal}" holds nothing at ${treePath(first)}`
    throw new CliError('ERR_ARGUMENT_VALUE', message, { advice: 'see "blocktree grants"' })
  }
  for (const cap of chosenCaps)
    await revokeCap(
      context,
      node,
      cap.id,
      `${cap.subject} may no longer ${cap.rights.join(', ')} in ${printable(cap.path)}`
    )
  for (const grant of chosenGrants)
    await revokeGrant(
      context,
      node,
      grant.id,
      `${grant.recipient} can no longer read what is new in ${printable(grant.path)}`
    )
}

async function revokeCap(
  context: CommandContext,
  node: NodeClient,
  cap: string,
  text: string
): Promise<void> {
  const report = await node.call('cap.revoke', { cap })
  const set =
    report.quarantined > 0
      ? [
          `  ${formatCount(report.quarantined, 'version')} written too late set aside; see "blocktree conflicts"`
        ]
      : []
  context.output.item({ type: 'cap', cap, ...report }, () => [text, ...set])
}

async function revokeGrant(
  context: CommandContext,
  node: NodeClient,
  grant: string,
  text: string
): Promise<void> {
  const { output, options } = context
  const bar = output.progress('re-keying')
  const report = await node.call(
    'grant.revoke',
    { grant, eager: options.has('eager') },
    { onProgress: (progress) => bar.update(progress) }
  )
  bar.finish()
  output.item({ type: 'grant', grant, ...report }, () => [text, ...exposureLines(report)])
}

function exposureLines(report: ExposureReport): readonly string[] {
  return [
    `  ${formatCount(report.zonesRekeyed, 'zone')} got new keys`,
    ...report.exposed.map(({ path, principal, untilMs }) => {
      const until = untilMs === undefined ? 'now' : formatTime(untilMs)
      return `  ${principal} could read ${path} until ${until}; what was readable stays known`
    }),
    ...report.skipped.map(({ target, reason }) => `  not changed: ${target} (${reason})`),
    ...(report.undelivered.length > 0
      ? [
          `  ${formatCount(report.undelivered.length, 'reader')} got no new key from here: whoever granted it has to deliver it`
        ]
      : [])
  ]
}
