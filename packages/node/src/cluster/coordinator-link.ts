/** The way of the coordinator's messages over the connections of the cluster (doc/spec/29-coordinator.md, sections 2 and 6). */
import type { PeerDirectory, RequestRouter } from '@blocktree/cluster'
import type { CoordinatorLink, LinkListener } from '@blocktree/coordinator'
import type { Id } from '@blocktree/tree'

const eventName = 'coordinator'
const requestName = 'coordinator.ask'
const messageBytesMax = 768 * 1024
const questionBytesMax = 2048

/** Members are named by the hexadecimal digits of their principal's id. Call `listen` before peers connect. */
export function createCoordinatorLink(deps: {
  readonly directory: Pick<PeerDirectory, 'find' | 'onPeer'>
  readonly router: Pick<RequestRouter, 'onRequest' | 'onEvent'>
  /** Members of other trees kept here are no members of this cluster; all are heard when left out. */
  readonly accepts?: (principal: Id) => boolean
}): CoordinatorLink & { close(): void } {
  const { directory, router, accepts = () => true } = deps
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
        router.onEvent(eventName, { audience, bodyBytesMax: messageBytesMax }, ({ principal }, body) => {
          if (accepts(principal)) listener.message(principal.toHex(), body)
        }),
        router.onRequest(
          requestName,
          { audience, bodyBytesMax: questionBytesMax },
          async ({ principal }, body) => {
            if (!accepts(principal)) throw new Error('locks are for members of the tree')
            return await listener.ask(principal.toHex(), body)
          }
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
