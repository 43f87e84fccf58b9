/** content.*: handlers over content by URN. Only the node's own principal and the root publish and fetch. */
import { equalBytes } from '@blocktree/codec'
import { largeBlock, parseUrn, smallBlock } from '@blocktree/eris'
import { FilesError } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { currentRoot } from '@blocktree/tree'
import { createHttpPort } from '../apps/http-port.ts'
import type { NodeParts } from '../create-node.ts'
import { fetchWithFallback } from '../eris/fetch-with-fallback.ts'
import type { NodeContent } from '../eris/node-content.ts'
import { encodePath, fetchToPath } from '../eris/tree-content.ts'
import { getFromWeb } from '../eris/web-source.ts'
import type { ContentMethods } from '../method-table/content-methods.ts'
import type { Peer } from '../peer.ts'
import type { Session } from '../session.ts'
import { blockAt } from './answers.ts'

type ContentHandlers = Handlers<ContentMethods, Peer>

const idleMs = 20_000 // blocks or a download that stand still for so long are given up
const readBytesMax = 128 * 1024 * 1024 // a package; it is held in memory

/** What is published takes the space of the owner, and what is fetched comes in the name of the node. @throws ERR_ACCESS_DENIED */
async function open({ content, principals, tree }: NodeParts, session: Session): Promise<NodeContent> {
  const root = currentRoot(tree.authority)
  const { id } = session.actor
  if (!equalBytes(id, principals.node.id) && (root === undefined || !equalBytes(id, root))) {
    throw new FilesError('ERR_ACCESS_DENIED', 'only the owner of this node publishes and fetches content')
  }
  return await content.get()
}

export function createContentHandlers(parts: NodeParts): ContentHandlers {
  return { ...publicationHandlers(parts), ...fetchHandlers(parts) }
}

function publicationHandlers(
  parts: NodeParts
): Pick<ContentHandlers, 'content.publish' | 'content.unpublish' | 'content.published'> {
  const { trees, space, crypto } = parts
  return {
    async 'content.publish'({ path, blockSize, unique }, context) {
      const { peer, signal } = context
      const content = await open(parts, peer.session)
      const size = blockSize === undefined ? undefined : blockSize === '1k' ? smallBlock : largeBlock
      return await trees.within(peer.session, path, ({ files }, actor) =>
        space.during(signal, (guardedSignal) =>
          content.publish(path, (put) => {
            let done = 0
            return encodePath({
              files,
              actor,
              path,
              blockSize: size,
              unique: unique === true ? crypto.random : undefined,
              reading: content.reading(guardedSignal),
              put: async (blocks) => {
                await put(blocks)
                for (const { bytes } of blocks) done += bytes.length
                context.progress({ done, unit: 'bytes' })
              }
            })
          })
        )
      )
    },
    async 'content.unpublish'({ urn }, { peer }) {
      const content = await open(parts, peer.session)
      return { blocks: await content.unpublish(urn) }
    },
    async 'content.published'(_, { peer }) {
      const { publications, urls } = await open(parts, peer.session)
      return { published: publications, listening: urls }
    }
  }
}

function fetchHandlers(parts: NodeParts): Pick<ContentHandlers, 'content.fetch' | 'content.read'> {
  const { trees, space, crypto, log, promises } = parts
  const http = createHttpPort()
  return {
    async 'content.fetch'({ urn, path, wait }, context) {
      const { peer, signal } = context
      const content = await open(parts, peer.session)
      const capability = parseUrn(urn)
      const reading = content.reading(signal)
      const isTree = await content.isTree(reading, capability)
      return await trees.within(peer.session, path, async (held, actor) => {
        const { reply, promise } = await promises.stated(
          { held, actor, wait, signal },
          () =>
            fetchToPath({
              files: held.files,
              actor,
              path,
              capability,
              isTree,
              reading,
              guarded: (chunks) => space.guarded(chunks),
              onProgress: (done) => context.progress({ done, unit: 'bytes' })
            }),
          () => blockAt(held, actor, path)
        )
        return { kind: isTree ? 'tree' : 'content', ...reply, promise }
      })
    },
    async 'content.read'({ urn, url, sha256, isPrivateAllowed = false }, { peer, signal, download }) {
      const content = await open(parts, peer.session)
      const fetched = await fetchWithFallback({
        reading: content.reading(signal),
        capability: parseUrn(urn),
        bytesMax: readBytesMax,
        url,
        sha256: sha256 === undefined ? undefined : Uint8Array.fromHex(sha256),
        hash: (bytes) => crypto.sha256(bytes),
        idleMs,
        startTimer,
        get: (address, ended) => getFromWeb(http, { url: address, isPrivateAllowed, signal: ended })
      })
      const { bytes, source, reason } = fetched
      if (reason !== undefined) log.warn('blocks did not do, the URL was used', { url, reason })
      await download.write(bytes)
      return { source, bytes: bytes.length, ...(reason === undefined ? {} : { reason }) }
    }
  }
}

function startTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds)
  return () => clearTimeout(timer)
}
