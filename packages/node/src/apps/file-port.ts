/**
 * Files of the tree for one installation: every operation is done by the actor of the installation's principal, so the
 * caps and grants of the tree judge it after those of the app did. Symbolic links are not followed: what is reached by
 * a path is what lies there, whatever an owner linked into a folder that was granted.
 */
import type { HostFailure as Failure, FileChange, FileFacts, FilePort, TimerPort } from '@blocktree/apps'
import { HostFailure } from '@blocktree/apps'
import type { Host } from '@blocktree/app-package'
import { type Actor, type Entry, type FileEvent, type Files, FilesError } from '@blocktree/files'
import { StoreError } from '@blocktree/store'
import { TreeError } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { AppContent } from './app-content.ts'
import type { SpaceGuard } from '../space-guard.ts'
import { ToldChanges } from './told-changes.ts'

const sectorSizeDefault = 131_072 // of files made here (DESIGN 3); a hint, nothing depends on it

export interface FilePortDeps {
  readonly files: Files
  readonly actor: Actor
  /** Sees the whole tree; names what the installation may not. */
  readonly owner: Actor
  /** What apps write leaves the reserve of free space alone. */
  readonly space: Pick<SpaceGuard, 'expectRoom' | 'guarded'>
  readonly content: AppContent
  readonly timers: TimerPort
}

export function createFilePort(deps: FilePortDeps): FilePort {
  const { files, actor } = deps
  const plain = new PlainPaths(deps)
  const watches = new Map<ToldChanges, string>()
  const guarded = async <T>(act: () => T | Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      throw asHostFailure(error)
    }
  }
  return {
    stat: (path) => guarded(() => factsOf(placeOf(deps, path))),
    read: (path, { offset, length, version }) =>
      guarded(async () => {
        // a version is read of the block at the path alone, so what was seen of the path before is enough
        if (version !== undefined) plain.expectFile(path)
        const shown = version ?? fileOf(deps, path).versionId
        if (length === 0) return new Uint8Array(0)
        const range = { offset, length, isReadOnly: true }
        try {
          const release = await deps.content.hold(shown)
          try {
            return files.read(actor, path, version === undefined ? range : { ...range, version }).bytes
          } finally {
            release()
          }
        } catch (error) {
          if (isMissingContent(error)) tellLater(deps, watches, path)
          throw error
        }
      }),
    write: (path, content, { expected, mediaType }) =>
      guarded(async () => {
        expectNoLink(deps, path)
        const metadata = mediaType === undefined ? {} : { metadata: { mediaType } }
        const ifVersion = expected.kind === 'version' ? { ifVersion: expected.value } : {}
        const options = { ...metadata, ...ifVersion }
        const isNew = expected.kind === 'absent'
        if (content instanceof Uint8Array) {
          deps.space.expectRoom(content.byteLength)
          return (await files.create(actor, path, content, { ...options, replace: !isNew })).versionId
        }
        const parts = deps.space.guarded(content)
        return (await files.writeStream(actor, path, parts, { ...options, expectAbsent: isNew })).versionId
      }),
    makeDirectory: (path) =>
      guarded(async () => {
        expectNoLink(deps, path)
        deps.space.expectRoom(0)
        await files.makeDirectory(actor, path)
      }),
    list: (path, { after, limit }) =>
      guarded(async () => {
        expectNoSymlink(placeOf(deps, path))
        return await listPage(deps, path, after, limit)
      }),
    remove: (path, { isRecursive, expected }) =>
      guarded(async () => {
        const entry = placeOf(deps, path)
        if (expected.kind === 'absent') throw new HostFailure('conflict', 'what is removed is there')
        const ifVersion = expected.kind === 'version' ? { ifVersion: expected.value } : {}
        await files.remove(actor, path, {
          recursive: isRecursive && entry.kind === 'directory',
          ...ifVersion
        })
      }),
    move: (source, target) =>
      guarded(async () => {
        placeOf(deps, source)
        expectNoLink(deps, target)
        await files.move(actor, source, target)
      }),
    history: (path, limit) => guarded(() => historyOf(deps, path, limit)),
    storedBytes: (path) => guarded(() => storedBytes(deps, path)),
    watch: (path, { isRecursive }, onChange) => startWatch(deps, watches, path, isRecursive, onChange)
  }
}

/** What lies at the path itself. `not-found` when a link leads there. */
function placeOf({ files, actor, owner }: FilePortDeps, path: string): Entry {
  const entry = files.stat(actor, path, { followLast: false })
  if (files.pathOf(owner, entry.block) !== path) {
    throw new HostFailure('not-found', 'there is no such file: symbolic links are not followed')
  }
  return entry
}

