/** Stories of doc/spec/08-acceptance.md, 8.3: epochs, grants, deliveries and their revocation. */
import * as tree from '@blocktree/tree'
import { type Author, History, type MadeEpoch } from '../vector-history.ts'
import { type Born, crypto } from '../vector-tree.ts'

function grant(
  h: History,
  author: Author,
  target: Born,
  options: { block?: boolean } = {}
): tree.GrantRecord {
  return tree.createGrant(crypto, author.principal, {
    tree: h.tree.id,
    targetType: options.block === true ? tree.grantTarget.block : tree.grantTarget.zone,
    target: target.block,
    recipientType: tree.recipientType.link,
    recipient: tree.linkRecipient(crypto, new Uint8Array(32).fill(9)),
    notAfter: undefined,
    cap: author.cap?.id,
    nonce: h.random.bytes(16)
  })
}

function delivery(
  h: History,
  author: Author,
  granted: tree.GrantRecord,
  epoch: MadeEpoch,
  keyVersion?: number
): tree.DeliveryRecord {
  return tree.createDelivery({ crypto, random: h.random }, author.principal, {
    grant: granted,
    epoch: epoch.record.id,
    keyVersion,
    key: epoch.key,
    to: { linkSecret: new Uint8Array(32).fill(9) },
    cap: author.cap?.id
  })
}

function revoked(h: History, author: Author, granted: tree.GrantRecord): tree.GrantRevocationRecord {
  const draft = { tree: h.tree.id, grant: granted.id, cap: author.cap?.id }
  return tree.createGrantRevocation(crypto, author.principal, draft)
}

function epochs(): History {
  const h = new History('epochs: their zone, their number, the right to make them', { private: true })
  h.begin('ann')
  const first = h.epoch(h.root, h.rootBlock)
  h.offer('epoch 1, before the birth of its zone', first.record)
  h.offer('root block', h.version(h.root, h.rootBlock, [], { epoch: first }))
  const zone = h.zone('zone', h.root, undefined, { public: false })
  h.offer('zone', h.version(h.root, zone, [], { epoch: first }))
  const second = h.epoch(h.root, h.rootBlock, [first])
  const third = h.epoch(h.root, h.rootBlock, [second])
  h.offer('epoch 3, before epoch 2', third.record)
  h.offer('epoch 2', second.record)
  h.offer('on an epoch of another zone', h.epoch(h.root, zone, [first]).record)
  const skipped = h.epoch(h.root, h.rootBlock, [first])
  const body = tree.encodeEpochBody({ ...skipped.record.body, number: 3 })
  h.offer('number 3 behind epoch 1', h.resigned(h.root, skipped.record, body))
  const writer = h.cap(h.root, 'ann', h.rootBlock, { rights: 255 & ~tree.right.grant })
  const granter = h.cap(h.root, 'ann', zone, { rights: tree.right.grant })
  h.offer('ann without grant', writer.cap)
  h.offer('ann with grant in the zone', granter.cap)
  h.offer('by ann without grant', h.epoch(writer, zone).record)
  h.offer('by ann with grant', h.epoch(granter, zone).record)
  h.offer('by ann, of the zone around', h.epoch(granter, h.rootBlock, [third]).record)
  return h
}

function grants(): History {
  const h = new History('grants, deliveries, revocations of grants', { private: true })
  h.begin('ann', 'bob')
  const epoch = h.epoch(h.root, h.rootBlock)
  h.offer('root block', h.version(h.root, h.rootBlock, [], { epoch }))
  h.offer('epoch', epoch.record)
  const ann = h.cap(h.root, 'ann', h.rootBlock, { rights: tree.right.grant })
  const bob = h.cap(h.root, 'bob', h.rootBlock, { rights: tree.right.write })
  h.offer('ann may grant', ann.cap)
  h.offer('bob may write', bob.cap)
  const file = h.place('file', h.root)
  const ofZone = grant(h, ann, h.rootBlock)
  const toZone = delivery(h, ann, ofZone, epoch)
  h.offer('delivery before its grant', toZone)
  h.offer('grant of the zone', ofZone)
  const ofFile = grant(h, ann, file, { block: true })
  h.offer('grant of a block before a header', ofFile)
  h.offer('file', h.version(h.root, file, [], { epoch }))
  h.offer('grant by bob', grant(h, bob, h.rootBlock))
  h.offer('delivery of the block by bob', delivery(h, bob, ofFile, epoch, 0))
  h.offer('delivery of the zone by bob', delivery(h, bob, ofZone, epoch))
  const made = delivery(h, ann, ofFile, epoch, 0)
  const keyless = tree.encodeDeliveryBody({ ...made.body, keyVersion: undefined })
  h.offer('of the block without a key version', h.resigned(ann, made, keyless))
  const versioned = tree.encodeDeliveryBody({ ...toZone.body, keyVersion: 0 })
  h.offer('of the zone with a key version', h.resigned(ann, toZone, versioned))
  const unknown = h.epoch(h.root, h.rootBlock)
  h.offer('under an epoch that is not held', delivery(h, ann, ofZone, unknown))
  const inner = h.zone('zone', h.root, undefined, { public: false })
  h.offer('zone', h.version(h.root, inner, [], { epoch, name: 'zone' }))
  const elsewhere = h.epoch(h.root, inner)
  h.offer('epoch of the zone', elsewhere.record)
  h.offer('under an epoch of another zone than that of the grant', delivery(h, ann, ofZone, elsewhere))
  h.offer('revoked by bob', revoked(h, bob, ofZone))
  h.offer('revoked by ann, without her cap', revoked(h, { ...ann, cap: undefined }, ofZone))
  h.offer('revoked by root', revoked(h, h.root, ofFile))
  const narrow = h.cap(h.root, 'bob', file, { scopeType: tree.scopeType.block, rights: tree.right.write })
  h.offer('bob may write the block', narrow.cap)
  h.offer('delivery under the cap for the block', delivery(h, narrow, ofFile, epoch, 0))
  return h
}

export const keyStories: readonly (() => History)[] = [epochs, grants]
