/**
 * Directories. One that a person makes at the top of the tree becomes a zone root: it can be shared and re-keyed by
 * itself later, at the price of one more record now (MODEL B.3). Everywhere else a directory is plain unless asked.
 */
import { type Id, type LocalRecord, blockKind, createEpoch, noMetadata, right } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type FilesContext, isPublicZone, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { type MetadataChange, applyMetadata } from './metadata.ts'
import { type Place, resolveName } from './resolve-path.ts'
import { type WriteOptions, type WriteReply, commitWrite } from './write-file.ts'
import { type NextVersion, capFor, makeBlock, treeId, writeKeyFor } from './write-version.ts'
import { parseFilePath } from './file-path.ts'

export interface DirectoryOptions extends Pick<WriteOptions, 'durability'> {
  readonly metadata?: MetadataChange
  /** A plain directory at the top of the tree as well. */
  readonly plain?: boolean
  /** A zone root at any depth. */
  readonly zone?: boolean
  /** Make what is missing on the way, and accept a directory that exists. */
  readonly parents?: boolean
}

export interface NewDirectory {
  readonly block: Id
  readonly header: NextVersion['header']
  readonly records: readonly LocalRecord[]
}

/** @throws ERR_FILE_EXISTS, ERR_ACCESS_DENIED, and what a path throws */
export async function makeDirectory(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: DirectoryOptions = {}
): Promise<WriteReply> {
  if (options.parents === true) await makeMissing(context, actor, path, options)
  const named = resolveName(context, actor, path)
  if (named.existing !== undefined) {
    if (options.parents === true && named.existing.summary.kind === blockKind.directory) {
      return existingDirectory(named.existing)
    }
    throw new FilesError('ERR_FILE_EXISTS', `"${path}" exists: choose another name`, { path })
  }
  const isTop = named.directory.summary.parent === undefined
  const made = newDirectory(context, actor, {
    parent: named.directory.block,
    zone: zoneOfChildren(named.directory.summary),
    name: named.name,
    metadata: { modifiedMs: context.clock.now(), ...options.metadata },
    zoneRoot: options.zone ?? (isTop && options.plain !== true),
    path
  })
  return commitWrite(context, made.records, [], options, {
    block: made.block,
    versionId: made.header.id,
    size: 0,
    exposed: context.exposure.of(made.header.body.epoch)
  })
}

/** The records of a new directory; of a zone root also its first epoch, which the outer zone's readers can open. */
export function newDirectory(
  context: FilesContext,
  actor: Actor,
  draft: {
    readonly parent: Id
    readonly zone: Id
    readonly name: string
    readonly metadata: MetadataChange
    readonly zoneRoot: boolean
    readonly path: string
    readonly nonce?: Uint8Array
    readonly ext?: Parameters<typeof makeBlock>[2]['ext']
    readonly publicExt?: Parameters<typeof makeBlock>[2]['publicExt']
  }
): NewDirectory {
  const { zone, path, zoneRoot } = draft
  const isPublic = isPublicZone(context, zone)
  const made = makeBlock(context, actor, {
    parent: draft.parent,
    zone,
    kind: blockKind.directory,
    zoneRoot,
    // below a public zone everything is public: nobody could be told a private key through it
    public: zoneRoot && isPublic,
    name: draft.name,
    metadata: applyMetadata(noMetadata, draft.metadata, path),
    ...(draft.nonce === undefined ? {} : { nonce: draft.nonce }),
    ...(draft.ext === undefined ? {} : { ext: draft.ext }),
    ...(draft.publicExt === undefined ? {} : { publicExt: draft.publicExt }),
    path
  })
  const records = [made.local]
  if (zoneRoot && !isPublic) {
    const outer = writeKeyFor(context, actor, zone, path)
    const cap = capFor(actor, { home: zone, block: undefined }, right.grant, path)
    const epoch = createEpoch(context, actor.signer, {
      tree: treeId(context),
      zone: made.block,
      previous: [],
      inherit:
        outer.epoch === undefined || outer.key === undefined
          ? undefined
          : { id: outer.epoch, key: outer.key },
      cap: cap.cap
    })
    epoch.key.fill(0)
    records.push({ record: epoch.record })
  }
  return { block: made.block, header: made.header, records }
}

async function makeMissing(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: DirectoryOptions
): Promise<void> {
  const components = parseFilePath(context, path)
  for (let depth = 1; depth < components.length; depth++) {
    const above = `/${components.slice(0, depth).join('/')}`
    const named = resolveName(context, actor, above)
    if (named.existing !== undefined) continue
    const { metadata: _metadata, ...rest } = options
    await makeDirectory(context, actor, above, { ...rest, parents: false })
  }
}

function existingDirectory(place: Place): WriteReply {
  const versionId = place.summary.heads[0]?.id ?? place.block
  return { block: place.block, versionId, size: 0, exposed: [] }
}
