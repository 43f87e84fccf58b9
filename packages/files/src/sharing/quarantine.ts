/** Versions that no longer count because a cap was revoked, and taking them over under one's own name (MODEL B.7.4). */
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { heldVersion } from '../held-version.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { makeVersion, openOrDeny } from '../write-version.ts'

export interface QuarantinedBlock {
  readonly block: Id
  readonly path: string | undefined
  /** False when nothing of the block counts any more. */
  readonly isShown: boolean
  readonly versions: readonly { readonly id: Id; readonly signer: Id }[]
}

export async function* listQuarantine(context: FilesContext, actor: Actor): AsyncGenerator<QuarantinedBlock> {
  for await (const { block, winner, labels } of context.tree.conflicts()) {
    if (labels.quarantine.length === 0) continue
    const versions = labels.quarantine.flatMap((id) => {
      const header = context.tree.header(id)
      return header === undefined ? [] : [{ id, signer: header.signer }]
    })
    yield { block, path: pathOfBlock(context, actor, block), isShown: winner !== undefined, versions }
  }
}

/** @throws ERR_VERSION_NOT_FOUND, ERR_CONFLICT_NONE when the version is not in quarantine, ERR_ACCESS_DENIED */
export async function takeOver(context: FilesContext, actor: Actor, block: Id, version: Id): Promise<Id> {
  const path = pathOfBlock(context, actor, block) ?? 'a block'
  const header = heldVersion(context, block, version, path)
  const state = context.tree.blockState(block)
  if (state === undefined || !state.labels.quarantine.some((id) => equalBytes(id, version))) {
    throw new FilesError('ERR_CONFLICT_NONE', `"${path}": this version is not in quarantine`, { path })
  }
  const located = locate(context, block) ?? { summary: state, header, version: 0 }
  const { name } = openOrDeny(context, actor, header, path)
  const change = { name, from: header, settles: [version], state: header.body.state }
  const next = makeVersion(context, actor, located, change, path)
  await context.tree.commitLocal({ records: next.records }, { durability: context.durability })
  return next.header.id
}
