/** files.*: the tree as an app sees it, through its grants. */
import type { Host } from '@blocktree/app-package'
import { type GuestPath, parseGuestPath, treePath } from '../grant-path.ts'
import type { CallContext, HandlerGroup } from '../host-context.ts'
import { HostFailure, fail } from '../host-failure.ts'
import { historyEntriesMax, listEntriesMax } from '../limits.ts'
import { OpenFile } from '../open-file.ts'
import type { FileFacts } from '../ports.ts'

export const fileCalls: HandlerGroup<'files'> = {
  'files.read-file': ({ path, offset, length }, call) => {
    expectLength(call, length)
    return call.files.read(treePath(call.grants, path, 'read'), { offset, length })
  },

  'files.write-file': async ({ path, content, options }, call) => {
    const target = treePath(call.grants, path, 'write')
    await expectWritable(call, path, target, options.expected)
    await expectLock(call, target, options.token)
    const { expected, mediaType } = options
    return await call.files.write(target, content, { expected, mediaType })
  },

  'files.open': async ({ path, mode }, call) => {
    call.handles.expectRoom('file')
    const guestPath = parseGuestPath(path)
    const facts = await openedFacts(call, guestPath, mode)
    if (facts !== undefined && facts.kind !== 'file') return fail('invalid', `${path} is a ${facts.kind}`)
    return add(call, guestPath, mode, facts)
  },

  'files.open-version': async ({ path, version }, call) => {
    call.handles.expectRoom('file')
    const guestPath = parseGuestPath(path)
    const target = treePath(call.grants, guestPath, 'read')
    const versions = await call.files.history(target, historyEntriesMax)
    const found = versions.find((entry) => isEqual(entry.version, version))
    if (found?.size === undefined)
      return fail('not-found', `${path} has no such version that is still stored`)
    return add(call, guestPath, onlyRead, { size: found.size, version })
  },

  'files.read': ({ handle, offset, length }, call) => {
    expectLength(call, length)
    return call.handles.get('file', handle).read(offset, length)
  },

  'files.write': async ({ handle, offset, content }, call) => {
    await call.handles.get('file', handle).write(offset, content)
    return undefined
  },

  'files.set-size': ({ handle, size }, call) => {
    call.handles.get('file', handle).setSize(size)
    return undefined
  },

  'files.commit': async ({ handle, options }, call) => {
    const file = call.handles.get('file', handle)
    if (options.token !== undefined) await expectLock(call, file.lockedPath(), options.token)
    return await file.commit(options.expected, options.mediaType)
  },

  'files.close': ({ handle }, call) => {
    call.handles.get('file', handle)
    call.handles.close(handle)
    return undefined
  },

  'files.create-directory': async ({ path }, call) => {
    await call.files.makeDirectory(treePath(call.grants, path, 'create'))
    return undefined
  },

  'files.list-directory': ({ path, after, limit }, call) => {
    const target = treePath(call.grants, path, 'list')
    return call.files.list(target, { after, limit: Math.max(1, Math.min(limit, listEntriesMax)) })
  },

  'files.stat': async ({ path }, call) => {
    const facts = await call.files.stat(treePath(call.grants, path, 'list'))
    const { isConflicted, ...rest } = facts
    return { ...rest, conflict: isConflicted }
  },

  'files.remove': async ({ path, recursive, expected }, call) => {
    const guestPath = parseGuestPath(path)
    if (guestPath.below.length === 0) return fail('invalid', `${path} is what was granted itself; it stays`)
    const target = treePath(call.grants, guestPath, 'remove')
    await call.files.remove(target, { isRecursive: recursive, expected })
    return undefined
  },

  'files.move-entry': async ({ source, target }, call) => {
    const from = parseGuestPath(source)
    const to = parseGuestPath(target)
    if (from.grant !== to.grant)
      return fail('invalid', 'source and target lie in different grants; copy, then remove')
    if (from.below.length === 0 || to.below.length === 0)
      return fail('invalid', 'what was granted itself stays')
    const sourcePath = treePath(call.grants, from, 'remove')
    await call.files.move(sourcePath, treePath(call.grants, to, 'create'))
    return undefined
  },

  'files.history': ({ path, limit }, call) =>
    call.files.history(treePath(call.grants, path, 'read'), Math.max(1, Math.min(limit, historyEntriesMax)))
}

const onlyRead: Host.OpenMode = { read: true, write: false, create: false, exclusive: false, truncate: false }

function add(
  call: CallContext,
  path: GuestPath,
  mode: Host.OpenMode,
  facts: Pick<FileFacts, 'size' | 'version'> | undefined
): Host.Opened {
  const { files, grants } = call
  const size = facts?.size ?? 0
  const version = facts?.version
  const file = new OpenFile({ files, grants, path, mode, size, version })
  const handle = call.handles.add('file', call.process, file)
  return { handle, size: mode.truncate ? 0 : size, version }
}

/** undefined when it is to be made. */
async function openedFacts(
  call: CallContext,
  path: GuestPath,
  mode: Host.OpenMode
): Promise<FileFacts | undefined> {
  if (!mode.read && !mode.write)
    return fail('invalid', 'a file is opened for reading, for writing, or for both')
  if (!mode.write && (mode.create || mode.truncate)) {
    return fail('invalid', 'create and truncate belong to a file that is opened for writing')
  }
  if (mode.read) treePath(call.grants, path, 'read')
  if (mode.create) treePath(call.grants, path, 'create')
  const target = treePath(call.grants, path, mode.write ? 'write' : 'read')
  const facts = await call.files.stat(target).catch(absent)
  if (facts === undefined && !mode.create) return fail('not-found', 'there is no such file')
  if (facts !== undefined && mode.exclusive) return fail('exists', 'there is something of this name already')
  return facts
}

/** A write makes the file when it is absent, which takes the right for that. */
async function expectWritable(
  call: CallContext,
  path: string,
  target: string,
  expected: Host.Expectation
): Promise<void> {
  if (expected.kind === 'version') return
  const facts = expected.kind === 'absent' ? undefined : await call.files.stat(target).catch(absent)
  if (facts === undefined) treePath(call.grants, path, 'create')
}

async function expectLock(call: CallContext, target: string, token: number | undefined): Promise<void> {
  if (token === undefined) return
  const { block } = await call.files.stat(target)
  await call.locks.expectToken(block.toHex(), token)
}

function expectLength(call: CallContext, length: number): void {
  if (length > call.limits.payloadBytes) {
    fail('too-large', `${length} bytes do not fit one call; this app may have ${call.limits.payloadBytes}`)
  }
}

export function absent(error: unknown): undefined {
  if (error instanceof HostFailure && error.failure === 'not-found') return undefined
  throw error
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])
}
