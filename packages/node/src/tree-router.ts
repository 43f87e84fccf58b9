/**
 * Which tree a path is in: the first component names one, or it is the node's own. The one place where this is decided;
 * handlers get files, sharing and the actor of the right tree.
 */
import type { Actor } from '@blocktree/files'
import { type HeldTree, type HostedTrees, isTreeName, treeNameLength } from './hosted-trees.ts'
import { NodeError } from './node-error.ts'
import type { Session } from './session.ts'

/** What is done in a tree, in the name of the connection's principal. */
export type TreeWork<Result> = (held: HeldTree, actor: Actor) => Result | Promise<Result>

export interface TreeRouter {
  readonly own: HeldTree
  readonly hosted: HostedTrees
  /**
   * Runs `work` in the tree that the path names; at once when that is open already.
   * @param path undefined for the own tree
   * @throws ERR_TREE_NOT_HOSTED
   */
  within<Result>(session: Session, path: string | undefined, work: TreeWork<Result>): Result | Promise<Result>
  /** The same for several paths, which must be in one tree. @throws ERR_TREE_SEVERAL */
  withinOne<Result>(
    session: Session,
    paths: readonly string[],
    work: TreeWork<Result>
  ): Result | Promise<Result>
  /** By the text of its id; opens it. @throws ERR_TREE_NOT_HOSTED */
  held(name: string): Promise<HeldTree>
  /**
   * Runs `work` in every tree that is kept here, the own one first, one after another.
   * @param onFailed a hosted tree that cannot be opened, or whose work failed: the others go on; its error is thrown
   *   when absent. An error of the own tree is always thrown.
   */
  each(
    work: (held: HeldTree) => Promise<void>,
    onFailed?: (name: string, error: unknown) => void
  ): Promise<void>
}

/** The path as a person of this node writes it. */
export function pathIn(held: Pick<HeldTree, 'isOwn' | 'name'>, path: string): string {
  if (held.isOwn || path === '') return path
  return path === '/' ? `/${held.name}` : `/${held.name}${path}`
}

/** The name of the tree that a path begins with; undefined when it begins with none. */
export function treeNameOf(path: string): string | undefined {
  const isLong = path.length > treeNameLength + 1
  if (path.length < treeNameLength + 1 || path[0] !== '/' || (isLong && path[treeNameLength + 1] !== '/'))
    return undefined
  const name = path.slice(1, treeNameLength + 1)
  return isTreeName(name) ? name : undefined
}

export function createTreeRouter(own: HeldTree, hosted: HostedTrees): TreeRouter {
  const nameOf = (path: string | undefined): string =>
    (path === undefined ? undefined : treeNameOf(path)) ?? own.name

  function within<Result>(
    session: Session,
    path: string | undefined,
    work: TreeWork<Result>
  ): Result | Promise<Result> {
    const name = nameOf(path)
    if (name === own.name) return work(own, session.actor)
    return hosted.use(name, async () => {
      const held = await hosted.open(name)
      return work(held, held.actorOf(session.actor))
    })
  }

  return {
    own,
    hosted,
    within,
    withinOne(session, paths, work) {
      const [first] = paths
      const name = nameOf(first)
      const other = paths.find((path) => nameOf(path) !== name)
      if (other === undefined) return within(session, first, work)
      throw new NodeError(
        'ERR_TREE_SEVERAL',
        `"${first ?? ''}" and "${other}" are in different trees; this is done within one: read from the one and write to the other`
      )
    },
    held: async (name) => (name === own.name ? own : hosted.open(name)),
    async each(work, onFailed) {
      await work(own)
      for (const name of hosted.names) {
        if (!hosted.isHosted(name)) continue // forgotten meanwhile
        try {
          await hosted.use(name, async () => await work(await hosted.open(name)))
        } catch (error) {
          if (onFailed === undefined) throw error
          onFailed(name, error)
        }
      }
    }
  }
}
