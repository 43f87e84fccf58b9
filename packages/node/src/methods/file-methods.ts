/** file.*: handlers over the file operations, in the name of the connection's principal. */
import { formatId, parseId } from '@blocktree/codec'
import type {
  Actor,
  FileContent,
  FileEvent as Change,
  Files,
  LostEvents,
  MoveReply,
  SettleReply,
  WriteOptions,
  WriteReply
} from '@blocktree/files'
import type { Handlers, RequestContext, Subscription } from '@blocktree/rpc'
import type { Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type {
  FileConflict,
  FileEvent,
  FileMethods,
  FileStatus,
  FileVersion,
  SettleAnswer,
  WriteAnswer
} from '../method-table/file-methods.ts'
import type { Wait, WritePromise } from '../method-table/write-promise.ts'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { withContent } from '../sync/read-content.ts'
import { pathIn } from '../tree-router.ts'
import {
  childPath,
  optionalId,
  toFileStatus,
  toMetadataChange,
  toMoveAnswer,
  toWriteAnswer
} from './answers.ts'

type FileHandlers = Handlers<FileMethods, Peer>
type ReadHandlers = Pick<
  FileHandlers,
  'file.stat' | 'file.list' | 'file.read' | 'file.get' | 'file.history' | 'file.conflicts' | 'file.watch'
>
type WriteHandlers = Omit<FileHandlers, keyof ReadHandlers>

type FileParts = Pick<
  NodeParts,
  'trees' | 'bulkWrites' | 'space' | 'log' | 'sync' | 'locks' | 'names' | 'promises'
>

export function createFileHandlers(parts: FileParts): FileHandlers {
  return { ...readHandlers(parts), ...contentHandlers(parts), ...placeHandlers(parts) }
}

/** The shown version of a file whose content is about to be read. */
function shownVersion(held: HeldTree, actor: Actor, path: string): Id {
  return held.files.stat(actor, path, { followLast: true }).versionId
}

function readHandlers({ trees, log, sync, names }: FileParts): ReadHandlers {
  return {
    'file.stat': ({ path, followLink }, { peer }) =>
      trees.within(peer.session, path, ({ files }, actor) => {
        const entry = files.stat(actor, path, { followLast: followLink ?? false })
        return toFileStatus(files, actor, path, entry)
      }),
    'file.list': ({ path, cursor, limit, order }, { peer }) =>
      trees.within(peer.session, path, async ({ files }, actor) => {
        const page = await files.list(actor, path, {
          ...(cursor === undefined ? {} : { cursor }),
          ...(limit === undefined ? {} : { limit }),
          ...(order === undefined ? {} : { order })
        })
        const entries = page.entries.map((entry): FileStatus =>
          toFileStatus(files, actor, childPath(path, entry.name), entry)
        )
        return {
          entries,
          order: page.order,
          total: page.total,
          ...(page.cursor === undefined ? {} : { cursor: page.cursor })
        }
      }),
    'file.read': ({ path, offset, length }, { peer, signal }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const { files } = held
        const version = (): Id => shownVersion(held, actor, path)
        const range = { offset: offset ?? 0, length: length ?? readBytesDefault }
        const read = (): FileContent => files.read(actor, path, range)
        const content = await withContent(sync, held, version, signal, read, range)
        return { data: content.bytes, size: content.size, versionId: formatId(content.versionId) }
      }),
    'file.get': ({ path, offset, length, version }, { peer, download, signal }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const { files } = held
        const wanted = version === undefined ? undefined : parseId(version)
        const shown = (): Id => wanted ?? shownVersion(held, actor, path)
        return await withContent(sync, held, shown, signal, async () => {
          const stream = files.readStream(actor, path, {
            ...(offset === undefined ? {} : { offset }),
            ...(length === undefined ? {} : { length }),
            ...(wanted === undefined ? {} : { version: wanted })
          })
          await download.writeAll(stream)
          return { size: stream.size, bytes: stream.length, versionId: formatId(stream.versionId) }
        })
      }),
    'file.history': ({ path, block, limit }, { peer }) =>
      trees.within(peer.session, path, async ({ files }, actor) => {
        const found = await files.history(actor, path, {
          ...(block === undefined ? {} : { block: parseId(block) }),
          ...(limit === undefined ? {} : { limit })
        })
        return { versions: found.map(toFileVersion) }
      }),
    async 'file.conflicts'({ limit }, { peer }) {
      const conflicts: FileConflict[] = []
      const limitMax = limit ?? conflictsDefault
      await trees.each(
        async (held) => {
          if (conflicts.length >= limitMax) return
          const page = { limit: limitMax - conflicts.length }
          const found = await held.files.conflicts(held.actorOf(peer.session.actor), page)
          const nameOf = names.current()
          for (const conflict of found) conflicts.push(toFileConflict(held, conflict, nameOf))
        },
        (tree, error) => log.warn('conflicts of a hosted tree are not known', { tree, error })
      )
      return { conflicts }
    },
    'file.watch': ({ path, recursive, resume }, context) =>
      trees.within(context.peer.session, path, (held, actor) => {
        const { files } = held
        const token = resume ?? files.watchToken
        const subscription = context.subscribe()
        const changes = files.watch(actor, path, {
          recursive: recursive ?? true,
          after: token,
          signal: subscription.signal
        })
        void forward(held, changes, subscription)
        return { subscription: subscription.id, token }
      })
  }
}

