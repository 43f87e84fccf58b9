/** Vectors of doc/spec/07-keys-and-sharing.md: epochs that open others, deliveries to principals and links. */
import { decodeEnvelope, encodeEnvelope } from '@blocktree/codec'
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
import { type Edit, type Value, editBytes } from '../vector-value.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'keys',
    specification: 'doc/spec/07-keys-and-sharing.md',
    comment:
      'epochs: record `bytes` and the zone key. opens: the epoch `from` opens the epoch `to` in the way named. ' +
      'deliveries: grant and delivery records, the secret of the recipient (`kemSeed` or `linkSecret`), the record that ' +
      'commits to the key, and the `key`. refuseOpens: `from` opened with `fromKey` does not open `to`. refuse: it must not open; `error` is the code of this implementation.',
    groups: {
      epochs: epochCases(),
      opens: openCases(),
      refuseOpens: refuseOpenCases(),
      deliveries: deliveryCases(),
      refuse: [...refuseCases(), ...editedDeliveries()]
    }
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

function refuseOpenCases(): VectorCase[] {
  const flip: Edit = (value) => (value instanceof Uint8Array ? value.with(0, (value[0] ?? 0) ^ 1) : value)
  const change = (epoch: tree.EpochRecord, path: readonly number[], edit: Value | Edit): tree.EpochRecord =>
    editRecord(epoch, path, edit, tree.recordType.epoch)
  const cases: readonly (readonly [
    string,
    'past' | 'inherit',
    tree.EpochRecord,
    Uint8Array,
    tree.EpochRecord
  ])[] = [
    ['another key of the later epoch', 'past', joined.record, rival.key, firstEpoch.record],
    ['a sealed key that was changed', 'past', change(joined.record, [6, 0], flip), joined.key, prevOf(0)],
    ['sealed keys that changed places', 'past', change(joined.record, [6], reversed), joined.key, prevOf(0)],
    ['bound to another zone', 'past', change(joined.record, [1], folder.block), joined.key, prevOf(0)],
    ['bound to another number', 'past', change(joined.record, [2], 3), joined.key, prevOf(0)],
    ['bound to another tree', 'past', change(joined.record, [0], filled(32, 1)), joined.key, prevOf(0)],
    ['bound to another commitment', 'past', change(joined.record, [5], filled(32, 1)), joined.key, prevOf(0)],
    ['under another suite', 'past', change(joined.record, [4], 2), joined.key, prevOf(0)],
    ['an epoch that is not among prev', 'past', joined.record, joined.key, inner.record],
    ['another key of the outer epoch', 'inherit', joined.record, firstEpoch.key, inner.record],
    [
      'an inherited key that was changed',
      'inherit',
      joined.record,
      joined.key,
      change(inner.record, [7, 1], flip)
    ],
    [
      'inherited for another zone',
      'inherit',
      joined.record,
      joined.key,
      change(inner.record, [1], rootBlock.block)
    ],
    ['an epoch that does not inherit', 'inherit', joined.record, joined.key, change(inner.record, [7], null)]
  ]
  return cases.map(([comment, way, from, fromKey, to]) => ({
    comment: `${way}: ${comment}`,
    way,
    from: hex(from.bytes),
    fromKey: hex(fromKey),
    to: hex(to.bytes),
    error: refusal(() =>
      way === 'past'
        ? tree.openPastKey(crypto, { body: from.body, key: fromKey }, to)
        : tree.openInheritedKey(crypto, to.body, fromKey)
    )
  }))
}

const reversed: Edit = (value) => (Array.isArray(value) ? value.toReversed() : value)

function prevOf(index: number): tree.EpochRecord {
  const wanted = joined.record.body.prev[index]
  const found = epochs.find(([, { record }]) => wanted !== undefined && hex(record.id) === hex(wanted))
  if (found === undefined) throw new Error('a prev is not among the epochs')
  return found[1].record
}

