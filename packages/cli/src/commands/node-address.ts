/** `node address add|remove|list`: where nodes are dialled. */
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const [principal = '', address = ''] = context.arguments
  await (await context.node()).call('node.addAddress', { principal, address })
  context.output.result({ principal, address }, () => [`${principal} is tried at ${address} too`])
}

export async function runRemove(context: CommandContext): Promise<void> {
  const [principal = '', address = ''] = context.arguments
  await (await context.node()).call('node.removeAddress', { principal, address })
  context.output.result({ principal, address }, () => [`${address} is forgotten`])
}

export async function runList(context: CommandContext): Promise<void> {
  const { output } = context
  const [only] = context.arguments
  const { members } = await (await context.node()).call('node.members', {})
  const shown = members.filter(
    ({ name, principal }) => only === undefined || only === name || only === principal
  )
  output.result(shown, () =>
    shown.flatMap(({ name, addresses, manualAddresses, lastAddress }) => [
      name,
      ...manualAddresses.map(
        (address) => `  ${address}  added${address === lastAddress ? ', answered last' : ''}`
      ),
      ...addresses.map((address) => `  ${address}${address === lastAddress ? '  answered last' : ''}`)
    ])
  )
}