const conflictsDefault = 1000 // over all trees
const readBytesDefault = 1024 * 1024 // what a call that names no length gets at most

async function forward(
  held: HeldTree,
  changes: AsyncIterable<Change | LostEvents>,
  subscription: Subscription<FileEvent>
): Promise<void> {
  try {
    for await (const change of changes) subscription.emit(toFileEvent(held, change))
  } catch (error) {
    if (!subscription.signal.aborted) throw error
  } finally {
    subscription.end()
  }
}

function toFileEvent(held: HeldTree, change: Change | LostEvents): FileEvent {
  if (change.change === 'overrun') return { type: 'overrun', token: change.token }
  const { block, kind, path, token, versionId } = change
  return {
    type: change.change,
    id: formatId(block),
    kind,
    token,
    ...(versionId === undefined ? {} : { versionId: formatId(versionId) }),
    ...(path === undefined ? {} : { path: pathIn(held, path) })
  }
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

function toFileConflict(
  held: HeldTree,
  { block, entry, path, heads, labels }: Awaited<ReturnType<Files['conflicts']>>[number],
  nameOf: (id: Id) => string
): FileConflict {
  const writerOf = (version: Id): string => {
    const signer = held.tree.header(version)?.signer
    return signer === undefined ? '' : nameOf(signer)
  }
  const named = [
    labels.selfFork ? 'selfFork' : '',
    labels.lostToRevocation ? 'lostToRevocation' : '',
    labels.quarantine.length > 0 ? 'quarantine' : '',
    labels.late.length > 0 ? 'late' : '',
    labels.pending.length > 0 ? 'pending' : '',
    labels.uncounted.length > 0 ? 'uncounted' : ''
  ]
  return {
    ...(path === undefined ? {} : { path: pathIn(held, path) }),
    ...(held.isOwn ? {} : { treeId: held.name }),
    id: formatId(block),
    isShown: entry !== undefined,
    heads: heads.map(formatId),
    writers: heads.map(writerOf),
    labels: named.filter((name) => name !== '')
  }
}

function expectation(ifVersion: string | undefined): Pick<WriteOptions, 'ifVersion'> {
  const id = optionalId(ifVersion)
  return id === undefined ? {} : { ifVersion: id }
}

/** What a write names of a lock; undefined: it goes on whoever holds the lock. */
interface FencedWrite {
  readonly held: HeldTree
  readonly actor: Actor
  readonly path: string
  readonly fence: number | undefined
  /** The entry itself, also when it is a link. */
  readonly isEntry?: boolean
}

/** @throws ERR_LOCK_FENCED, ERR_LOCK_HOSTED */
async function underFence<Result>(
  { locks }: Pick<FileParts, 'locks'>,
  { held, actor, path, fence, isEntry = false }: FencedWrite,
  write: () => Promise<Result>
): Promise<Result> {
  return fence === undefined
    ? await write()
    : await locks.fenced(lockedBlock(held, actor, path, !isEntry), fence, write)
}

/** A stream may take longer than the lease: its token is looked at before the first byte and after the last. */
async function* fencedSource(
  { locks }: Pick<FileParts, 'locks'>,
  block: Id,
  fence: number,
  source: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  await locks.expectToken(block, fence)
  yield* source
  await locks.expectToken(block, fence)
}

function lockedBlock(held: HeldTree, actor: Actor, path: string, followLast = true): Id {
  if (held.isOwn) return held.files.stat(actor, path, { followLast }).block
  throw new NodeError('ERR_LOCK_HOSTED', `"${path}" is in a tree of somebody else: locks are given there`)
}

type ContentHandlers = Pick<
  WriteHandlers,
  | 'file.create'
  | 'file.write'
  | 'file.append'
  | 'file.truncate'
  | 'file.put'
  | 'file.restore'
  | 'file.undelete'
  | 'file.resolve'
  | 'file.settle'
>

/** A write in the tree of a path, in the name of who asks. */
interface PathWrite {
  readonly context: Pick<RequestContext<Peer, never>, 'peer' | 'signal'>
  readonly path: string
  readonly wait: Wait | undefined
}

type HeldWrite = (held: HeldTree, actor: Actor) => Promise<WriteReply>

/** Writes, and answers with what is promised of it. */
function answered(
  { trees, promises }: FileParts,
  { context: { peer, signal }, path, wait }: PathWrite,
  write: HeldWrite
): Promise<WriteAnswer> | WriteAnswer {
  return trees.within(peer.session, path, async (held, actor) =>
    toWriteAnswer(
      await promises.stated({ held, actor, wait, signal }, () => write(held, actor), writtenBlock)
    )
  )
}

function toSettleAnswer(held: HeldTree, { kept, settled }: SettleReply, promise: WritePromise): SettleAnswer {
  const where =
    kept === undefined
      ? {}
      : { path: pathIn(held, kept.path), id: formatId(kept.block), versionId: formatId(kept.versionId) }
  return { ...where, settled, promise }
}

function writtenBlock({ block }: { readonly block: Id }): Id {
  return block
}

function contentHandlers(parts: FileParts): ContentHandlers {
  const { trees, bulkWrites, space, locks, sync, promises } = parts
  const fenced = (write: PathWrite, fence: number | undefined, run: HeldWrite): ReturnType<typeof answered> =>
    answered(parts, write, (held, actor) =>
      underFence({ locks }, { held, actor, path: write.path, fence }, () => run(held, actor))
    )
  /** A part of a file is written: the sectors around it are read. */
  const changing =
    (path: string, signal: AbortSignal, write: HeldWrite): HeldWrite =>
    async (held, actor) =>
      held.files.exists(actor, path)
        ? await withContent(
            sync,
            held,
            () => shownVersion(held, actor, path),
            signal,
            () => write(held, actor)
          )
        : await write(held, actor)
  return {
    'file.create': ({ path, data, replace, ifVersion, fence, wait, ...metadata }, context) => {
      space.expectRoom(data.length)
      const options = {
        replace: replace ?? false,
        metadata: toMetadataChange(metadata),
        ...expectation(ifVersion)
      }
      return fenced({ context, path, wait }, fence, ({ files }, actor) =>
        files.create(actor, path, data, options)
      )
    },
    'file.write': ({ path, offset, data, ifVersion, fence, wait }, context) => {
      space.expectRoom(data.length)
      const options = expectation(ifVersion)
      return fenced(
        { context, path, wait },
        fence,
        changing(path, context.signal, ({ files }, actor) => files.write(actor, path, offset, data, options))
      )
    },
    'file.append': ({ path, data, ifVersion, fence, wait }, context) => {
      space.expectRoom(data.length)
      const options = expectation(ifVersion)
      return fenced(
        { context, path, wait },
        fence,
        changing(path, context.signal, ({ files }, actor) => files.append(actor, path, data, options))
      )
    },
    'file.truncate': ({ path, size, ifVersion, fence, wait }, context) => {
      space.expectRoom(0)
      const options = expectation(ifVersion)
      return fenced(
        { context, path, wait },
        fence,
        changing(path, context.signal, ({ files }, actor) => files.truncate(actor, path, size, options))
      )
    },
    'file.put': ({ path, replace, ifVersion, fence, wait, ...metadata }, context) => {
      const { upload, signal } = context
      const options = {
        expectAbsent: replace === false,
        metadata: toMetadataChange(metadata),
        signal,
        onProgress: (done: number) => context.progress({ done, unit: 'bytes' }),
        ...expectation(ifVersion)
      }
      return answered(parts, { context, path, wait }, (held, actor) => {
        const source = space.guarded(upload)
        const block = fence === undefined ? undefined : lockedBlock(held, actor, path)
        const content =
          block === undefined || fence === undefined ? source : fencedSource({ locks }, block, fence, source)
        return bulkWrites.during(() => held.files.writeStream(actor, path, content, options))
      })
    },
    'file.restore': ({ path, version, ifVersion, fence, wait }, context) => {
      space.expectRoom(0)
      const options = expectation(ifVersion)
      return fenced({ context, path, wait }, fence, ({ files }, actor) =>
        files.restore(actor, path, parseId(version), options)
      )
    },
    'file.undelete': ({ path, wait }, context) => {
      space.expectRoom(0)
      return answered(parts, { context, path, wait }, ({ files }, actor) => files.undelete(actor, path))
    },
    'file.resolve': ({ path, keep, drop = false, wait }, context) => {
      const kept = optionalId(keep)
      const options = { drop, ...(kept === undefined ? {} : { keep: kept }) }
      return answered(parts, { context, path, wait }, ({ files }, actor) =>
        files.resolveConflict(actor, path, options)
      )
    },
    'file.settle': ({ block, treeId, keep, path, drop = false, wait }, context) => {
      const { peer, signal } = context
      const kept = optionalId(keep)
      if (kept === undefined && !drop) {
        const message = 'nothing of it is shown: keep one of its versions, or drop all of them'
        throw new NodeError('ERR_CONFLICT_UNDECIDED', message)
      }
      space.expectRoom(0)
      const id = parseId(block)
      const tree = treeId === undefined ? undefined : `/${treeId}`
      return trees.within(peer.session, tree ?? path, async (held, actor) => {
        const choice = {
          signal,
          ...(kept === undefined ? {} : { keep: kept }),
          ...(path === undefined ? {} : { path })
        }
        const settle = (): Promise<SettleReply> => held.files.settleUnshown(actor, id, choice)
        const write = (): Promise<SettleReply> =>
          kept === undefined ? settle() : withContent(sync, held, () => kept, signal, settle)
        const { reply, promise } = await promises.stated(
          { held, actor, wait, signal },
          write,
          (settled) => settled.kept?.block ?? id
        )
        return toSettleAnswer(held, reply, promise)
      })
    }
  }
}

function placeHandlers(parts: FileParts): Omit<WriteHandlers, keyof ContentHandlers> {
  const { trees, space, locks, promises } = parts
  return {
    'file.mkdir': ({ path, parents, zone, wait }, context) => {
      space.expectRoom(0)
      const options = {
        parents: parents ?? false,
        ...(zone === true ? { zone } : zone === false ? { plain: true } : {})
      }
      return answered(parts, { context, path, wait }, ({ files }, actor) =>
        files.makeDirectory(actor, path, options)
      )
    },
    'file.move': ({ source, destination, replace, dropShares, fence, wait }, context) => {
      space.expectRoom(0)
      const { peer, signal } = context
      return trees.withinOne(peer.session, [source, destination], async (held, actor) => {
        const move = (): Promise<MoveReply> =>
          held.files.move(actor, source, destination, {
            replace: replace ?? false,
            dropShares: dropShares ?? false,
            onProgress: (done) => context.progress({ done, unit: 'blocks' })
          })
        const write = (): Promise<MoveReply> =>
          underFence({ locks }, { held, actor, path: source, fence, isEntry: true }, move)
        return toMoveAnswer(await promises.stated({ held, actor, wait, signal }, write, writtenBlock))
      })
    },
    'file.copy': ({ source, destination, recursive, replace, fence, wait }, context) => {
      space.expectRoom(0)
      const { peer, signal } = context
      return trees.withinOne(peer.session, [source, destination], async (held, actor) => {
        const { files } = held
        if (recursive !== true && files.stat(actor, source, { followLast: false }).kind === 'directory') {
          throw new NodeError('ERR_COPY_DIRECTORY', `"${source}" is a directory; ask for a recursive copy`)
        }
        const onProgress = (done: number): void => context.progress({ done, unit: 'blocks' })
        const copy = (): Promise<MoveReply> =>
          files.copy(actor, source, destination, { replace: replace ?? false, onProgress })
        const write = (): Promise<MoveReply> =>
          underFence({ locks }, { held, actor, path: destination, fence, isEntry: true }, copy)
        return toMoveAnswer(await promises.stated({ held, actor, wait, signal }, write, writtenBlock))
      })
    },
    'file.remove': ({ path, recursive, fence, wait }, context) =>
      trees.within(context.peer.session, path, async (held, actor) => {
        const remove = (): ReturnType<Files['remove']> =>
          held.files.remove(actor, path, {
            recursive: recursive ?? false,
            onProgress: (done) => context.progress({ done, unit: 'entries' })
          })
        // what is removed is found no more afterwards
        const block = promises.hasOthers(held)
          ? held.files.stat(actor, path, { followLast: false }).block
          : undefined
        const { reply, promise } = await promises.stated(
          { held, actor, wait, signal: context.signal },
          () => underFence({ locks }, { held, actor, path, fence }, remove),
          () => block
        )
        return { ...reply, promise }
      }),
    'file.symlink': ({ path, target, replace, fence, wait }, context) => {
      space.expectRoom(0)
      return answered(parts, { context, path, wait }, (held, actor) =>
        underFence({ locks }, { held, actor, path, fence, isEntry: true }, () =>
          held.files.symlink(actor, path, target, { replace: replace ?? false })
        )
      )
    },
    'file.setMetadata': ({ path, ifVersion, fence, followLink, wait, ...metadata }, context) => {
      space.expectRoom(0)
      const options = { ...expectation(ifVersion), followLast: followLink ?? true }
      return answered(parts, { context, path, wait }, (held, actor) =>
        underFence({ locks }, { held, actor, path, fence }, () =>
          held.files.setMetadata(actor, path, toMetadataChange(metadata), options)
        )
      )
    }
  }
}
