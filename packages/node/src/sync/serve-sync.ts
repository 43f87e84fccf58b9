/** Joins replication to the cluster: every peer that said hello is replicated with, and its `sync.*` are answered. */
import type { MethodPolicy, PeerDirectory, RequestRouter } from '@blocktree/cluster'
import { methodNames } from '@blocktree/sync'
import type { NodeSync } from './node-sync.ts'

const bodyBytesMax = 1024 * 1024
/** Rights are judged by replication itself, for each request and tree. */
const policy: MethodPolicy = { audience: 'stranger', bodyBytesMax }

/** @returns a function that ends it; the directory and the router stay the caller's */
export function serveSync(sync: NodeSync, directory: PeerDirectory, router: RequestRouter): () => void {
  const ends = [
    ...methodNames.requests.map((method) =>
      router.onRequest(method, policy, (peer, body, context) =>
        sync.handlersFor(peer).request(method, body, context)
      )
    ),
    ...methodNames.streams.map((method) =>
      router.onStream(method, policy, (peer, head, context) =>
        sync.handlersFor(peer).stream(method, head, context)
      )
    ),
    ...methodNames.events.map((event) =>
      router.onEvent(event, policy, (peer, body) =>
        sync.handlersFor(peer).event(event, body, peer.connection)
      )
    ),
    directory.onPeer((peer, state) => {
      if (state === 'connected') sync.addPeer(peer)
    })
  ]
  for (const peer of directory.peers()) sync.addPeer(peer)
  return () => {
    for (const end of ends) end()
  }
}
