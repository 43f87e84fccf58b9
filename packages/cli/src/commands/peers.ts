/** `peers`: connections of the moment. */
import type { CommandContext } from '../command.ts'
import { formatBytes, formatDuration, formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const answer = await (await context.node()).call('peer.list', {})
  const { isOpen, peerId, addresses, peers, shutOut } = answer
  const head = ['name', 'standing', 'reached', 'address', 'for', 'in', 'out', 'round trip'].map((cell) =>
    output.dim(cell)
  )
  const rows = peers.map((peer) => [
    peer.name,
    peer.standing,
    wayOf(peer),
    `${peer.direction === 'inbound' ? 'from' : 'to'} ${peer.address}`,
    formatDuration(Date.now() - peer.connectedMs),
    formatBytes(peer.bytesIn),
    formatBytes(peer.bytesOut),
    peer.roundTripMs === undefined ? '-' : `${peer.roundTripMs.toFixed(1)} ms`
  ])
  output.result(answer, () => [
    ...(isOpen
      ? [`reached at ${addresses.join(', ')}`, `peer id ${peerId ?? ''}`]
      : ['not open: nobody was invited, and no other node is in the tree']),
    ...(rows.length === 0 ? [] : formatTable([head, ...rows])),
    ...shutOut.map(
      ({ transportKey, principal, code, untilMs }) =>
        `shut out for ${formatDuration(untilMs - Date.now())}: ${printable(principal ?? transportKey)} (${code})`
    )
  ])
}

/** `direct, tcp`, `through server`, and how its address was found where that is not the address book. */
function wayOf({ isRelayed, relay, transport, foundBy }: PeerWay): string {
  const way = isRelayed ? `through ${relay ?? 'a relay'}` : `direct, ${transport}`
  return foundBy === undefined || foundBy === 'book' || isRelayed ? way : `${way}, by ${foundBy}`
}

interface PeerWay {
  readonly isRelayed: boolean
  readonly relay?: string | undefined
  readonly transport: string
  readonly foundBy?: string | undefined
}
