/** `grant`: a read grant, a write cap, or both. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatTime } from '../format.ts'
import { parseExpiry, parseRights } from '../rights.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const path = treePath(context.arguments[0] ?? '')
  const to = context.arguments[1]
  const isLink = options.has('link')
  if ((to === undefined) !== isLink) {
    throw new CliError('ERR_ARGUMENT_MISSING', 'say who: a PRINCIPAL, or --link for whoever holds a link', {
      advice: 'usage: blocktree grant PATH PRINCIPAL, or blocktree grant PATH --link'
    })
  }
  const rights = parseRights(options.text('rights') ?? 'read')
  const writeRights = rights.filter((right) => right !== 'read')
  if (isLink && writeRights.length > 0) throw new CliError('ERR_OPTION_VALUE', 'links are for reading only')
  const expiry = options.text('expires')
  const notAfterMs = expiry === undefined ? undefined : parseExpiry(expiry, Date.now())
  const limit = notAfterMs === undefined ? {} : { notAfterMs }
  const node = await context.node()
  const until = notAfterMs === undefined ? '' : ` until ${formatTime(notAfterMs)}`
  if (rights.includes('read')) {
    const grant = await node.call('grant.issue', {
      path,
      ...(to === undefined ? { link: true } : { to }),
      ...limit
    })
    output.item(grant, () =>
      grant.link === undefined ? [`${grant.recipient} may read ${path}${until}`] : [grant.link]
    )
    if (grant.link !== undefined) output.note('Whoever has this link can read; it is shown once.')
  }
  if (to !== undefined && writeRights.length > 0) {
    const cap = await node.call('cap.issue', { path, to, rights: writeRights, ...limit })
    output.item(cap, () => [`${cap.subject} may ${cap.rights.join(', ')} in ${path}${until}`])
  }
}
