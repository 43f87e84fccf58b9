/** Records that come otherwise than from peers: with an access line, a bundle, an invitation. */
import type { Actor } from '@blocktree/files'
import type { NodeParts } from './create-node.ts'
import { namePaths } from './hosted-paths.ts'
import type { HeldTree } from './hosted-trees.ts'

/** Takes records of elsewhere in, then indexes names that this node can open and makes the keys that are due. */
export async function takeAndName<Taken>(
  { principals, log }: Pick<NodeParts, 'principals' | 'log'>,
  held: HeldTree,
  own: Actor,
  take: () => Promise<Taken>
): Promise<Taken> {
  const { files, sharing } = held
  const taken = await files.arriving(async () => {
    try {
      return await take()
    } finally {
      // also of what came before a failure
      if (held.tree.rootBlock !== undefined) {
        if (!held.isOwn) await namePaths(held)
        for (const actor of new Set([principals.node, own])) await files.indexNames(held.actorOf(actor))
      }
    }
  })
  if (held.tree.rootBlock === undefined) return taken
  try {
    await sharing.keepKeys(held.actorOf(own))
  } catch (error) {
    log.warn('keys that are due could not be made', { tree: held.name, error }) // the next start tries again
  }
  return taken
}
