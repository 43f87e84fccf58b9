/** Replication over the connections of the cluster: its methods are asked of members alone. */
import type { Peer, PeerDirectory, RequestRouter } from '@blocktree/cluster'
import { type SyncPeer, type TreeSync, decodeSeenAnswer, methodNames } from '@blocktree/sync'

const policy = { audience: 'member', bodyBytesMax: 1024 * 1024 } as const

/** @param told called when a peer says that this node lacks what it gave it before (spec 28.11) */
export function serveSync(
  router: RequestRouter,
  directory: PeerDirectory,
  sync: TreeSync,
  told: (lacking: readonly Uint8Array[]) => void
): void {
  const peerOf = ({ connection, principal }: Peer): SyncPeer => ({ connection, principal })
  for (const method of methodNames.requests) {
    router.onRequest(method, policy, async (peer, body, context) => {
      const answer = await sync.handlersFor(peerOf(peer)).request(method, body, context)
      if (method === 'sync.seen') told(decodeSeenAnswer(answer))
      return answer
    })
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
