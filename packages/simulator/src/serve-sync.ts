/** Replication over the connections of the cluster: its methods are asked of members alone. */
import type { Peer, PeerDirectory, RequestRouter } from '@blocktree/cluster'
import { type SyncPeer, type TreeSync, methodNames } from '@blocktree/sync'

const policy = { audience: 'member', bodyBytesMax: 1024 * 1024 } as const

export function serveSync(router: RequestRouter, directory: PeerDirectory, sync: TreeSync): void {
  const peerOf = ({ connection, principal }: Peer): SyncPeer => ({ connection, principal })
  for (const method of methodNames.requests) {
    router.onRequest(method, policy, (peer, body, context) =>
      sync.handlersFor(peerOf(peer)).request(method, body, context)
    )
  }
  for (const method of methodNames.streams) {
    router.onStream(method, policy, (peer, head, context) =>
      sync.handlersFor(peerOf(peer)).stream(method, head, context)
    )
  }
  for (const name of methodNames.events) {
    router.onEvent(name, policy, (peer, body) =>
      sync.handlersFor(peerOf(peer)).event(name, body, peer.connection)
    )
  }
  directory.onPeer((peer, state) => {
    if (state === 'connected') sync.addPeer(peerOf(peer))
    else sync.removePeer(peer.connection)
  })
}
