/**
 * Receipts for what is written here under a cap that ends. Such a version counts only with the word of a host that it
 * was written in time (MODEL B.7.5); the node is that host for its own principals, and gives its word in the same
 * batch, so that a version is never acknowledged and then not shown.
 */
import { formatId } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Actor } from '@blocktree/files'
import {
  type AnyRecord,
  type Clock,
  coverage,
  createReceipt,
  durabilityClass,
  grantTarget,
  homeZone,
  type Id,
  limits,
  type LocalBatch,
  type LocalRecord,
  recordType,
  right,
  type TreeState
} from '@blocktree/tree'

export interface ReceiptSigningDeps {
  readonly crypto: CryptoProvider
  readonly clock: Clock
  /** The node's own principal, which holds `host`. */
  readonly node: () => Actor
}

/** From now on `tree.commitLocal` puts the receipts that its headers need before them. */
export function addReceipts(tree: TreeState, deps: ReceiptSigningDeps): void {
  const commit = tree.commitLocal.bind(tree)
  Object.assign(tree, {
    commitLocal(batch: LocalBatch, options?: Parameters<TreeState['commitLocal']>[1]): Promise<void> {
      const receipts = receiptsFor(tree, deps, batch)
      return commit(
        receipts.length === 0 ? batch : { ...batch, records: [...receipts, ...batch.records] },
        options
      )
    }
  })
}

function receiptsFor(tree: TreeState, deps: ReceiptSigningDeps, batch: LocalBatch): readonly LocalRecord[] {
  const due = new Map<string, { readonly zone: Id; readonly ids: Id[] }>()
  for (const { record } of batch.records) {
    const zone = zoneWithEnd(tree, record)
    if (zone === undefined) continue
    const key = formatId(zone)
    const known = due.get(key) ?? { zone, ids: [] }
    known.ids.push(record.id)
    due.set(key, known)
  }
  return [...due.values()].flatMap(({ zone, ids }) => signReceipts(tree, deps, zone, ids))
}

/** The zone of a header, checkpoint, epoch or grant under a cap with a beginning or an end. */
function zoneWithEnd(tree: TreeState, record: AnyRecord): Id | undefined {
  if (
    record.type !== recordType.header &&
    record.type !== recordType.checkpoint &&
    record.type !== recordType.epoch &&
    record.type !== recordType.grant
  )
    return undefined
  const { cap: capId } = record.body
  const cap = capId === undefined ? undefined : tree.authority.cap(capId)
  if (cap === undefined || (cap.body.notBefore === undefined && cap.body.notAfter === undefined))
    return undefined
  if (record.type === recordType.header) return homeZone(record.body.birth, record.body.block)
  if (record.type !== recordType.grant) return record.body.zone
  const { target, targetType } = record.body
  return targetType === grantTarget.block ? tree.zoneOf(target) : target
}

function signReceipts(
  tree: TreeState,
  deps: ReceiptSigningDeps,
  zone: Id,
  ids: readonly Id[]
): readonly LocalRecord[] {
  const node = deps.node()
  const cap = node.capFor({ home: zone, block: undefined }, right.host)
  const treeId = tree.tree
  if (cap === undefined || treeId === undefined) return [] // not our word to give: another host's receipt is awaited
  const made: LocalRecord[] = []
  for (let index = 0; index < ids.length; index += limits.receiptRecordsMax) {
    const record = createReceipt(deps.crypto, node.signer, {
      tree: treeId,
      zone,
      records: ids.slice(index, index + limits.receiptRecordsMax),
      coverage: coverage.payload,
      durability: durabilityClass.group,
      timeMs: deps.clock.now(),
      keepUntilMs: undefined,
      term: undefined,
      fence: undefined,
      challenge: undefined,
      cap: cap.cap
    })
    made.push({ record })
  }
  return made
}
