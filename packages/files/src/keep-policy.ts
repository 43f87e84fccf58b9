/** Which nodes keep the content below a directory (spec 28, section 7): read and set by path. */
import { type KeepPolicy, blockKind, keepPolicyInForce, withKeepPolicy } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { checkExpectation } from './expectation.ts'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { pathOfBlock } from './path-of-block.ts'
import { resolvePath } from './resolve-path.ts'
import { type WriteOptions, type WriteReply, commitWrite, locateOrFail } from './write-file.ts'
import { makeVersion } from './write-version.ts'

/** What holds at a path. */
export interface ShownKeepPolicy {
  readonly policy: KeepPolicy
  /** The directory that says so; undefined when none does, so that all nodes keep everything. */
  readonly from: string | undefined
}

/** Of a file: that of its directory. */
export function keepPolicyAt(context: FilesContext, actor: Actor, path: string): ShownKeepPolicy {
  const { block, summary } = resolvePath(context, actor, path)
  const directory = summary.kind === blockKind.directory ? block : summary.shownParent
  const held = directory === undefined ? undefined : keepPolicyInForce(context.tree, directory)
  if (held === undefined) return { policy: { kind: 'all' }, from: undefined }
  return {
    policy: held.policy,
    from: held.from === undefined ? undefined : (pathOfBlock(context, actor, held.from) ?? path)
  }
}

/** @param policy undefined: as the directory above. @throws ERR_FILE_NOT_DIRECTORY, ERR_ACCESS_DENIED */
export async function setKeepPolicy(
  context: FilesContext,
  actor: Actor,
  path: string,
  policy: KeepPolicy | undefined,
  options: Pick<WriteOptions, 'ifVersion' | 'durability'> = {}
): Promise<WriteReply> {
  const place = resolvePath(context, actor, path)
  if (place.summary.kind !== blockKind.directory)
    throw new FilesError(
      'ERR_FILE_NOT_DIRECTORY',
      `"${path}" is no directory: which nodes keep a file is said by the directory that it is in`,
      { path }
    )
  const located = locateOrFail(context, place, path)
  checkExpectation(located, options.ifVersion, path)
  const publicExt = withKeepPolicy(located.header.body.ext, policy)
  const { header, records } = makeVersion(context, actor, located, { publicExt }, path)
  return commitWrite(context, records, [], options, {
    block: place.block,
    versionId: header.id,
    size: 0,
    exposed: context.exposure.of(header.body.epoch)
  })
}
