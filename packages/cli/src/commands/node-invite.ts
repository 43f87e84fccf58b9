/** `node invite`: a code, as text and as a picture for a camera. */
import type { CommandContext } from '../command.ts'
import { formatTime } from '../format.ts'
import { parseExpiry, parseRights } from '../rights.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const path = options.text('path')
  const rights = options.text('rights')
  const name = options.text('name')
  const expires = options.text('expires')
  const nowMs = Date.now()
  const lifeMs = expires === undefined ? undefined : parseExpiry(expires, nowMs) - nowMs
  const node = await context.node()
  const answer = await node.call('node.invite', {
    ...(path === undefined ? {} : { path: treePath(path) }),
    ...(rights === undefined ? {} : { rights: parseRights(rights) }),
    ...(name === undefined ? {} : { name }),
    ...(lifeMs === undefined ? {} : { lifeMs }),
    ...(options.has('share') ? { share: true } : {}),
    approved: options.has('approved')
  })
  output.result(answer, () => [answer.code])
  if (output.isTerminal && !output.isJson && !options.has('no-qr')) output.note(await picture(answer.code))
  output.note(
    `On the other machine: blocktree ${options.has('share') ? 'accept' : 'node join'} ${answer.code.slice(0, 9)}…`
  )
  output.note(`It can be used once, until ${formatTime(answer.expiresMs)}.`)
  if (!options.has('approved'))
    output.note('You are asked before the node is let in: "blocktree node approve".')
  if (answer.addresses.every((address) => address.startsWith('/ip4/127.'))) {
    output.note('This node is reached from this machine alone; see the setting network.host.')
  }
}

/** One case and few kinds of characters, which a QR code packs tightly. */
async function picture(code: string): Promise<string> {
  const { renderUnicodeCompact } = await import('uqr')
  return `\n${renderUnicodeCompact(code)}\n`
}
