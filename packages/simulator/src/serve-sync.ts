/** Replication over the connections of the cluster: its methods are asked of members alone. */
import type { Peer, PeerDirectory, RequestRouter } from '@blocktree/cluster'
import type { SyncPeer, TreeSync } from '@blocktree/sync'

const requests = ['sync.open', 'sync.nodes', 'sync.receipt', 'sync.challenge']
const streams = ['sync.records', 'sync.headers', 'sync.sectors', 'sync.watch']
const events = ['sync.push', 'sync.have', 'sync.behind', 'sync.doubt']
const policy = { audience: 'member', bodyBytesMax: 1024 * 1024 } as const

export function serveSync(router: RequestRouter, directory: PeerDirectory, sync: TreeSync): void {
  const peerOf = ({ connection, principal }: Peer): SyncPeer => ({ connection, principal })
  for (const method of requests) {
    router.onRequest(method, policy, (peer, body, context) =>
      sync.handlersFor(peerOf(peer)).request(method, body, context)
    )
  }
  for (const method of streams) {
    router.onStream(method, policy, (peer, head, context) =>
      sync.handlersFor(peerOf(peer)).stream(method, head, context)
    )
  }
  for (const name of events) {
    router.onEvent(name, policy, (peer, body) =>
      sync.handlersFor(peerOf(peer)).event(name, body, peer.connection)
    )
  }
  directory.onPeer((peer, state) => {
    if (state === 'connected') sync.addPeer(peerOf(peer))
    else sync.removePeer(peer.connection)
  })
}
