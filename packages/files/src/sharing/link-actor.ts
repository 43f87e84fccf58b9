/**
 * Reading with a link: an actor that opens what the keys of one link grant lead to, and nothing else. It has no
 * principal that anybody knows, so no cap is found for it and it writes nothing.
 */
import { equalBytes } from '@blocktree/codec'
import { createPrincipalSecret, wipe } from '@blocktree/crypto'
import {
  type BlockKey,
  type HeaderBody,
  type Id,
  ZoneKeyRing,
  blockKey,
  blockKeyFromBytes,
  createPrincipal,
  grantTarget
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, locate } from '../files-context.ts'
import { type OpenedLink, openLink } from './open-link.ts'

export interface LinkActor extends Actor {
  readonly grant: OpenedLink['grant']
  /** Wipes the keys of the link too. */
  close(): void
}

/** @throws ERR_ACCESS_LINE for text that is no whole link of this tree, ERR_GRANT_UNKNOWN when it was taken back */
export function createLinkActor(context: FilesContext, text: string): LinkActor {
  const { crypto, random, tree } = context
  const { authority } = tree
  const { grant, keys } = openLink(context, text)
  const secret = createPrincipalSecret(random.bytes(32), random.bytes(32))
  const principal = createPrincipal(crypto, secret)
  secret.close()
  const ring = new ZoneKeyRing(crypto, {
    epoch: (id) => authority.epoch(id),
    successors: (id) => authority.epochsAfter(id).map((later) => later.id)
  })
  const isBlock = grant.body.targetType === grantTarget.block
  if (!isBlock) {
    for (const { epoch: id, key } of keys) {
      const epoch = authority.epoch(id)
      if (epoch !== undefined) ring.add(epoch, key)
    }
  }
  const deliveredKey = (header: HeaderBody): BlockKey | undefined => {
    if (!isBlock || !equalBytes(header.block, grant.body.target) || header.epoch === undefined)
      return undefined
    const current = locate(context, header.block)?.header.body
    const isCurrent = current?.epoch !== undefined && equalBytes(current.epoch, header.epoch)
    const key = keys.find(({ epoch }) => header.epoch !== undefined && equalBytes(epoch, header.epoch))?.key
    const opens = isCurrent && current.keyVersion === header.keyVersion
    return key === undefined || !opens ? undefined : blockKeyFromBytes(crypto, key)
  }
  const zoneKey = (epoch: Id): Uint8Array | undefined => ring.find(epoch)
  const openKey = (header: HeaderBody): BlockKey | undefined => {
    const key = header.epoch === undefined ? undefined : zoneKey(header.epoch)
    return key === undefined ? deliveredKey(header) : blockKey(crypto, key, header.block, header.keyVersion)
  }
  return {
    grant,
    id: principal.id,
    principal,
    signer: principal,
    writeKey(zone) {
      const open = ring.firstOpen(tree.currentEpochs(zone))
      return open === undefined ? undefined : { epoch: open.epoch.id, key: open.key }
    },
    zoneKey,
    canOpen: (header) => header.epoch === undefined || openKey(header) !== undefined,
    blockKey: openKey,
    capFor: () => undefined,
    close() {
      ring.close()
      for (const { key } of keys) wipe(key)
      principal.close()
    }
  }
}
