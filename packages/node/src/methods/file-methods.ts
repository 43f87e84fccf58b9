/** file.*: handlers over the file operations, in the name of the connection's principal. */
import { formatId, parseId } from '@blocktree/codec'
import type { FileEvent as Change, Files, LostEvents, WriteOptions } from '@blocktree/files'
import type { Handlers, Subscription } from '@blocktree/rpc'
import type { BulkWrites } from '../bulk-writes.ts'
import type { NodeParts } from '../create-node.ts'
import type { FileConflict, FileEvent, FileMethods, FileStatus, FileVersion } from '../method-table/file-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { childPath, optionalId, toFileStatus, toMetadataChange, toMoveAnswer, toWriteAnswer } from './answers.ts'

type FileHandlers = Handlers<FileMethods, Peer>
type ReadHandlers = Pick<
  FileHandlers,
  'file.stat' | 'file.list' | 'file.read' | 'file.get' | 'file.history' | 'file.conflicts' | 'file.watch'
>
type WriteHandlers = Omit<FileHandlers, keyof ReadHandlers>

export function createFileHandlers({ files, bulkWrites }: Pick<NodeParts, 'files' | 'bulkWrites'>): FileHandlers {
  return { ...readHandlers(files), ...contentHandlers(files, bulkWrites), ...placeHandlers(files) }
}

function readHandlers(files: Files): ReadHandlers {
  return {
    'file.stat'({ path, followLink }, { peer }) {
      const { actor } = peer.session
      const entry = files.stat(actor, path, { followLast: followLink ?? false })
      return toFileStatus(files, actor, path, entry)
    },
    async 'file.list'({ path, cursor, limit, order }, { peer }) {
      const { actor } = peer.session
      const page = await files.list(actor, path, {
        ...(cursor === undefined ? {} : { cursor }),
        ...(limit === undefined ? {} : { limit }),
        ...(order === undefined ? {} : { order })
      })
      const entries = page.entries.map((entry): FileStatus => toFileStatus(files, actor, childPath(path, entry.name), entry))
      return { entries, order: page.order, total: page.total, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) }
    },
    'file.read'({ path, offset, length }, { peer }) {
      const content = files.read(peer.session.actor, path, { offset: offset ?? 0, length: length ?? readBytesDefault })
      return { data: content.bytes, size: content.size, versionId: formatId(content.versionId) }
    },
    async 'file.get'({ path, offset, length, version }, { peer, download }) {
      const stream = files.readStream(peer.session.actor, path, {
        ...(offset === undefined ? {} : { offset }),
        ...(length === undefined ? {} : { length }),
        ...(version === undefined ? {} : { version: parseId(version) })
      })
      await download.writeAll(stream)
      return { size: stream.size, bytes: stream.length, versionId: formatId(stream.versionId) }
    },
    async 'file.history'({ path, limit }, { peer }) {
      const found = await files.history(peer.session.actor, path, limit === undefined ? {} : { limit })
      return { versions: found.map(toFileVersion) }
    },
    async 'file.conflicts'({ limit }, { peer }) {
      const found = await files.conflicts(peer.session.actor, limit === undefined ? {} : { limit })
      return { conflicts: found.map(toFileConflict) }
    },
    'file.watch'({ path, recursive, resume }, context) {
      const { actor } = context.peer.session
      const token = resume ?? files.watchToken
      const subscription = context.subscribe()
      const changes = files.watch(actor, path, { recursive: recursive ?? true, after: token, signal: subscription.signal })
      void forward(changes, subscription)
      return { subscription: subscription.id, token }
    }
  }
}

const readBytesDefault = 1024 * 1024 // what a call that names no length gets at most

async function forward(changes: AsyncIterable<Change | LostEvents>, subscription: Subscription<FileEvent>): Promise<void> {
  try {
    for await (const change of changes) subscription.emit(toFileEvent(change))
  } catch (error) {
    if (!subscription.signal.aborted) throw error
  } finally {
    subscription.end()
  }
}

function toFileEvent(change: Change | LostEvents): FileEvent {
  if (change.change === 'overrun') return { type: 'overrun', token: change.token }
  const { block, kind, path, token } = change
  return { type: change.change, id: formatId(block), kind, token, ...(path === undefined ? {} : { path }) }
}

function toFileVersion(found: Awaited<ReturnType<Files['history']>>[number]): FileVersion {
  const { version, name, size, modifiedMs } = found
  return {
    versionId: formatId(found.versionId),
    ...(version === undefined ? {} : { version }),
    label: found.label,
    writer: formatId(found.signer),
    isDeleted: found.deleted,
    ...(name === undefined ? {} : { name }),
    ...(size === undefined ? {} : { size }),
    ...(modifiedMs === undefined ? {} : { modifiedMs }),
    isCurrent: found.label === 'winner',
    isRestorable: found.restorable
  }
}

