/** transfer.*, backup.*, store.*, checkpoint.*: handlers for content in bulk and its upkeep. */
import { rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatId } from '@blocktree/codec'
import type { Handlers, RequestContext } from '@blocktree/rpc'
import { type Actor, resolvePath, zoneOfChildren } from '@blocktree/files'
import { createLevelIndex } from '@blocktree/store'
import type { Id } from '@blocktree/tree'
import type { BackupOptions } from '../backup-format.ts'
import { type CollectionChoice, collectStore } from '../collect-store.ts'
import { whileFenced } from '../coordinator/while-fenced.ts'
import type { NodeParts } from '../create-node.ts'
import { namePaths } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type { CheckReport, CollectReport, PruneReport, StoreMethods } from '../method-table/store-methods.ts'
import { reasonOf } from '../node-error.ts'
import { checkPassphrase } from '../passphrase.ts'
import type { Peer } from '../peer.ts'
import type { TransferControl } from '../transfer/job.ts'
import { blockAt } from './answers.ts'

type StoreHandlers = Handlers<StoreMethods, Peer>

export function createStoreHandlers(parts: NodeParts): StoreHandlers {
  return { ...upkeepHandlers(parts), ...bulkHandlers(parts) }
}

type UpkeepHandlers = Pick<
  StoreHandlers,
  'store.check' | 'store.gc' | 'store.compact' | 'store.prune' | 'store.space' | 'checkpoint.create'
>

function upkeepHandlers(parts: NodeParts): UpkeepHandlers {
  const { trees } = parts
  return {
    async 'store.check'({ quick, rebuildIndex }, context) {
      const counts = { records: 0, sectors: 0, bytes: 0, segments: 0 }
      const problems: Problem[] = []
      await trees.each(
        async (held) => {
          if (rebuildIndex === true) await rebuildIndexOf(parts, held, context)
          const found = await checkTree(parts, held, quick ?? false, context)
          for (const name of countNames) counts[name] += found[name]
          problems.push(...found.problems)
        },
        (name, error) => {
          context.signal.throwIfAborted()
          problems.push(failedTree(name, error))
        }
      )
      return { ...counts, problems, indexRebuilt: rebuildIndex === true }
    },
    async 'store.gc'({ removed }, context) {
      return collectAll(parts, { minimumLive: 0.5, dropRemoved: removed ?? false }, context)
    },
    async 'store.compact'(_, context) {
      return collectAll(parts, { minimumLive: 1, dropRemoved: false }, context)
    },
    'store.prune': (request, context) =>
      trees.within(context.peer.session, request.path, (held, actor) =>
        pruneTree(held, actor, request, context)
      ),
    async 'store.space'() {
      const total = { segments: 0, segmentBytes: 0, indexBytes: 0 }
      await trees.each(
        async ({ store }) => {
          const { segments, segmentBytes, indexBytes } = await store.statistics()
          total.segments += segments
          total.segmentBytes += segmentBytes
          total.indexBytes += indexBytes
        },
        () => undefined // said by a check
      )
      const disk = await statfs(parts.directory.path)
      return { ...total, freeBytes: disk.bavail * disk.bsize, totalBytes: disk.blocks * disk.bsize }
    },
    'checkpoint.create': ({ path }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const zones = zonesOf(held, actor, path)
        const checkpoints = []
        for (const zone of zones) {
          const { record, isNew } = await held.sharing.makeCheckpoint(actor, zone)
          checkpoints.push({
            zone: formatId(zone),
            id: formatId(record.id),
            sequence: record.body.sequence,
            isNew
          })
        }
        return { checkpoints }
      })
  }
}

const dayMs = 24 * 60 * 60 * 1000

