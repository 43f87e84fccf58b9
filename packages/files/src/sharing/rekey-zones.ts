/**
 * The second half of taking a reader out: every zone whose current epoch a former reader can still open gets a new
 * one, outermost first, and blocks that are shared by themselves follow at once (MODEL B.5). Each zone is one atomic
 * batch. What is to do is worked out from the records, so this may be called again at any time.
 */
import { equalBytes } from '@blocktree/codec'
import {
  type GrantRecord,
  type HeaderRecord,
  type Id,
  blockState,
  capScope,
  grantTarget,
  recordType,
  scopeType
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { CommitBatch } from '../commit-batch.ts'
import { type FilesContext, type Located, isPublicZone, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { makeVersion } from '../write-version.ts'
import { formerHolders, openHeads, waysInto } from './epoch-reach.ts'
import { makeRotation } from './rotate-zone.ts'
import { liveBlockGrants } from './zone-delivery.ts'
import { allZones, includesId } from './zone-tree.ts'

export interface RekeyOutcome {
  /** Zones that got a new epoch. */
  readonly rekeyed: readonly Id[]
  /** Zones and blocks that this actor may not or cannot change; somebody else has to. */
  readonly skipped: readonly { readonly target: Id; readonly reason: string }[]
  /** Headers that were written anew. */
  readonly rewritten: number
  /** Live grants that got no key from here. */
  readonly undelivered: readonly Id[]
}

/** Rotates what is due. With `eagerFor`, every live header that this grant could open is sealed again as well. */
export async function rekeyZones(
  context: FilesContext,
  actor: Actor,
  options: { readonly eagerFor?: GrantRecord } = {}
): Promise<RekeyOutcome> {
  const rekeying = new Rekeying(context, actor)
  for (const zone of allZones(context.tree.authority))
    if (isRotationDue(context, actor, zone)) await rekeying.rotate(zone)
  await rekeying.flush()
  await rekeying.rewriteSharedBlocks()
  if (options.eagerFor !== undefined) await rekeying.rewriteOpened(options.eagerFor)
  return rekeying.outcome()
}

/** True when a former reader opens the current epoch, when there are two, or when its signer is heard no longer. */
export function isRotationDue(context: FilesContext, actor: Actor, zone: Id): boolean {
  const { tree } = context
  if (isPublicZone(context, zone)) return false
  const current = tree.currentEpochs(zone)
  const heads = openHeads(tree.authority, actor, zone)
  if (heads.length > 1) return true
  const head = heads[0] ?? current[0]
  if (head === undefined) return false
  // an epoch of a revoked signer opens what was written with it, but nothing may be written under it
  if (
    !includesId(
      current.map(({ id }) => id),
      head.id
    )
  )
    return true
  return formerHolders(tree, head.id).length > 0
}

const commitsWaitingMax = 64 // rotations handed to the store and not yet durable

class Rekeying {
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #rekeyed: Id[] = []
  readonly #skipped: { readonly target: Id; readonly reason: string }[] = []
  readonly #undelivered: Id[] = []
  #rewritten = 0
  #waiting: Promise<void>[] = []

  constructor(context: FilesContext, actor: Actor) {
    this.#context = context
    this.#actor = actor
  }

  outcome(): RekeyOutcome {
    return {
      rekeyed: this.#rekeyed,
      skipped: this.#skipped,
      rewritten: this.#rewritten,
      undelivered: this.#undelivered
    }
  }

  async rotate(zone: Id): Promise<void> {
    const rotation = this.#unlessDenied(zone, () =>
      makeRotation(
        this.#context,
        this.#actor,
        zone,
        pathOfBlock(this.#context, this.#actor, zone) ?? 'a zone'
      )
    )
    if (rotation === undefined) return
    const durable = this.#context.tree.commitLocal(
      { records: rotation.records },
      { durability: this.#context.durability }
    )
    durable.catch(() => undefined) // reported by `flush`
    this.#waiting.push(durable)
    if (this.#waiting.length >= commitsWaitingMax) await this.flush()
    this.#rekeyed.push(zone)
    this.#undelivered.push(...rotation.undelivered)
  }

  /** Resolves when every rotation made so far is durable; they became so in their order. */
  async flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await Promise.all(waiting)
  }

  /**
   * Whoever may read or write one block alone holds its key only, and cannot follow a new epoch: the header is written
   * anew at once, and the key delivered. A key that a former reader of the block holds is changed.
   */
  async rewriteSharedBlocks(): Promise<void> {
    const batch = new CommitBatch(this.#context)
    for (const block of sharedBlocks(this.#context)) {
      const located = locate(this.#context, block)
      if (located === undefined || located.header.body.epoch === undefined || located.summary.deleted)
        continue
      const keyVersion = this.#dueKeyVersion(located)
      if (keyVersion !== undefined) this.#rewrite(batch, located, keyVersion)
      if (batch.isFull) await batch.commit()
    }
    await batch.commit()
  }

  /** Every live header that one of the keys of this grant opens. */
  async rewriteOpened(grant: GrantRecord): Promise<void> {
    const opened = openedBy(this.#context, grant)
    const batch = new CommitBatch(this.#context)
    for (const zone of allZones(this.#context.tree.authority)) {
      if (isPublicZone(this.#context, zone)) continue
      for await (const { block } of this.#context.tree.blocksOfZone(zone)) {
        const located = locate(this.#context, block)
        if (located === undefined || located.header.body.state !== blockState.live || !opened(located.header))
          continue
        this.#rewrite(batch, located, located.header.body.keyVersion)
        if (batch.isFull) await batch.commit()
      }
      await batch.commit()
    }
  }

  #dueKeyVersion({ header, summary }: Located): number | undefined {
    const { tree } = this.#context
    const { block, epoch, keyVersion } = header.body
    const formerGrants = tree.authority.grantsOver(block).filter((grant) => !isLive(this.#context, grant))
    const isKnownToFormer = formerGrants.some((grant) =>
      tree.authority
        .deliveriesOf(grant.id)
        .some(
          ({ body }) => epoch !== undefined && equalBytes(body.epoch, epoch) && body.keyVersion === keyVersion
        )
    )
    const stillReads = new Set(liveBlockGrants(this.#context, block).map(({ body }) => idKey(body.recipient)))
    if (isKnownToFormer && formerGrants.some(({ body }) => !stillReads.has(idKey(body.recipient))))
      return this.#freshKeyVersion(header)
    const current = this.#actor.writeKey(summary.zone)
    if (current === undefined || epoch === undefined || equalBytes(current.epoch, epoch)) return undefined
    return formerHolders(tree, epoch).length > 0 ? keyVersion : undefined
  }

  /** The next number that was not delivered under this epoch: behind the greatest one they begin again at 0. */
  #freshKeyVersion({ body: { block, epoch, keyVersion } }: HeaderRecord): number {
    const { authority } = this.#context.tree
    const delivered = new Set<number | undefined>()
    for (const grant of authority.grantsOver(block)) {
      for (const { body } of authority.deliveriesOf(grant.id))
        if (epoch !== undefined && equalBytes(body.epoch, epoch)) delivered.add(body.keyVersion)
    }
    let next = keyVersion
    do next = (next + 1) % 2 ** 32
    while (delivered.has(next))
    return next
  }

  #rewrite(batch: CommitBatch, located: Located, keyVersion: number): void {
    const { block } = located.header.body
    const path = pathOfBlock(this.#context, this.#actor, block) ?? 'a block'
    const next = this.#unlessDenied(block, () =>
      makeVersion(this.#context, this.#actor, located, { keyVersion }, path)
    )
    if (next === undefined) return
    for (const record of next.records) batch.add(record)
    const served = new Set(
      next.records.flatMap(({ record }) =>
        record.type === recordType.delivery ? [idKey(record.body.grant)] : []
      )
    )
    const readers = liveBlockGrants(this.#context, block).map(({ id }) => id)
    this.#undelivered.push(...readers.filter((id) => !served.has(idKey(id))))
    this.#rewritten++
  }

  #unlessDenied<T>(target: Id, make: () => T): T | undefined {
    try {
      return make()
    } catch (error) {
      const isDenied =
        error instanceof FilesError &&
        (error.code === 'ERR_ACCESS_DENIED' || error.code === 'ERR_KEY_MISSING')
      if (!isDenied) throw error
      this.#skipped.push({ target, reason: error.message })
      return undefined
    }
  }
}

/** Blocks with a grant or a write cap of their own. */
function sharedBlocks(context: FilesContext): readonly Id[] {
  const blocks = new Map<string, Id>()
  for (const record of context.tree.authority.records()) {
    if (record.type === recordType.grant && record.body.targetType === grantTarget.block) {
      blocks.set(idKey(record.body.target), record.body.target)
    }
    if (record.type === recordType.cap && record.body.scopeType === scopeType.block) {
      const scope = capScope(context.crypto, record.body)
      blocks.set(idKey(scope), scope)
    }
  }
  return [...blocks.values()]
}

/** Says of a header whether a key that was delivered under the grant opens it. */
function openedBy(context: FilesContext, grant: GrantRecord): (header: HeaderRecord) => boolean {
  const { authority } = context.tree
  const delivered = new Set(authority.deliveriesOf(grant.id).map(({ body }) => idKey(body.epoch)))
  const known = new Map<string, boolean>()
  return ({ body }) => {
    if (body.epoch === undefined) return false
    const key = idKey(body.epoch)
    const before = known.get(key)
    if (before !== undefined) return before
    const isOpened = waysInto(authority, body.epoch).some(({ epoch }) => delivered.has(idKey(epoch.id)))
    known.set(key, isOpened)
    return isOpened
  }
}

function isLive(context: FilesContext, grant: GrantRecord): boolean {
  return context.tree.liveGrants(grant.body.target).some(({ id }) => equalBytes(id, grant.id))
}
