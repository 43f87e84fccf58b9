/** sync.*: handlers over the replication of the trees of this node. */
import { formatId, parseId } from '@blocktree/codec'
import type { Actor } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { type PromiseReport, policiesRow } from '@blocktree/sync'
import type { Id, KeepPolicy } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type { SyncMethods, SyncPolicy, SyncPromise, SyncReceipt } from '../method-table/sync-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { pathIn } from '../tree-router.ts'

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
          peers: status.peers.map(
            ({ principal, state, comparedMsAgo, taken, wentBack, wrong, shutOutMs }) => ({
              principal: nameOf(principal),
              state,
              records: taken,
              wentBack,
              ...(comparedMsAgo === undefined ? {} : { comparedMsAgo: Math.round(comparedMsAgo) }),
              ...(wrong === undefined ? {} : { code: wrong }),
              ...(shutOutMs === 0 ? {} : { shutOutMs: Math.ceil(shutOutMs) })
            })
          ),
          ...(status.contents.count === undefined ? {} : { contents: status.contents.count }),
          cachedBytes: status.contents.cachedBytes,
          cacheBytes: status.contents.cacheBytes,
          contentsWanted: status.payloadsWanted,
          bytesReceived: status.sectorBytesReceived,
          holdsWrites: status.holdsWrites,
          summariesCorrected: status.summariesCorrected,
          recordsPushed: status.recordsPushed
        }))
      }
    },
    async 'sync.compare'() {
      const replication = await sync.loaded()
      replication?.compare()
      return {}
    },
    async 'sync.resume'({ confirm }) {
      if (!confirm) {
        const message = 'what this node lost may come back as conflicts: say "confirm": true'
        throw new NodeError('ERR_CONFIRMATION_ABSENT', message)
      }
      let resumed = 0
      await trees.each(
        async ({ tree }) => {
          if (tree.holdsWrites) resumed++
          await tree.setHoldsWrites(false)
        },
        () => undefined
      )
      return { resumed }
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
        const here = (await replication.placeOf(held, record)) ?? 'absent'
        return { versionId: formatId(record), receipts, of: own.of, here }
      }),
    'sync.policy': ({ path }, { peer }) =>
      trees.within(peer.session, path, (held, actor) => shownPolicy(held, actor, path)),
    'sync.setPolicy': ({ path, policy, copies }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const chosen = chosenPolicy(policy, copies)
        const replication = await sync.loaded()
        // first: no crash may leave a policy that nobody looks for
        await held.store.commit({ local: [policiesRow()] })
        await held.files.setKeepPolicy(actor, path, chosen)
        await replication?.policySet(held)
        return shownPolicy(held, actor, path)
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

/** @throws ERR_POLICY_COPIES */
function chosenPolicy(policy: string, copies: number | undefined): KeepPolicy | undefined {
  if ((policy === 'copies') !== (copies !== undefined))
    throw new NodeError(
      'ERR_POLICY_COPIES',
      'a number of copies belongs to the policy "copies", and only to it'
    )
  if (copies !== undefined) return { kind: 'copies', copies }
  if (policy === 'inherit') return undefined
  return policy === 'all' ? { kind: 'all' } : { kind: 'on demand' }
}

function shownPolicy(held: HeldTree, actor: Actor, path: string): SyncPolicy {
  const { policy, from } = held.files.keepPolicy(actor, path)
  return {
    policy: policy.kind === 'on demand' ? 'on-demand' : policy.kind,
    ...(policy.kind === 'copies' ? { copies: policy.copies } : {}),
    ...(from === undefined ? {} : { from: pathIn(held, from) })
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
