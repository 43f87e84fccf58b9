/** `peers`: connections of the moment. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatDuration, formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const answer = await (await context.node()).call('peer.list', {})
  const { isOpen, addresses, peers, shutOut } = answer
  const head = ['name', 'standing', 'address', 'for', 'in', 'out', 'round trip'].map((cell) =>
    output.dim(cell)
  )
  const rows = peers.map((peer) => [
    peer.name,
    peer.standing,
    `${peer.direction === 'inbound' ? 'from' : 'to'} ${peer.address}${peer.isRelayed ? ' (relayed)' : ''}`,
    formatDuration(Date.now() - peer.connectedMs),
    formatBytes(peer.bytesIn),
    formatBytes(peer.bytesOut),
    peer.roundTripMs === undefined ? '-' : `${peer.roundTripMs.toFixed(1)} ms`
  ])
  output.result(answer, () => [
    isOpen
      ? `reached at ${addresses.join(', ')}`
      : 'not open: nobody was invited, and no other node is in the tree',
    ...(rows.length === 0 ? [] : formatTable([head, ...rows])),
    ...shutOut.map(
      ({ transportKey, principal, code, untilMs }) =>
        `shut out for ${formatDuration(untilMs - Date.now())}: ${printable(principal ?? transportKey)} (${code})`
    )
  ])
}