async function pruneTree(
  held: HeldTree,
  actor: Actor,
  {
    path,
    olderThanDays,
    versions,
    dryRun = false,
    force = false
  }: Parameters<StoreHandlers['store.prune']>[0],
  context: Upkeep
): Promise<PruneReport> {
  const zones: PruneReport['zones'][number][] = []
  for (const zone of zonesOf(held, actor, path)) {
    const { base, ...counts } = await held.sharing.pruneZone(actor, zone, {
      dryRun,
      force,
      signal: context.signal,
      onProgress: ({ blocks, ofBlocks }) =>
        context.progress({ done: blocks, total: ofBlocks, unit: 'blocks' }),
      ...(olderThanDays === undefined ? {} : { olderThanMs: olderThanDays * dayMs }),
      ...(versions === undefined ? {} : { versions })
    })
    zones.push({ zone: formatId(zone), ...(base === undefined ? {} : { base: formatId(base) }), ...counts })
  }
  return { dryRun, zones }
}

/** The zone of what is in a directory, or all. */
function zonesOf(held: HeldTree, actor: Actor, path: string | undefined): readonly Id[] {
  return path === undefined
    ? [...held.tree.authority.zoneBirths()].map(({ zone }) => zone)
    : [zoneAt(held, actor, path)]
}

/** The zone of what is in a directory. */
function zoneAt({ files }: Pick<NodeParts, 'files'>, actor: Actor, path: string): Id {
  const place = resolvePath(files.context, actor, path)
  return zoneOfChildren(place.summary)
}

const problemsMax = 1000 // more say nothing new

type Problem = CheckReport['problems'][number]
type Upkeep = RequestContext<Peer, never>

const countNames = ['records', 'sectors', 'bytes', 'segments'] as const

/** Where in which tree; the own one is not named. */
function placeIn({ isOwn, name }: HeldTree, place: string): string {
  return isOwn ? place : `tree ${name}: ${place}`
}

function failedTree(name: string, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERR_STORE_CORRUPT'
  return { code, reason: `it cannot be opened or read: ${reasonOf(error)}`, place: `tree ${name}` }
}

async function rebuildIndexOf({ principals }: NodeParts, held: HeldTree, context: Upkeep): Promise<void> {
  await held.store.rebuildIndex({
    onProgress: ({ segment, segments }) =>
      context.progress({ done: segment, total: segments, unit: 'segments' })
  })
  if (held.tree.rootBlock === undefined) return
  if (!held.isOwn) await namePaths(held)
  await held.files.settleArrivals(held.actorOf(principals.node))
}

async function checkTree(
  parts: NodeParts,
  held: HeldTree,
  quick: boolean,
  context: Upkeep
): Promise<Pick<CheckReport, (typeof countNames)[number] | 'problems'>> {
  const { signal } = context
  const { findings, records, sectors, bytes, segments } = await held.store.check({
    quick,
    signal,
    onProgress: ({ bytes: done, ofBytes }) => context.progress({ done, total: ofBytes, unit: 'bytes' })
  })
  const problems: Problem[] = findings.map(({ code, problem, file, offset }) => ({
    code,
    reason: problem,
    place: placeIn(held, `${file} at ${offset}`)
  }))
  if (!quick) problems.push(...(await verifyRecords(held, signal)))
  // Rows are judged by what can be read: beside other damage they would only repeat it.
  if (!quick && problems.length === 0) problems.push(...(await verifyRows(parts, held, signal)))
  return { records, sectors, bytes, segments, problems }
}

/** Ids, signatures and static chains of all records, on top of what the store checks. */
async function verifyRecords(held: HeldTree, signal: AbortSignal): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for await (const { id, message } of held.tree.verifyAll({ signal })) {
    const place = placeIn(held, `record ${formatId(id)}`)
    problems.push({ code: 'ERR_RECORD_DAMAGED', reason: message, place })
    if (problems.length >= problemsMax) break
  }
  return problems
}

