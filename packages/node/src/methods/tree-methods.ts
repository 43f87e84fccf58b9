/** tree.*, link.*, access.quarantine and access.takeOver: handlers over hosted trees and over reading with a link. */
import { formatId, parseId } from '@blocktree/codec'
import { createLinkActor, type LinkActor, parseLink } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { grantTarget, type Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import { pathOfShared } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type { QuarantinedBlock, TreeMethods, TreeSummary } from '../method-table/tree-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { pathIn } from '../tree-router.ts'
import { childPath } from './answers.ts'

type TreeHandlers = Handlers<TreeMethods, Peer>
type LinkHandlers = Pick<TreeHandlers, 'link.show' | 'link.list' | 'link.read'>

export function createTreeHandlers(parts: NodeParts): TreeHandlers {
  const { trees, names } = parts
  return {
    ...linkHandlers(parts),
    async 'tree.list'() {
      const found: TreeSummary[] = [await summarize(trees.own)]
      for (const name of trees.hosted.names)
        found.push(await trees.hosted.use(name, async () => summarize(await trees.hosted.open(name))))
      return { trees: found }
    },
    async 'tree.forget'({ treeId, confirm }) {
      if (treeId === trees.own.name) {
        throw new NodeError(
          'ERR_TREE_NOT_HOSTED',
          'this is the tree of the node itself; only trees of other owners are forgotten'
        )
      }
      if (trees.hosted.isHosted(treeId) && confirm !== true) {
        throw new NodeError(
          'ERR_CONFIRMATION_ABSENT',
          `everything of the tree ${treeId} goes, with what was written here and not sent back; say "confirm": true`
        )
      }
      await parts.sync.forget(treeId)
      await trees.hosted.forget(treeId)
      return {}
    },
    'access.quarantine': ({ path, limit = 1000 }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const blocks: QuarantinedBlock[] = []
        const nameOf = names.current()
        for await (const { block, path: found, isShown, versions } of held.sharing.listQuarantine(actor)) {
          const shown = found === undefined ? undefined : pathIn(held, found)
          const isBelow =
            path === undefined ||
            path === '/' ||
            path === `/${held.name}` ||
            shown === path ||
            shown?.startsWith(`${path}/`) === true
          if (!isBelow) continue
          blocks.push({
            id: formatId(block),
            ...(shown === undefined ? {} : { path: shown }),
            isShown,
            versions: versions.map(({ id, signer }) => ({
              versionId: formatId(id),
              writer: nameOf(signer)
            }))
          })
          if (blocks.length >= limit) break
        }
        return { blocks }
      }),
    'access.takeOver': ({ block, version, treeId }, { peer }) =>
      trees.within(
        peer.session,
        treeId === undefined ? undefined : `/${treeId}`,
        async ({ sharing }, actor) => ({
          versionId: formatId(await sharing.takeOver(actor, parseId(block), parseId(version)))
        })
      )
  }
}

async function summarize({ name, isOwn, tree, store }: HeldTree): Promise<TreeSummary> {
  const { records, live } = tree.statistics()
  const { segmentBytes } = await store.statistics()
  return {
    treeId: name,
    isOwn,
    isReadable: tree.rootBlock !== undefined && live > 0,
    records,
    blocks: live,
    bytes: segmentBytes
  }
}

function linkHandlers(parts: NodeParts): LinkHandlers {
  const { trees, crypto } = parts

  /** Runs `work` with the keys of the link, in the tree that it names. */
  async function withLink<Result>(
    text: string,
    work: (held: HeldTree, actor: LinkActor, top: string | undefined) => Result | Promise<Result>
  ): Promise<Result> {
    const link = parseLink(crypto, text.trim())
    link.secret.fill(0)
    const held = await trees.held(formatId(link.tree))
    const actor = createLinkActor(held.files.context, text)
    try {
      await held.files.indexNames(actor) // the node itself may hold no key for them
      return await work(held, actor, await pathOfTarget(held, actor.grant.body.target))
    } finally {
      actor.close()
    }
  }

  /** By the name index of this node, or as it was kept when the tree was accepted. */
  async function pathOfTarget(held: HeldTree, target: Id): Promise<string | undefined> {
    const known = held.files.pathOf(held.actorOf(parts.principals.node), target)
    return known ?? (held.isOwn ? undefined : pathOfShared(held, target))
  }

  function chosen(held: HeldTree, path: string | undefined, top: string | undefined): string {
    if (path !== undefined) return path
    if (top !== undefined) return pathIn(held, top)
    throw new NodeError(
      'ERR_TREE_NOT_HOSTED',
      'what the link opens is not kept here yet; import a bundle that holds it'
    )
  }

  return {
    'link.show': ({ link }) =>
      withLink(link, (held, { grant }, top) => ({
        treeId: held.name,
        grant: formatId(grant.id),
        target: grant.body.targetType === grantTarget.block ? ('block' as const) : ('zone' as const),
        ...(top === undefined ? {} : { path: pathIn(held, top) }),
        ...(grant.body.notAfter === undefined ? {} : { notAfterMs: grant.body.notAfter }),
        keys: held.tree.authority.deliveriesOf(grant.id).length
      })),
    'link.list': ({ link, path, cursor, limit }) =>
      withLink(link, async (held, actor, top) => {
        const directory = chosen(held, path, top)
        const page = await held.files.list(actor, directory, {
          ...(cursor === undefined ? {} : { cursor }),
          ...(limit === undefined ? {} : { limit })
        })
        const entries = page.entries.map(({ name, kind, size }) => ({
          path: childPath(directory, name),
          name,
          kind,
          size
        }))
        return { entries, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) }
      }),
    'link.read': ({ link, path, offset, length }, { download }) =>
      withLink(link, async (held, actor, top) => {
        const stream = held.files.readStream(actor, chosen(held, path, top), {
          ...(offset === undefined ? {} : { offset }),
          ...(length === undefined ? {} : { length })
        })
        await download.writeAll(stream)
        return { size: stream.size, bytes: stream.length, versionId: formatId(stream.versionId) }
      })
  }
}