function fileOf(deps: FilePortDeps, path: string): Entry {
  const entry = placeOf(deps, path)
  if (entry.kind === 'file') return entry
  throw new HostFailure('invalid', `it is a ${entry.kind}, no file`)
}

const plainPathsMax = 64

/**
 * Paths that were seen to lead to a file itself, by no link, until anything in the tree changes: an app reads a file in
 * many calls. What the actor may is not kept; every read asks it.
 */
class PlainPaths {
  readonly #deps: FilePortDeps
  readonly #seen = new Set<string>()
  #token: string | undefined

  constructor(deps: FilePortDeps) {
    this.#deps = deps
  }

  /** As `fileOf`. */
  expectFile(path: string): void {
    const token = this.#deps.files.watchToken
    if (token !== this.#token || this.#seen.size >= plainPathsMax) this.#seen.clear()
    this.#token = token
    if (this.#seen.has(path)) return
    fileOf(this.#deps, path)
    this.#seen.add(path)
  }
}

function expectNoSymlink({ kind }: Entry): void {
  if (kind === 'symlink') throw new HostFailure('not-found', 'symbolic links are not followed')
}

/** What is written is no link, and its directory is reached by none. */
function expectNoLink(deps: FilePortDeps, path: string): void {
  placeOf(deps, path.slice(0, path.lastIndexOf('/')))
  if (!deps.files.exists(deps.actor, path)) return
  if (placeOf(deps, path).kind === 'symlink')
    throw new HostFailure('invalid', 'a symbolic link is not written to')
}

function factsOf(entry: Entry): FileFacts {
  const { kind, size, metadata, block, version, versionId, conflict } = entry
  return {
    kind: kind === 'file' || kind === 'directory' ? kind : 'other',
    size,
    modified: metadata.modifiedMs === undefined ? undefined : metadata.modifiedMs * 1000,
    mediaType: metadata.mediaType,
    block,
    sequence: version,
    version: versionId,
    sectorSize: sectorSizeDefault,
    isConflicted: conflict
  }
}

/** Pages in the order of names; the last name of a page is the cursor, so nothing is kept between calls. */
async function listPage(
  { files, actor }: FilePortDeps,
  path: string,
  after: string | undefined,
  limit: number
): Promise<Host.EntryPage> {
  const page = await files.list(actor, path, { order: 'name', after: after ?? '', limit })
  const entries = page.entries.map((entry): Host.Entry => {
    const { kind, size, modified } = factsOf(entry)
    return { name: entry.name, kind, size, modified }
  })
  return { entries, next: page.cursor === undefined ? undefined : entries.at(-1)?.name }
}

async function historyOf(
  deps: FilePortDeps,
  path: string,
  limit: number
): Promise<readonly Host.VersionEntry[]> {
  fileOf(deps, path)
  const versions = await deps.files.history(deps.actor, path, { limit })
  return versions
    .filter(({ deleted }) => !deleted)
    .map(({ versionId, version, size, signer, modifiedMs, restorable }) => ({
      version: versionId,
      sequence: version ?? 0,
      size: restorable ? size : undefined,
      signer,
      modified: modifiedMs === undefined ? undefined : modifiedMs * 1000
    }))
}

async function storedBytes(deps: FilePortDeps, path: string): Promise<number> {
  if (!deps.files.exists(deps.actor, path)) return 0
  return await bytesOf(deps, path, placeOf(deps, path))
}

async function bytesOf(deps: FilePortDeps, path: string, entry: Entry): Promise<number> {
  if (entry.kind === 'directory') return await bytesBelow(deps, path)
  return entry.version === 1 ? entry.size : await bytesOfVersions(deps, path, entry)
}

async function bytesBelow(deps: FilePortDeps, path: string): Promise<number> {
  let bytes = 0
  let cursor: string | undefined
  do {
    const page = await deps.files.list(deps.actor, path, cursor === undefined ? {} : { cursor })
    for (const entry of page.entries) bytes += await bytesOf(deps, `${path}/${entry.name}`, entry)
    cursor = page.cursor
  } while (cursor !== undefined)
  return bytes
}

/** Of those that the history tells of; a longer one is not told whole, and its oldest versions count as its newest. */
async function bytesOfVersions({ files, actor }: FilePortDeps, path: string, entry: Entry): Promise<number> {
  const versions = await files.history(actor, path, { block: entry.block })
  const told = versions.reduce((sum, { restorable, size }) => sum + (restorable ? (size ?? 0) : 0), 0)
  return told + Math.max(0, entry.version - versions.length) * entry.size
}

const changeKinds: Readonly<Record<FileEvent['change'], FileChange['kind']>> = {
  created: 'created',
  changed: 'changed',
  moved: 'moved',
  deleted: 'removed',
  restored: 'restored',
  conflicted: 'conflicted',
  lost: 'changed'
}

function startWatch(
  deps: FilePortDeps,
  watches: Map<ToldChanges, string>,
  path: string,
  isRecursive: boolean,
  onChange: (changes: readonly FileChange[] | undefined) => void
): { close(): void } {
  const ended = new AbortController()
  let events: ReturnType<Files['watch']>
  try {
    expectNoSymlink(placeOf(deps, path))
    events = deps.files.watch(deps.actor, path, { recursive: isRecursive, signal: ended.signal })
  } catch (error) {
    throw asHostFailure(error)
  }
  const told = new ToldChanges({
    ...deps,
    tell(event, at) {
      if (event === undefined || at === undefined || !isWithin(at, path)) onChange(undefined)
      else onChange([{ kind: changeKinds[event.change], path: at }])
    }
  })
  watches.set(told, path)
  void follow(events, told, onChange).catch(() => onChange(undefined))
  return {
    close() {
      watches.delete(told)
      told.close()
      ended.abort()
    }
  }
}

function isMissingContent(error: unknown): boolean {
  const isOurs = error instanceof FilesError || error instanceof NodeError
  return isOurs && failures[error.code] === 'unreachable'
}

/** Watches of the place tell when the content that was not there for a read has come. */
function tellLater(
  { files, actor }: FilePortDeps,
  watches: ReadonlyMap<ToldChanges, string>,
  path: string
): void {
  if (watches.size === 0 || !files.exists(actor, path)) return
  const { block, kind, versionId } = files.stat(actor, path)
  for (const [told, root] of watches) {
    if (isWithin(path, root)) told.missed({ block, kind, path, versionId })
  }
}

/** Named by the owner: the installation's principal cannot open the names above its zone. What left the root has no name. */
async function follow(
  events: ReturnType<Files['watch']>,
  told: ToldChanges,
  onChange: (changes: undefined) => void
): Promise<void> {
  for await (const event of events) {
    if (event.change === 'overrun') onChange(undefined)
    else told.take(event)
  }
}

function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`)
}

const failures: Readonly<Record<string, Failure['failure']>> = {
  ERR_PATH_INVALID: 'invalid',
  ERR_PATH_DEPTH: 'invalid',
  ERR_FILE_NOT_FOUND: 'not-found',
  ERR_FILE_EXISTS: 'exists',
  ERR_FILE_NOT_DIRECTORY: 'not-found',
  ERR_FILE_IS_DIRECTORY: 'invalid',
  ERR_FILE_CHANGED: 'conflict',
  ERR_FILE_TOO_LARGE: 'too-large',
  ERR_FILE_RANGE: 'invalid',
  ERR_FILE_ELSEWHERE: 'unreachable',
  ERR_FILE_DAMAGED: 'unreachable', // or its content is not on this node yet
  ERR_DIRECTORY_NOT_EMPTY: 'conflict',
  ERR_DIRECTORY_INTO_ITSELF: 'invalid',
  ERR_ROOT_IMMUTABLE: 'denied',
  ERR_ACCESS_DENIED: 'denied',
  ERR_KEY_MISSING: 'denied',
  ERR_METADATA_INVALID: 'invalid',
  ERR_LIST_TOO_LARGE: 'too-large',
  ERR_VERSION_NOT_FOUND: 'not-found',
  ERR_VERSION_PRUNED: 'not-found',
  ERR_WATCH_LIMIT: 'busy',
  ERR_HEADER_RIGHT: 'denied',
  ERR_CAP_RIGHTS: 'denied',
  ERR_STORE_FULL: 'no-space',
  ERR_STORE_CLOSED: 'busy'
}

/** Of what a guest may know; anything else stays what it is, and is a fault of the node. */
function asHostFailure(error: unknown): unknown {
  const isKnown = [FilesError, TreeError, StoreError, NodeError].some((known) => error instanceof known)
  if (!isKnown || !(error instanceof Error) || !('code' in error)) return error
  const failure = failures[String(error.code)]
  return failure === undefined ? error : new HostFailure(failure, error.message, { cause: error })
}
