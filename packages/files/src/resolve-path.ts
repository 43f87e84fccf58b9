/**
 * From a path to a block: one look-up in the name index a component, symbolic links followed with a limit. A
 * directory that the actor cannot read may be passed through by someone who knows the exact name below it, as with
 * the `x` bit of a POSIX directory; whether a name exists in it is told to nobody who cannot read it.
 */
import { type BlockSummary, type Id, blockKind } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { parseFilePath, parseLastName } from './file-path.ts'
import {
  type FilesContext,
  accessDenied,
  canReadZone,
  mayKnowOf,
  rootBlock,
  zoneOfChildren
} from './files-context.ts'
import { FilesError } from './files-error.ts'
import { pathDepthMax, symlinksFollowedMax } from './limits.ts'
import { blockByShownName } from './shown-name.ts'
import { readSymlinkTarget } from './symlink-target.ts'

/** A live block that the view shows. */
export interface Place {
  readonly block: Id
  readonly summary: BlockSummary
}

/** The directory of a path and its last component, which may be taken or free. */
export interface NamedPlace {
  readonly directory: Place
  readonly name: string
  readonly existing: Place | undefined
  /** The path as the caller gave it. */
  readonly path: string
}

interface Walk {
  readonly path: string
  /** Directories from the root to here. */
  readonly stack: Place[]
  /** Components still to go, the next one last. */
  readonly pending: string[]
  links: number
}

/** @throws ERR_FILE_NOT_FOUND, ERR_FILE_NOT_DIRECTORY, ERR_ACCESS_DENIED, ERR_SYMLINK_LOOP, ERR_SYMLINK_TARGET, ERR_PATH_* */
export function resolvePath(
  context: FilesContext,
  actor: Actor,
  path: string,
  options?: { readonly followLast?: boolean }
): Place {
  const known = knownDirectory(context, path)
  const child = known === undefined ? undefined : childByName(context, known.directory, known.name)
  const isFollowed = child?.summary.kind === blockKind.symlink && options?.followLast !== false
  if (child !== undefined && !isFollowed) return child
  const walk = startWalk(context, path, parseFilePath(context, path))
  const place = advance(context, actor, walk, options?.followLast ?? true)
  if (place === undefined) throw missing(context, actor, walk)
  return place
}

/** As `resolvePath`, and ERR_ACCESS_DENIED for what the actor may not be told of. */
export function resolveKnown(
  context: FilesContext,
  actor: Actor,
  path: string,
  options?: { readonly followLast?: boolean }
): Place {
  const place = resolvePath(context, actor, path, options)
  if (mayKnowOf(context, actor, place.summary)) return place
  throw accessDenied(path)
}

/** The place of the last component without following it; its directory must exist. ERR_ROOT_IMMUTABLE for the root. */
export function resolveName(context: FilesContext, actor: Actor, path: string): NamedPlace {
  const known = knownDirectory(context, path)
  if (known !== undefined) {
    return { ...known, existing: existingChild(context, actor, { ...known, path }), path }
  }
  const components = parseFilePath(context, path)
  const name = components.at(-1)
  if (name === undefined) {
    throw new FilesError('ERR_ROOT_IMMUTABLE', `"${path}" is the root of the tree: name something in it`, {
      path
    })
  }
  const walk = startWalk(context, path, components.slice(0, -1))
  const directory = advance(context, actor, walk, true)
  if (directory === undefined) throw missing(context, actor, walk)
  if (directory.summary.kind !== blockKind.directory) {
    throw mayKnowOf(context, actor, directory.summary)
      ? notDirectory(path, components.at(-2) ?? '/')
      : accessDenied(path)
  }
  const slash = path.lastIndexOf('/')
  // a path that ends in "/" or names only the tree has its directory elsewhere; what a link leads to is told again to
  // each actor, since not all can read the link
  if (walk.links === 0 && slash > 0 && slash < path.length - 1 && components.length > 1) {
    context.directories.set(path.slice(0, slash), directory.summary)
  }
  return { directory, name, existing: existingChild(context, actor, { directory, name, path }), path }
}

/** What has the name already; ERR_ACCESS_DENIED for somebody who may not be told of it. */
function existingChild(
  context: FilesContext,
  actor: Actor,
  { directory, name, path }: Omit<NamedPlace, 'existing'>
): Place | undefined {
  const existing = childByName(context, directory, name)
  if (existing !== undefined && !mayKnowOf(context, actor, existing.summary)) throw accessDenied(path)
  return existing
}

