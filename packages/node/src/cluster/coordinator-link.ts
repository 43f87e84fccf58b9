/** The way of the coordinator's messages over the connections of the cluster (doc/spec/29-coordinator.md, sections 2 and 6). */
import type { PeerDirectory, RequestRouter } from '@blocktree/cluster'
import type { CoordinatorLink, LinkListener } from '@blocktree/coordinator'

const eventName = 'coordinator'
const requestName = 'coordinator.ask'
const messageBytesMax = 768 * 1024
const questionBytesMax = 2048

/** Members are named by the hexadecimal digits of their principal's id. Call `listen` before peers connect. */
export function createCoordinatorLink(deps: {
  readonly directory: Pick<PeerDirectory, 'find' | 'onPeer'>
  readonly router: Pick<RequestRouter, 'onRequest' | 'onEvent'>
}): CoordinatorLink & { close(): void } {
  const { directory, router } = deps
  const endings: (() => void)[] = []
  return {
    send(member, bytes) {
      directory.find(Uint8Array.fromHex(member))?.connection.notify(eventName, bytes)
    },
    async ask(member, bytes, { timeoutMs, signal }) {
      const peer = directory.find(Uint8Array.fromHex(member))
      if (peer === undefined) throw new Error(`member ${member} is not connected`)
      return await peer.connection.request(requestName, bytes, { timeoutMs: Math.max(1, timeoutMs), signal })
    },
    listen(listener: LinkListener) {
      const audience = 'member'
      endings.push(
        router.onEvent(eventName, { audience, bodyBytesMax: messageBytesMax }, (peer, body) =>
          listener.message(peer.principal.toHex(), body)
        ),
        router.onRequest(requestName, { audience, bodyBytesMax: questionBytesMax }, (peer, body) =>
          listener.ask(peer.principal.toHex(), body)
        ),
        directory.onPeer((peer, state) => {
          if (state === 'ended') listener.lost(peer.principal.toHex())
        })
      )
    },
    close() {
      for (const end of endings.splice(0)) end()
    }
  }
}
