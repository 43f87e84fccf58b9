/** What a caller is told about a block. */
import type { BlockKind, BlockMetadata, HeaderPrivate, Id } from '@blocktree/tree'
import { blockKind, noMetadata } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type FilesContext, type Located, locate, openFor } from './files-context.ts'
import { shownName } from './shown-name.ts'

export type EntryKind = 'directory' | 'file' | 'package' | 'node' | 'symlink'

export interface Entry {
  /** As the view shows it: the name itself, a conflict name, or `invalid-…`; empty for the root. */
  readonly name: string
  readonly kind: EntryKind
  readonly block: Id
  /** The directory that shows it; undefined for the root. */
  readonly parent: Id | undefined
  /** The zone it belongs to. */
  readonly zone: Id
  readonly zoneRoot: boolean
  readonly public: boolean
  /** Exact bytes; 0 for directories and when not readable. */
  readonly size: number
  readonly metadata: BlockMetadata
  /** Effective version, and the id of the header that is shown: what `ifVersion` takes. */
  readonly version: number
  readonly versionId: Id
  /** Who signed that header. */
  readonly signer: Id
  /** False when no key of the actor opens it: name, size and metadata are then unknown. */
  readonly readable: boolean
  /** More than one head, or versions that wait, are late or in quarantine: see `conflicts`. */
  readonly conflict: boolean
  /** Shown under its zone root because its directory is gone, elsewhere, or part of a cycle. */
  readonly orphan: boolean
  readonly cycle: boolean
  /** A deleted directory, shown because something in it lives. */
  readonly revived: boolean
}

const kindNames: Readonly<Record<BlockKind, EntryKind>> = {
  [blockKind.directory]: 'directory',
  [blockKind.file]: 'file',
  [blockKind.package]: 'package',
  [blockKind.node]: 'node',
  [blockKind.symlink]: 'symlink'
}

export function kindName(kind: BlockKind): EntryKind {
  return kindNames[kind]
}

/** undefined when no valid version of the block is held. */
export function entryOf(context: FilesContext, actor: Actor, block: Id): Entry | undefined {
  const located = locate(context, block)
  return located === undefined ? undefined : describe(context, actor, located)
}

/** @param keep as for `locate` */
export function describe(context: FilesContext, actor: Actor, located: Located, keep = true): Entry {
  const { summary, header, version } = located
  const opened: HeaderPrivate | undefined = openFor(context, actor, header, keep)
  return {
    name: summary.parent === undefined ? '' : shownName(context, summary, opened?.name),
    kind: kindName(summary.kind),
    block: summary.block,
    parent: summary.shownParent,
    zone: summary.zone,
    zoneRoot: summary.zoneRoot,
    public: summary.public,
    size: opened?.size ?? 0,
    metadata: opened?.metadata ?? noMetadata,
    version,
    versionId: header.id,
    signer: header.signer,
    readable: opened !== undefined,
    conflict: summary.conflict,
    orphan: summary.orphan,
    cycle: summary.cycle,
    revived: summary.revived
  }
}
