/** Symbolic links: any text may be the target, also one that leads nowhere; it is judged when it is followed. */
import { blockKind, noMetadata } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { payloadAead, sealContent } from './content.ts'
import { type FilesContext, isPublicZone, locate, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { applyMetadata } from './metadata.ts'
import { resolveName, resolvePath } from './resolve-path.ts'
import { encodeSymlinkTarget, readSymlinkTarget } from './symlink-target.ts'
import { type CreateOptions, type WriteReply, commitWrite } from './write-file.ts'
import { makeBlock, makeVersion } from './write-version.ts'

/** @throws ERR_SYMLINK_TARGET, ERR_FILE_EXISTS; with `replace` an existing link (nothing else) gets the new target */
export async function makeSymlink(
  context: FilesContext,
  actor: Actor,
  path: string,
  target: string,
  options: CreateOptions = {}
): Promise<WriteReply> {
  const bytes = encodeSymlinkTarget(target, path)
  const named = resolveName(context, actor, path)
  const { existing } = named
  const zone = existing?.summary.zone ?? zoneOfChildren(named.directory.summary)
  const aead = payloadAead(isPublicZone(context, zone))
  const metadata = applyMetadata(noMetadata, { modifiedMs: context.clock.now(), ...options.metadata }, path)
  if (existing === undefined) {
    const made = makeBlock(context, actor, {
      parent: named.directory.block,
      zone,
      kind: blockKind.symlink,
      name: named.name,
      metadata,
      content: (block) => sealContent(context, { block, aead, sectorLog2: 12 }, bytes),
      path
    })
    return commitWrite(context, [made.local], made.content.sectors, options, {
      block: made.block,
      versionId: made.header.id,
      size: bytes.length,
      exposed: context.exposure.of(made.header.body.epoch)
    })
  }
  const located = locate(context, existing.block)
  if (options.replace !== true || located === undefined || existing.summary.kind !== blockKind.symlink) {
    throw new FilesError('ERR_FILE_EXISTS', `"${path}" exists: only a symbolic link can be replaced by one`, {
      path
    })
  }
  const content = sealContent(context, { block: existing.block, aead, sectorLog2: 12 }, bytes)
  const next = makeVersion(context, actor, located, { content, metadata }, path)
  return commitWrite(context, next.records, content.sectors, options, {
    block: existing.block,
    versionId: next.header.id,
    size: bytes.length,
    exposed: context.exposure.of(next.header.body.epoch)
  })
}

/** The target as it was given; ERR_FILE_NOT_SYMLINK. */
export function readLink(context: FilesContext, actor: Actor, path: string): string {
  const place = resolvePath(context, actor, path, { followLast: false })
  if (place.summary.kind === blockKind.symlink) return readSymlinkTarget(context, actor, place.block, path)
  throw new FilesError('ERR_FILE_NOT_SYMLINK', `"${path}" is not a symbolic link`, { path })
}
