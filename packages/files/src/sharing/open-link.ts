/** Opening with a link: whoever has its text gets the keys of its grant, and nothing else (MODEL B.5). */
import { equalBytes } from '@blocktree/codec'
import {
  type GrantRecord,
  type Id,
  TreeError,
  grantTarget,
  linkRecipient,
  openDelivery
} from '@blocktree/tree'
import { type FilesContext, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { treeId } from '../write-version.ts'
import { parseLink } from './link-secret.ts'

export interface OpenedLink {
  readonly grant: GrantRecord
  /** Zone keys by epoch, lowest epoch number first; for one block its current key. Secret. */
  readonly keys: readonly { readonly epoch: Id; readonly key: Uint8Array }[]
}

/** @throws ERR_ACCESS_LINE for text that is no whole link of this tree, ERR_GRANT_UNKNOWN when it was taken back */
export function openLink(context: FilesContext, text: string): OpenedLink {
  const { crypto, tree } = context
  const link = parseLink(crypto, text)
  if (!equalBytes(link.tree, treeId(context)))
    throw new FilesError('ERR_ACCESS_LINE', 'the link is of another tree')
  const recipient = linkRecipient(crypto, link.secret)
  const grant = tree.authority
    .grantsTo(recipient)
    .find((held) => tree.liveGrants(held.body.target).some(({ id }) => equalBytes(id, held.id)))
  if (grant === undefined)
    throw new FilesError('ERR_GRANT_UNKNOWN', 'the link leads nowhere: it was taken back or has ended')
  const keys = openKeys(context, grant, link.secret)
  link.secret.fill(0)
  return { grant, keys }
}

function openKeys(context: FilesContext, grant: GrantRecord, linkSecret: Uint8Array): OpenedLink['keys'] {
  const { authority } = context.tree
  const isBlock = grant.body.targetType === grantTarget.block
  const found = authority.deliveriesOf(grant.id).flatMap((delivery) => {
    const epoch = authority.epoch(delivery.body.epoch)
    const header = isBlock ? locate(context, grant.body.target)?.header.body : undefined
    const commitment = isBlock ? header && { header } : epoch && { epoch }
    if (commitment === undefined || epoch === undefined) return []
    try {
      const key = openDelivery(context.crypto, delivery, grant, { linkSecret }, commitment)
      return [{ epoch: epoch.id, key, number: epoch.body.number }]
    } catch (error) {
      if (error instanceof TreeError) return []
      throw error
    }
  })
  return found.toSorted((left, right) => left.number - right.number).map(({ epoch, key }) => ({ epoch, key }))
}