/** Every derived row against what the records say. */
async function verifyRows(
  { directory, principals, crypto, clock }: NodeParts,
  held: HeldTree,
  signal: AbortSignal
): Promise<readonly Problem[]> {
  const { checkRows } = await import('../row-check.ts')
  const { store, tree, files } = held
  const folder = join(directory.path, 'check-index')
  const actor = held.actorOf(principals.node)
  const scratch = createLevelIndex(folder)
  try {
    const rows = await checkRows({ store, tree, files, crypto, clock, actor, scratch }, signal)
    return rows.map(({ key, problem }) => ({
      code: 'ERR_INDEX_ROW',
      reason: `${problem}; make the index again with "blocktree check --rebuild-index"`,
      place: placeIn(held, `row ${Buffer.from(key).toString('hex')}`)
    }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In all trees, one after another. */
async function collectAll(
  parts: NodeParts,
  choice: CollectionChoice,
  context: Upkeep
): Promise<CollectReport> {
  const total = { segmentsRemoved: 0, bytesFreed: 0, bytesCopied: 0, sectorsMissing: 0 }
  await parts.trees.each(
    async (held) => {
      const report = await collectStore(parts, held, choice, {
        signal: context.signal,
        onProgress: ({ segments, ofSegments }) =>
          context.progress({ done: segments, total: ofSegments, unit: 'segments' })
      })
      total.segmentsRemoved += report.removedSegments
      total.bytesFreed += report.freedBytes
      total.bytesCopied += report.copiedBytes
      total.sectorsMissing += report.missing
    },
    (name, error) => {
      context.signal.throwIfAborted()
      parts.log.warn('a hosted tree could not be collected', { tree: name, error })
    }
  )
  return total
}

function bulkHandlers(parts: NodeParts): Omit<StoreHandlers, keyof UpkeepHandlers> {
  const { bulkWrites, trees, space, sync, locks, promises } = parts
  return {
    'transfer.import': ({ source, destination, replace, followLinks, fence, wait }, context) =>
      trees.within(context.peer.session, destination, async (held, actor) => {
        const transfer = await held.transfer.get()
        const choice = { replace: replace ?? true, followLinks: followLinks ?? false }
        const { reply, promise } = await promises.stated(
          { held, actor, wait, signal: context.signal },
          () =>
            bulkWrites.during(() =>
              space.during(context.signal, (signal) =>
                whileFenced({ locks, held, actor, path: destination, fence, signal }, (fenced) =>
                  transfer.importTree(actor, source, destination, choice, control(context, fenced))
                )
              )
            ),
          () => blockAt(held, actor, destination)
        )
        return { ...reply, promise }
      }),
    'transfer.export': ({ source, destination, replace }, context) =>
      trees.within(context.peer.session, source, async (held, actor) => {
        const transfer = await held.transfer.get()
        const replication = await sync.loaded()
        const ensure = (versions: readonly Id[]): Promise<() => void> =>
          replication?.ensureContents(held, versions, context.signal) ?? Promise.resolve(() => undefined)
        return transfer.exportTree(
          actor,
          source,
          destination,
          { replace: replace ?? false },
          { ...control(context, context.signal), ensure }
        )
      }),
    async 'backup.create'({ file, passphrase, path }, context) {
      const { createBackup } = await import('../backup.ts')
      const request = { file, passphrase: checkPassphrase(passphrase, 'the passphrase of the backup'), path }
      const { session } = context.peer
      const { records, sectors, bytes } = await trees.within(session, path, (held, actor) =>
        createBackup(parts, held, actor, request, options(context))
      )
      return { file, records, sectors, bytes }
    },
    async 'backup.restore'({ file, passphrase }, context) {
      const { restoreBackup } = await import('../restore-backup.ts')
      const { actor } = context.peer.session
      return bulkWrites.during(() =>
        space.during(context.signal, (signal) =>
          restoreBackup(parts, actor, { file, passphrase }, { ...options(context), signal })
        )
      )
    },
    async 'backup.drill'({ file, passphrase }, context) {
      const { drill } = await import('../restore-node.ts')
      const given = {
        ...(file === undefined ? {} : { file }),
        ...(passphrase === undefined ? {} : { passphrase })
      }
      return drill(parts, given, options(context))
    }
  }
}

function control(context: RequestContext<Peer, never>, signal: AbortSignal): TransferControl {
  return {
    signal,
    onProgress: ({ done, unit, text }) => context.progress({ done, unit, text })
  }
}

function options(context: RequestContext<Peer, never>): BackupOptions {
  return { signal: context.signal, onBytes: (done) => context.progress({ done, unit: 'bytes' }) }
}