/** `record` with one field of its body changed; its signature does not hold any more. */
function editRecord<Type extends tree.RecordType>(
  record: tree.AnyRecord,
  path: readonly number[],
  edit: Value | Edit,
  type: Type
): Extract<tree.AnyRecord, { type: Type }> {
  const envelope = decodeEnvelope(record.bytes)
  const body = editBytes(envelope.body, path, edit)
  const changed = tree.decodeRecord(crypto, encodeEnvelope({ ...envelope, body }))
  if (changed.type !== type) throw new Error('the type does not change')
  return changed as Extract<tree.AnyRecord, { type: Type }>
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

/** Deliveries of which one field was changed after sealing, and grants and headers that are not theirs. */
function editedDeliveries(): VectorCase[] {
  const [zone, block, link] = [deliver(zoneGrant), deliver(blockGrant), deliver(linkGrant)]
  const edit = (record: tree.DeliveryRecord, at: number, value: Value | Edit): tree.DeliveryRecord =>
    editRecord(record, [at], value, tree.recordType.delivery)
  const flip: Edit = (value) => (value instanceof Uint8Array ? value.with(0, (value[0] ?? 0) ^ 1) : value)
  const otherKv = editRecord(header, [0, 6], 2, tree.recordType.header)
  const otherBlock = grantTo({ targetType: tree.grantTarget.block, target: folder.block })
  const cases: readonly (readonly [string, tree.GrantRecord, tree.DeliveryRecord, tree.AnyRecord, string])[] =
    [
      ['another grant', grantTo({ nonce: filled(16, 2) }), zone, joined.record, 'root'],
      ['the secret of another principal', zoneGrant, zone, joined.record, 'root'],
      ['another suite', zoneGrant, edit(zone, 3, 2), joined.record, 'reader'],
      ['a ciphertext that was changed', zoneGrant, edit(zone, 4, flip), joined.record, 'reader'],
      ['a wrapped key that was changed', zoneGrant, edit(zone, 5, flip), joined.record, 'reader'],
      ['a key version for a zone', zoneGrant, edit(zone, 2, 0), joined.record, 'reader'],
      ['a header for a zone', zoneGrant, zone, header, 'reader'],
      ['no key version for a block', blockGrant, edit(block, 2, null), header, 'reader'],
      ['another key version than the header has', blockGrant, block, otherKv, 'reader'],
      ['a key version changed with that of the header', blockGrant, edit(block, 2, 2), otherKv, 'reader'],
      ['a header of another block', otherBlock, deliver(otherBlock), header, 'reader'],
      ['an epoch for a block', blockGrant, block, joined.record, 'reader'],
      ['a salt for a principal', zoneGrant, edit(zone, 4, filled(32, 1)), joined.record, 'reader'],
      ['a ciphertext for a link', linkGrant, edit(link, 4, filled(1120, 1)), header, 'link'],
      ['another salt', linkGrant, edit(link, 4, flip), header, 'link'],
      ['a principal for a link', linkGrant, link, header, 'reader'],
      ['a link secret for a principal', blockGrant, block, header, 'link']
    ]
  const secrets: Readonly<Record<string, Record<string, string>>> = {
    root: { kemSeed: hex(root.kemSeed) },
    reader: { kemSeed: hex(reader.kemSeed) },
    link: { linkSecret: hex(linkSecret) }
  }
  const openers = { root, reader, link: { linkSecret } } as const
  return cases.map(([comment, grant, delivery, committing, who]) => {
    const opener = who === 'link' ? openers.link : who === 'root' ? openers.root : openers.reader
    const by =
      committing.type === tree.recordType.epoch ? { epoch: committing } : { header: headerOf(committing) }
    return {
      comment,
      ...shared(grant, delivery, committing),
      ...secrets[who],
      error: refusal(() => tree.openDelivery(crypto, delivery, grant, opener, by))
    }
  })
}

function headerOf(record: tree.AnyRecord): tree.HeaderBody {
  if (record.type !== tree.recordType.header) throw new Error('a header commits to a block key')
  return record.body
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
