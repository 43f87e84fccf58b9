/** transfer.*, backup.*, store.*, checkpoint.*: handlers for content in bulk and its upkeep. */
import { rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatId } from '@blocktree/codec'
import type { Handlers, RequestContext } from '@blocktree/rpc'
import { type Actor, resolvePath, zoneOfChildren } from '@blocktree/files'
import { type CollectionReport, createLevelIndex } from '@blocktree/store'
import type { Id } from '@blocktree/tree'
import type { BackupOptions } from '../backup.ts'
import type { NodeParts } from '../create-node.ts'
import type { CheckReport, StoreMethods } from '../method-table/store-methods.ts'
import { checkPassphrase } from '../passphrase.ts'
import type { Peer } from '../peer.ts'
import type { TransferControl } from '../transfer/job.ts'

type StoreHandlers = Handlers<StoreMethods, Peer>

export function createStoreHandlers(parts: NodeParts): StoreHandlers {
  return { ...upkeepHandlers(parts), ...bulkHandlers(parts) }
}

type UpkeepHandlers = Pick<
  StoreHandlers,
  'store.check' | 'store.gc' | 'store.compact' | 'store.space' | 'checkpoint.create'
>

function upkeepHandlers(parts: NodeParts): UpkeepHandlers {
  const { store, files, principals } = parts
  return {
    async 'store.check'({ quick, rebuildIndex }, context) {
      const { signal } = context
      if (rebuildIndex === true) {
        await store.rebuildIndex({
          onProgress: ({ segment, segments }) =>
            context.progress({ done: segment, total: segments, unit: 'segments' })
        })
        await files.settleArrivals(principals.node)
      }
      const report = await store.check({
        quick: quick ?? false,
        signal,
        onProgress: ({ bytes, ofBytes }) => context.progress({ done: bytes, total: ofBytes, unit: 'bytes' })
      })
      const { records, sectors, bytes, segments } = report
      const problems: CheckReport['problems'][number][] = report.findings.map(
        ({ code, problem, file, offset }) => ({ code, reason: problem, place: `${file} at ${offset}` })
      )
      if (quick !== true) problems.push(...(await verifyRecords(parts, signal)))
      // Rows are judged by what can be read: beside other damage they would only repeat it.
      if (quick !== true && problems.length === 0) problems.push(...(await verifyRows(parts, signal)))
      return { records, sectors, bytes, segments, problems, indexRebuilt: rebuildIndex === true }
    },
    async 'store.gc'({ removed }, context) {
      const report = await collect(
        parts,
        { minimumLive: 0.5, dropRemoved: removed ?? false },
        context.signal,
        (done, total) => context.progress({ done, total, unit: 'segments' })
      )
      return {
        segmentsRemoved: report.removedSegments,
        bytesFreed: report.freedBytes,
        bytesCopied: report.copiedBytes,
        sectorsMissing: report.missing
      }
    },
    async 'store.compact'(_, context) {
      const report = await collect(
        parts,
        { minimumLive: 1, dropRemoved: false },
        context.signal,
        (done, total) => context.progress({ done, total, unit: 'segments' })
      )
      return {
        segmentsRemoved: report.removedSegments,
        bytesFreed: report.freedBytes,
        bytesCopied: report.copiedBytes,
        sectorsMissing: report.missing
      }
    },
    async 'store.space'() {
      const [{ segments, segmentBytes, indexBytes }, disk] = await Promise.all([
        store.statistics(),
        statfs(parts.directory.path)
      ])
      return {
        segments,
        segmentBytes,
        indexBytes,
        freeBytes: disk.bavail * disk.bsize,
        totalBytes: disk.blocks * disk.bsize
      }
    },
    'checkpoint.create': ({ path }, { peer }) =>
      parts.trees.within(peer.session, path, async (held, actor) => {
        const zones =
          path === undefined
            ? [...held.tree.authority.zoneBirths()].map(({ zone }) => zone)
            : [zoneAt(held, actor, path)]
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

/** The zone of what is in a directory. */
function zoneAt({ files }: Pick<NodeParts, 'files'>, actor: Actor, path: string): Id {
  const place = resolvePath(files.context, actor, path)
  return zoneOfChildren(place.summary)
}

const problemsMax = 1000 // more say nothing new

/** Ids, signatures and static chains of all records, on top of what the store checks. */
async function verifyRecords({ tree }: NodeParts, signal: AbortSignal): Promise<CheckReport['problems']> {
  const problems = []
  for await (const { id, message } of tree.verifyAll({ signal })) {
    problems.push({ code: 'ERR_RECORD_DAMAGED', reason: message, place: `record ${formatId(id)}` })
    if (problems.length >= problemsMax) break
  }
  return problems
}

/** Every derived row against what the records say. */
async function verifyRows(parts: NodeParts, signal: AbortSignal): Promise<CheckReport['problems']> {
  const { checkRows } = await import('../row-check.ts')
  const scratch = join(parts.directory.path, 'check-index')
  try {
    const rows = await checkRows(
      { ...parts, actor: parts.principals.node, scratch: createLevelIndex(scratch) },
      signal
    )
    return rows.map(({ key, problem }) => ({
      code: 'ERR_INDEX_ROW',
      reason: `${problem}; make the index again with "blocktree check --rebuild-index"`,
      place: `row ${Buffer.from(key).toString('hex')}`
    }))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Mark while writes go on, wait until no long write is under way, then let the store sweep. */
async function collect(
  parts: NodeParts,
  { minimumLive, dropRemoved }: { readonly minimumLive: number; readonly dropRemoved: boolean },
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void
): Promise<CollectionReport> {
  const { markLiveSectors } = await import('../live-sectors.ts')
  const live = await markLiveSectors(parts, { signal, dropRemoved })
  try {
    await parts.bulkWrites.idle()
    return await parts.store.collect(live.ids(), {
      minimumLive,
      signal,
      onProgress: ({ segments, ofSegments }) => onProgress(segments, ofSegments)
    })
  } finally {
    live.close()
  }
}

function bulkHandlers(parts: NodeParts): Omit<StoreHandlers, keyof UpkeepHandlers> {
  const { bulkWrites, trees, space } = parts
  return {
    'transfer.import': ({ source, destination, replace, followLinks }, context) =>
      trees.within(context.peer.session, destination, async (held, actor) => {
        const transfer = await held.transfer.get()
        const choice = { replace: replace ?? true, followLinks: followLinks ?? false }
        return bulkWrites.during(() =>
          space.during(context.signal, (signal) =>
            transfer.importTree(actor, source, destination, choice, control(context, signal))
          )
        )
      }),
    'transfer.export': ({ source, destination, replace }, context) =>
      trees.within(context.peer.session, source, async (held, actor) => {
        const transfer = await held.transfer.get()
        return transfer.exportTree(
          actor,
          source,
          destination,
          { replace: replace ?? false },
          control(context, context.signal)
        )
      }),
    async 'backup.create'({ file, passphrase, path }, context) {
      const { createBackup } = await import('../backup.ts')
      const request = { file, passphrase: checkPassphrase(passphrase, 'the passphrase of the backup'), path }
      const { records, sectors, bytes } = await createBackup(
        parts,
        context.peer.session.actor,
        request,
        options(context)
      )
      return { file, records, sectors, bytes }
    },
    async 'backup.restore'({ file, passphrase }, context) {
      const { restoreBackup } = await import('../backup.ts')
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
