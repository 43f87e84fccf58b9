/**
 * Versions in blocks of which nothing is shown: they were written apart while the block was removed for good (a buried id
 * never lives again, spec 08, 8.10), lost their right, or wait for what they stand upon. One of them may be kept as a new
 * file; all of them end below a tombstone, so that nothing waits for anybody and the block may be given up.
 */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  type BlockState,
  type HeaderRecord,
  type Id,
  type LocalRecord,
  blockKind,
  blockState,
  limits
} from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { contentReader } from './content.ts'
import { type FilesContext, openFor } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { heldVersion } from './held-version.ts'
import { makeDirectory } from './make-directory.ts'
import { makeSymlink } from './make-symlink.ts'
import { pathOfBlock } from './path-of-block.ts'
import { versionStream } from './read-file.ts'
import { type WriteOptions, type WriteReply, writeStream } from './write-file.ts'
import { makeVersion, openOrDeny } from './write-version.ts'

export interface SettleOptions extends Pick<WriteOptions, 'durability'> {
  /** A version to bring back as a new file, directory or link; undefined: none. */
  readonly keep?: Id
  /** Where to; default where it was, when that can be named and is free. */
  readonly path?: string
  readonly signal?: AbortSignal
}

export interface SettleReply {
  /** Of what was kept; undefined when all versions were given up. */
  readonly kept: (WriteReply & { readonly path: string }) | undefined
  /** Versions that wait for nobody any more. */
  readonly settled: number
}

/** Versions beside what is shown that no other one of them follows. */
export function besideOf({ tree }: FilesContext, block: Id, keep?: Id): readonly Id[] {
  const labels = tree.blockState(block)?.labels
  if (labels === undefined) return []
  const beside = [...labels.quarantine, ...labels.late, ...labels.pending].filter(
    (id) => keep === undefined || !equalBytes(id, keep)
  )
  const followed = beside.flatMap((id) => tree.header(id)?.body.prev ?? [])
  return beside.filter((id) => !followed.some((other) => equalBytes(other, id)))
}

/** Where a version of a block that is not shown says that it is; undefined when the actor cannot name that. */
export function formerPath(context: FilesContext, actor: Actor, header: HeaderRecord): string | undefined {
  const { parent } = header.body
  const name = openFor(context, actor, header)?.name
  const directory = parent === undefined ? undefined : pathOfBlock(context, actor, parent)
  if (name === undefined || directory === undefined) return undefined
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/**
 * Ends a conflict in a block of which nothing is shown. First what is kept is written, then the rest is settled: a crash
 * in between leaves the conflict.
 * @throws ERR_CONFLICT_NONE, ERR_VERSION_NOT_FOUND, ERR_FILE_EXISTS, ERR_FILE_NOT_FOUND, ERR_ACCESS_DENIED
 */
export async function settleUnshown(
  context: FilesContext,
  actor: Actor,
  block: Id,
  options: SettleOptions = {}
): Promise<SettleReply> {
  const state = context.tree.blockState(block)
  const beside = besideOf(context, block)
  if (state === undefined || state.winner !== undefined || beside.length === 0) {
    throw new FilesError(
      'ERR_CONFLICT_NONE',
      `nothing of the block ${formatId(block)} waits unseen; "conflicts" lists what does`
    )
  }
  // before anything is written: who may not settle keeps nothing either
  const tombstones = Array.from({ length: Math.ceil(beside.length / limits.previousMax) }, (_, index) =>
    tombstoneAbove(
      context,
      actor,
      state,
      beside.slice(index * limits.previousMax, (index + 1) * limits.previousMax)
    )
  )
  const kept =
    options.keep === undefined ? undefined : await keepAsNew(context, actor, block, options.keep, options)
  const durability = options.durability ?? context.durability
  for (const records of tombstones) await context.tree.commitLocal({ records }, { durability })
  return { kept, settled: beside.length }
}

async function keepAsNew(
  context: FilesContext,
  actor: Actor,
  block: Id,
  version: Id,
  options: SettleOptions
): Promise<WriteReply & { readonly path: string }> {
  const shown = options.path ?? `block ${formatId(block)}`
  const header = heldVersion(context, block, version, shown)
  const { metadata, size } = openOrDeny(context, actor, header, shown)
  const path = options.path ?? formerPath(context, actor, header)
  if (path === undefined) {
    throw new FilesError(
      'ERR_FILE_NOT_FOUND',
      `the directory in which ${shown} was is gone: say at which path to keep it`
    )
  }
  const { durability, signal } = options
  const write = {
    ...(durability === undefined ? {} : { durability }),
    metadata: { modifiedMs: metadata.modifiedMs }
  }
  const { kind } = header.body.birth
  if (kind === blockKind.directory) return { ...(await makeDirectory(context, actor, path, write)), path }
  if (kind === blockKind.symlink) {
    const opened = openOrDeny(context, actor, header, path)
    const target = new TextDecoder().decode(contentReader(context, header, opened)?.read(0, size))
    return { ...(await makeSymlink(context, actor, path, target, write)), path }
  }
  const content = versionStream(context, actor, header, path)
  const reply = await writeStream(context, actor, path, content, {
    ...write,
    expectAbsent: true,
    ...(signal === undefined ? {} : { signal })
  })
  return { ...reply, path }
}

/** In a buried block too, what lies below a tombstone has no label. */
function tombstoneAbove(
  context: FilesContext,
  actor: Actor,
  state: BlockState,
  versions: readonly Id[]
): readonly LocalRecord[] {
  const [first = state.block] = versions
  const header = heldVersion(context, state.block, first, `block ${formatId(state.block)}`)
  const located = { summary: state, header, version: 0 }
  const path = formerPath(context, actor, header) ?? `block ${formatId(state.block)}`
  const change = { from: header, settles: versions, state: blockState.deleted }
  return makeVersion(context, actor, located, change, path).records
}
