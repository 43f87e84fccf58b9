/** sync.*: handlers over the replication of the trees of this node. */
import { formatId, parseId } from '@blocktree/codec'
import type { Actor } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import type { PromiseReport } from '@blocktree/sync'
import type { Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type { SyncMethods, SyncPromise, SyncReceipt } from '../method-table/sync-methods.ts'
import type { Peer } from '../peer.ts'

type SyncHandlers = Handlers<SyncMethods, Peer>
type SyncParts = Pick<NodeParts, 'trees' | 'names' | 'sync'>

const waitDefaultMs = 30_000

export function createSyncHandlers({ trees, names, sync }: SyncParts): SyncHandlers {
  return {
    async 'sync.status'() {
      const replication = await sync.loaded()
      const nameOf = names.current()
      return {
        trees: (replication?.status ?? []).map(({ tree, status }) => ({
          treeId: tree,
          peers: status.peers.map(({ principal, state, comparedMsAgo, taken, wrong, shutOutMs }) => ({
            principal: nameOf(principal),
            state,
            records: taken,
            ...(comparedMsAgo === undefined ? {} : { comparedMsAgo: Math.round(comparedMsAgo) }),
            ...(wrong === undefined ? {} : { code: wrong }),
            ...(shutOutMs === 0 ? {} : { shutOutMs: Math.ceil(shutOutMs) })
          })),
          contentsWanted: status.payloadsWanted,
          bytesReceived: status.sectorBytesReceived,
          recordsPushed: status.recordsPushed
        }))
      }
    },
    async 'sync.compare'() {
      const replication = await sync.loaded()
      replication?.compare()
      return {}
    },
    'sync.receipts': ({ path, version }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const record = versionAt(held, actor, path, version)
        const replication = await sync.get()
        const nameOf = names.current()
        const own = await replication.waitFor(held, [record], { copies: 1, timeoutMs: 1 })
        const receipts: SyncReceipt[] = own.holders.map((holder) => ({
          holder: nameOf(holder),
          isThisNode: true,
          coverage: 'payload',
          durability: 'group',
          state: 'good'
        }))
        for (const promised of await replication.promises(held, record)) {
          receipts.push({
            holder: nameOf(promised.holder),
            isThisNode: false,
            coverage: promised.coverage,
            durability: promised.durability,
            signedMs: promised.timeMs,
            ...(promised.checkedMs === undefined ? {} : { checkedMs: promised.checkedMs }),
            state: promised.state
          })
        }
        return { versionId: formatId(record), receipts, of: own.of }
      }),
    'sync.wait': ({ path, version, copies, timeoutMs }, { peer, signal }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const record = versionAt(held, actor, path, version)
        const replication = await sync.get()
        const options = { copies, timeoutMs: timeoutMs ?? waitDefaultMs, signal }
        return toPromise(await replication.waitFor(held, [record], options))
      }),
    'sync.fetch': ({ path, version, timeoutMs }, { peer, signal }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const record = versionAt(held, actor, path, version)
        const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs ?? waitDefaultMs)])
        const replication = await sync.get()
        return { isHeld: await replication.fetchContent(held, record, until) }
      }),
    async 'sync.scrub'(_, { signal }) {
      const sum = { challenged: 0, failed: 0, contents: 0, damaged: 0, repaired: 0 }
      await trees.each(async (held) => {
        const replication = await sync.get()
        const report = await replication.scrub(held, { signal })
        sum.challenged += report.challenged
        sum.failed += report.failed
        sum.contents += report.payloads
        sum.damaged += report.damagedParts
        sum.repaired += report.repaired
      })
      return sum
    }
  }
}

/** The shown version, or another one of the same block. @throws what the path throws */
function versionAt({ files }: HeldTree, actor: Actor, path: string, version: string | undefined): Id {
  const entry = files.stat(actor, path)
  return version === undefined ? entry.versionId : parseId(version)
}

function toPromise({ kept, of }: PromiseReport): SyncPromise {
  return { kept, of, promise: kept <= 1 ? 'local' : `${kept} of ${of}` }
}
