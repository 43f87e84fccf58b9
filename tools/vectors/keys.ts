/** Vectors of doc/spec/07-keys-and-sharing.md: epochs that open others, deliveries to principals and links. */
import * as tree from '@blocktree/tree'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import {
  type MadeEpoch,
  crypto,
  file,
  filled,
  firstEpoch,
  folder,
  makeEpoch,
  plain,
  reader,
  refusal,
  root,
  rootBlock,
  seededRandom,
  treeRecord
} from '../vector-tree.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'keys',
    specification: 'doc/spec/07-keys-and-sharing.md',
    comment:
      'epochs: record `bytes` and the zone key. opens: the epoch `from` opens the epoch `to` in the way named. ' +
      'deliveries: grant and delivery records, the secret of the recipient (`kemSeed` or `linkSecret`), the record that ' +
      'commits to the key, and the `key`. refuse: it must not open; `error` is the code of this implementation.',
    groups: { epochs: epochCases(), opens: openCases(), deliveries: deliveryCases(), refuse: refuseCases() }
  }
}

const random = seededRandom('keys')
const linkSecret = random.bytes(32)
const open = ({ record, key }: MadeEpoch): tree.OpenEpoch => ({
  id: record.id,
  number: record.body.number,
  key
})
const rival = makeEpoch({ suite: 2 })
const joined = makeEpoch({ previous: [open(firstEpoch), open(rival)] })
const inner = makeEpoch({ zone: folder.block, inherit: { id: joined.record.id, key: joined.key } })
const epochs: readonly [string, MadeEpoch][] = [
  ['the first epoch of the root zone', firstEpoch],
  ['a rival first epoch, sealing with ChaCha20-Poly1305', rival],
  ['an epoch that joins both', joined],
  ['the first epoch of an inner zone, which inherits', inner]
]

function epochCases(): VectorCase[] {
  return epochs.map(([comment, { record, key }]) => ({
    comment,
    bytes: hex(record.bytes),
    id: hex(record.id),
    number: record.body.number,
    keyCommitment: hex(record.body.keyCommitment),
    key: hex(key)
  }))
}

function openCases(): VectorCase[] {
  const cases = [
    ['past', joined, firstEpoch],
    ['past', joined, rival],
    ['inherit', joined, inner]
  ] as const
  return cases.map(([way, from, to]) => {
    const key =
      way === 'past'
        ? tree.openPastKey(crypto, { body: from.record.body, key: from.key }, to.record)
        : tree.openInheritedKey(crypto, to.record.body, from.key)
    return { comment: way, way, from: hex(from.record.id), to: hex(to.record.id), key: hex(key) }
  })
}

function grantTo(options: Partial<tree.GrantBody>): tree.GrantRecord {
  return tree.createGrant(crypto, root, {
    tree: treeRecord.id,
    targetType: tree.grantTarget.zone,
    target: rootBlock.block,
    recipientType: tree.recipientType.principal,
    recipient: reader.id,
    notAfter: undefined,
    cap: undefined,
    nonce: filled(16, 1),
    ...options
  })
}

const fileKey = tree.blockKey(crypto, joined.key, file.block, 3)
const header = tree.createHeader(
  { crypto, random },
  root,
  {
    ...file,
    version: 1,
    prev: [],
    state: tree.blockState.live,
    parent: file.birth.parent,
    epoch: joined.record.id,
    keyVersion: 3,
    payload: undefined,
    cap: undefined
  },
  { name: 'a.txt', metadata: tree.noMetadata, size: 0, rootKey: undefined },
  fileKey
)
const zoneGrant = grantTo({})
const blockGrant = grantTo({ targetType: tree.grantTarget.block, target: file.block })
const linkGrant = grantTo({
  targetType: tree.grantTarget.block,
  target: file.block,
  recipientType: tree.recipientType.link,
  recipient: tree.linkRecipient(crypto, linkSecret)
})

function deliver(grant: tree.GrantRecord, options: Partial<tree.DeliveryDraft> = {}): tree.DeliveryRecord {
  const isBlock = grant.body.targetType === tree.grantTarget.block
  return tree.createDelivery({ crypto, random }, root, {
    grant,
    epoch: joined.record.id,
    keyVersion: isBlock ? 3 : undefined,
    key: isBlock ? fileKey.bytes : joined.key,
    to: grant.body.recipientType === tree.recipientType.link ? { linkSecret } : { principal: reader.record },
    cap: undefined,
    ...options
  })
}

function deliveryCases(): VectorCase[] {
  const zone = deliver(zoneGrant)
  const block = deliver(blockGrant, { suite: 2 })
  const link = deliver(linkGrant)
  const byEpoch = { epoch: joined.record }
  const byHeader = { header: header.body }
  return [
    {
      comment: 'a zone key to a principal',
      ...shared(zoneGrant, zone, joined.record),
      kemSeed: hex(reader.kemSeed),
      key: hex(tree.openDelivery(crypto, zone, zoneGrant, reader, byEpoch))
    },
    {
      comment: 'a block key to a principal, sealed with ChaCha20-Poly1305',
      ...shared(blockGrant, block, header),
      kemSeed: hex(reader.kemSeed),
      key: hex(tree.openDelivery(crypto, block, blockGrant, reader, byHeader))
    },
    {
      comment: 'a block key to a link',
      ...shared(linkGrant, link, header),
      linkSecret: hex(linkSecret),
      key: hex(tree.openDelivery(crypto, link, linkGrant, { linkSecret }, byHeader))
    }
  ]
}

function shared(
  grant: tree.GrantRecord,
  delivery: tree.DeliveryRecord,
  committing: tree.AnyRecord
): Record<string, unknown> {
  return {
    grant: hex(grant.bytes),
    delivery: hex(delivery.bytes),
    committing: hex(committing.bytes),
    recipient: plain(grant.body.recipient)
  }
}

function refuseCases(): VectorCase[] {
  const wrong = deliver(zoneGrant, { key: filled(32, 9) })
  const otherLink = deliver(linkGrant)
  return [
    {
      comment: 'the content is not the key that the epoch commits to',
      ...shared(zoneGrant, wrong, joined.record),
      kemSeed: hex(reader.kemSeed),
      error: refusal(() => tree.openDelivery(crypto, wrong, zoneGrant, reader, { epoch: joined.record }))
    },
    {
      comment: 'another link secret',
      ...shared(linkGrant, otherLink, header),
      linkSecret: hex(filled(32, 1)),
      error: refusal(() =>
        tree.openDelivery(
          crypto,
          otherLink,
          linkGrant,
          { linkSecret: filled(32, 1) },
          { header: header.body }
        )
      )
    },
    {
      comment: 'an epoch that the delivery is not for',
      ...shared(zoneGrant, deliver(zoneGrant), firstEpoch.record),
      kemSeed: hex(reader.kemSeed),
      error: refusal(() =>
        tree.openDelivery(crypto, deliver(zoneGrant), zoneGrant, reader, { epoch: firstEpoch.record })
      )
    }
  ]
}