function toFileConflict({ entry, path, heads, labels }: Awaited<ReturnType<Files['conflicts']>>[number]): FileConflict {
  const named = [
    labels.selfFork ? 'selfFork' : '',
    labels.lostToRevocation ? 'lostToRevocation' : '',
    labels.quarantine.length > 0 ? 'quarantine' : '',
    labels.late.length > 0 ? 'late' : '',
    labels.pending.length > 0 ? 'pending' : '',
    labels.uncounted.length > 0 ? 'uncounted' : ''
  ]
  return {
    ...(path === undefined ? {} : { path }),
    id: formatId(entry.block),
    heads: heads.map(formatId),
    labels: named.filter((name) => name !== '')
  }
}

function expectation(ifVersion: string | undefined): Pick<WriteOptions, 'ifVersion'> {
  const id = optionalId(ifVersion)
  return id === undefined ? {} : { ifVersion: id }
}

type ContentHandlers = Pick<
  WriteHandlers,
  'file.create' | 'file.write' | 'file.append' | 'file.truncate' | 'file.put' | 'file.restore' | 'file.undelete' | 'file.resolve'
>

function contentHandlers(files: Files, bulkWrites: BulkWrites): ContentHandlers {
  return {
    'file.create': async ({ path, data, replace, ifVersion, ...metadata }, { peer }) =>
      toWriteAnswer(
        await files.create(peer.session.actor, path, data, {
          replace: replace ?? false,
          metadata: toMetadataChange(metadata),
          ...expectation(ifVersion)
        })
      ),
    'file.write': async ({ path, offset, data, ifVersion }, { peer }) =>
      toWriteAnswer(await files.write(peer.session.actor, path, offset, data, expectation(ifVersion))),
    'file.append': async ({ path, data, ifVersion }, { peer }) =>
      toWriteAnswer(await files.append(peer.session.actor, path, data, expectation(ifVersion))),
    'file.truncate': async ({ path, size, ifVersion }, { peer }) =>
      toWriteAnswer(await files.truncate(peer.session.actor, path, size, expectation(ifVersion))),
    async 'file.put'({ path, replace, ifVersion, ...metadata }, context) {
      const { peer, upload, signal } = context
      const options = {
        expectAbsent: replace === false,
        metadata: toMetadataChange(metadata),
        signal,
        onProgress: (done: number) => context.progress({ done, unit: 'bytes' }),
        ...expectation(ifVersion)
      }
      return toWriteAnswer(await bulkWrites.during(() => files.writeStream(peer.session.actor, path, upload, options)))
    },
    'file.restore': async ({ path, version, ifVersion }, { peer }) =>
      toWriteAnswer(await files.restore(peer.session.actor, path, parseId(version), expectation(ifVersion))),
    'file.undelete': async ({ path }, { peer }) => toWriteAnswer(await files.undelete(peer.session.actor, path)),
    async 'file.resolve'({ path, keep }, { peer }) {
      const kept = optionalId(keep)
      return toWriteAnswer(await files.resolveConflict(peer.session.actor, path, kept === undefined ? {} : { keep: kept }))
    }
  }
}

function placeHandlers(files: Files): Omit<WriteHandlers, keyof ContentHandlers> {
  return {
    'file.mkdir': async ({ path, parents, zone }, { peer }) =>
      toWriteAnswer(
        await files.makeDirectory(peer.session.actor, path, {
          parents: parents ?? false,
          ...(zone === true ? { zone } : zone === false ? { plain: true } : {})
        })
      ),
    'file.move': async ({ source, destination, replace, dropShares }, context) =>
      toMoveAnswer(
        await files.move(context.peer.session.actor, source, destination, {
          replace: replace ?? false,
          dropShares: dropShares ?? false,
          onProgress: (done) => context.progress({ done, unit: 'blocks' })
        })
      ),
    async 'file.copy'({ source, destination, recursive, replace }, context) {
      const { actor } = context.peer.session
      if (recursive !== true && files.stat(actor, source, { followLast: false }).kind === 'directory') {
        throw new NodeError('ERR_COPY_DIRECTORY', `"${source}" is a directory; ask for a recursive copy`)
      }
      const onProgress = (done: number): void => context.progress({ done, unit: 'blocks' })
      return toMoveAnswer(await files.copy(actor, source, destination, { replace: replace ?? false, onProgress }))
    },
    'file.remove': async ({ path, recursive }, context) =>
      await files.remove(context.peer.session.actor, path, {
        recursive: recursive ?? false,
        onProgress: (done) => context.progress({ done, unit: 'entries' })
      }),
    'file.symlink': async ({ path, target, replace }, { peer }) =>
      toWriteAnswer(await files.symlink(peer.session.actor, path, target, { replace: replace ?? false })),
    async 'file.setMetadata'({ path, ifVersion, followLink, ...metadata }, { peer }) {
      const options = { ...expectation(ifVersion), followLast: followLink ?? true }
      return toWriteAnswer(await files.setMetadata(peer.session.actor, path, toMetadataChange(metadata), options))
    }
  }
}
