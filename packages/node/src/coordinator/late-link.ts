/**
 * The way between members while there may be none yet: the coordinator of a node that is alone is a cluster of one, and
 * goes on as it is, with its locks and its tokens, when other nodes join.
 */
import type { CoordinatorLink, LinkListener } from '@blocktree/coordinator'

export interface LateLink extends CoordinatorLink {
  /** From now on messages take this way. */
  connect(way: CoordinatorLink): void
}

/** @param wake called when a member asks something and nobody listens yet; resolves when somebody does */
export function createLateLink(wake: () => Promise<unknown>): LateLink {
  let way: CoordinatorLink | undefined
  let listener: LinkListener | undefined
  const awake = async (): Promise<LinkListener> => {
    if (listener === undefined) await wake()
    if (listener === undefined) throw new Error('no coordinator runs on this node')
    return listener
  }
  return {
    send(member, bytes) {
      way?.send(member, bytes)
    },
    async ask(member, bytes, options) {
      if (way === undefined) throw new Error(`there is no way to ${member}: no other node is connected`)
      return await way.ask(member, bytes, options)
    },
    listen(heard) {
      listener = heard
    },
    connect(found) {
      way = found
      found.listen({
        message: (from, bytes) => listener?.message(from, bytes),
        ask: async (from, bytes) => await (await awake()).ask(from, bytes),
        lost: (member) => listener?.lost(member)
      })
    }
  }
}