/** The directory of a path whose text was resolved before, and the last name; ERR_PATH_NAME and its like. */
export function knownDirectory(
  context: FilesContext,
  path: string
): { readonly directory: Place; readonly name: string } | undefined {
  const slash = path.lastIndexOf('/')
  if (slash <= 0 || slash === path.length - 1) return undefined
  const summary = context.directories.get(path.slice(0, slash))
  if (summary === undefined) return undefined
  const directory = { block: summary.block, summary }
  return { directory, name: parseLastName(path, path.slice(slash + 1)) }
}

/** A directory, links followed. */
export function resolveDirectory(context: FilesContext, actor: Actor, path: string): Place {
  const place = resolvePath(context, actor, path)
  if (place.summary.kind !== blockKind.directory) {
    throw mayKnowOf(context, actor, place.summary) ? notDirectory(path, path) : accessDenied(path)
  }
  return place
}

/** The child that the view shows under this name; undefined when there is none. */
export function childByName(context: FilesContext, directory: Place, name: string): Place | undefined {
  const block = blockByShownName(context, directory.summary, name)
  return block === undefined ? undefined : placeOf(context, block)
}

export function placeOf(context: FilesContext, block: Id): Place | undefined {
  const summary = context.tree.blockSummary(block)
  if (summary === undefined || summary.heads.length === 0) return undefined
  return summary.deleted && !summary.revived ? undefined : { block, summary }
}

function startWalk(context: FilesContext, path: string, components: readonly string[]): Walk {
  const root = placeOf(context, rootBlock(context))
  if (root === undefined) {
    throw new FilesError('ERR_FILE_NOT_FOUND', `"${path}": the root of the tree is not held here`, { path })
  }
  return { path, stack: [root], pending: components.toReversed(), links: 0 }
}

function advance(context: FilesContext, actor: Actor, walk: Walk, followLast: boolean): Place | undefined {
  for (let name = walk.pending.pop(); name !== undefined; name = walk.pending.pop()) {
    const at = top(walk)
    if (name === '.') continue
    if (name === '..') {
      leave(walk)
      continue
    }
    if (at.summary.kind !== blockKind.directory) {
      throw mayKnowOf(context, actor, at.summary) ? notDirectory(walk.path, name) : accessDenied(walk.path)
    }
    const child = childByName(context, at, name)
    if (child === undefined) {
      walk.pending.push(name)
      return undefined
    }
    if (child.summary.kind === blockKind.symlink && (followLast || walk.pending.length > 0)) {
      follow(context, actor, walk, child)
    } else if (walk.stack.length > pathDepthMax) throw tooDeep(walk.path)
    else walk.stack.push(child)
  }
  return top(walk)
}

function follow(context: FilesContext, actor: Actor, walk: Walk, link: Place): void {
  if (++walk.links > symlinksFollowedMax) {
    throw new FilesError(
      'ERR_SYMLINK_LOOP',
      `"${walk.path}" leads over more than ${symlinksFollowedMax} symbolic links: is there a loop?`,
      { path: walk.path }
    )
  }
  const target = readSymlinkTarget(context, actor, link.block, walk.path)
  const components = target.split('/').filter((component) => component !== '')
  if (target.startsWith('/')) walk.stack.length = 1
  if (components.length + walk.pending.length > pathDepthMax * 2) throw tooDeep(walk.path)
  walk.pending.push(...components.toReversed())
}

/** `..` appears in targets of symbolic links only; paths of callers are refused with it. */
function leave(walk: Walk): void {
  if (walk.stack.length === 1) {
    throw new FilesError(
      'ERR_SYMLINK_TARGET',
      `"${walk.path}": a symbolic link leads above the root of the tree`,
      {
        path: walk.path
      }
    )
  }
  walk.stack.pop()
}

function top(walk: Walk): Place {
  const place = walk.stack.at(-1)
  if (place === undefined) throw new Error('a walk always holds its root')
  return place
}

/** Says "not found" only to someone who could list the directory. */
function missing(context: FilesContext, actor: Actor, walk: Walk): FilesError {
  const at = top(walk)
  const name = walk.pending.at(-1) ?? ''
  const { path } = walk
  if (!canReadZone(context, actor, zoneOfChildren(at.summary))) return accessDenied(path)
  return new FilesError('ERR_FILE_NOT_FOUND', `"${path}": there is no "${name}"`, { path })
}

function notDirectory(path: string, name: string): FilesError {
  return new FilesError(
    'ERR_FILE_NOT_DIRECTORY',
    `"${path}": what comes before "${name}" is not a directory`,
    { path }
  )
}

function tooDeep(path: string): FilesError {
  return new FilesError(
    'ERR_PATH_DEPTH',
    `"${path.slice(0, 200)}" has more than ${pathDepthMax} components`,
    { path }
  )
}
