/** Vectors of doc/spec/05-records.md: domain strings, births, one record of every type, tries, refusals. */
import { encodeEnvelope } from '@blocktree/codec'
import * as tree from '@blocktree/tree'
import { type Value, encodeValue } from '../vector-value.ts'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import {
  type Born,
  childOf,
  crypto,
  device,
  file,
  filled,
  firstEpoch,
  folder,
  plain,
  plainFields,
  reader,
  refusal,
  root,
  rootBlock,
  seededRandom,
  treeRecord
} from '../vector-tree.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'records',
    specification: 'doc/spec/05-records.md',
    comment:
      'Principals are made from the seeds given. births: `bytes` and the block `id`. records: envelope `bytes`, record ' +
      '`id`, `publicKey` of the signer, and the decoded body (bytes as hexadecimal, absent as null). tries: sorted rows ' +
      'and their root; proofs of presence and absence. refuseProofs: a proof that shows nothing. manifests: rows, their bytes one after another, and headsRoot. ' +
      'refuse: `bytes` are no valid record; `error` is the code of this implementation.',
    groups: {
      principals: principalCases(),
      births: birthCases(),
      records: recordCases(),
      tries: trieCases(),
      refuseProofs: refuseProofCases(),
      manifests: [manifestCase()],
      refuseManifests: refuseManifestCases(),
      refuse: refuseCases()
    }
  }
}

function principalCases(): VectorCase[] {
  return [root, device, reader].map((principal) => ({
    comment: 'signing key and X-Wing key from their seeds; the id is a hash over the body',
    signSeed: hex(principal.signSeed),
    kemSeed: hex(principal.kemSeed),
    signingPublicKey: hex(principal.key.publicKey),
    body: hex(tree.encodePrincipalBody(principal.record.body)),
    id: hex(principal.id),
    recordId: hex(principal.record.id)
  }))
}

function birthCases(): VectorCase[] {
  const publicZone = tree.rootBirth(treeRecord.id, root.id, { public: true })
  const cases: readonly [string, Pick<Born, 'birthBytes'>][] = [
    ['the root block', rootBlock],
    ['the root block of a public tree', { birthBytes: tree.encodeBirth(publicZone) }],
    ['a zone root: it belongs to the outer zone', folder],
    ['a file in the root zone', file],
    ['a symbolic link in the inner zone', childOf(folder, tree.blockKind.symlink, 3)]
  ]
  return cases.map(([comment, { birthBytes }]) => ({
    comment,
    fields: plain(tree.decodeBirth(birthBytes)),
    bytes: hex(birthBytes),
    id: hex(tree.blockId(crypto, birthBytes))
  }))
}

const random = seededRandom('records')

/** One record of every type, with what it is; the same records at every call. */
export function samples(): readonly [string, tree.AnyRecord][] {
  made ??= makeSamples()
  return made
}

let made: readonly [string, tree.AnyRecord][] | undefined

function makeSamples(): readonly [string, tree.AnyRecord][] {
  const cap = tree.issueCap(crypto, root, {
    tree: treeRecord.id,
    rootGeneration: 0,
    subject: device.id,
    scopeType: tree.scopeType.zone,
    scopeBirth: folder.birthBytes,
    rights: 31,
    depth: 2,
    notBefore: undefined,
    notAfter: 1_900_000_000_000,
    quota: { bytes: 2 ** 40, blocks: 1_000_000, recordsPerDay: 10_000 },
    nonce: filled(16, 4)
  })
  const leaf = tree.issueCap(
    crypto,
    device,
    { ...cap.body, subject: reader.id, rights: 1, depth: 0, nonce: filled(16, 5) },
    { parent: cap }
  )
  const grant = tree.createGrant(crypto, root, {
    tree: treeRecord.id,
    targetType: tree.grantTarget.zone,
    target: folder.block,
    recipientType: tree.recipientType.principal,
    recipient: reader.id,
    notAfter: undefined,
    cap: undefined,
    nonce: filled(16, 6)
  })
  const header = tree.createHeader(
    { crypto, random },
    root,
    {
      ...file,
      version: 1,
      prev: [],
      state: tree.blockState.live,
      parent: file.birth.parent,
      epoch: firstEpoch.record.id,
      keyVersion: 0,
      payload: undefined,
      cap: undefined
    },
    { name: 'a.txt', metadata: tree.noMetadata, size: 0, rootKey: undefined },
    tree.blockKey(crypto, firstEpoch.key, file.block, 0)
  )
  return [
    ['a principal', root.record],
    ['a tree', treeRecord],
    ['a succession', succession(cap.id)],
    ['a cap under the root', cap],
    ['a cap under a cap', leaf],
    ['a revocation', revocation(cap.id)],
    ['an epoch', firstEpoch.record],
    ['a grant', grant],
    ['a delivery', delivery(grant)],
    [
      'a grant revocation with an unknown extension that is not critical',
      tree.createGrantRevocation(crypto, root, {
        tree: treeRecord.id,
        grant: grant.id,
        cap: undefined,
        ext: [{ code: 1000, critical: false, bytes: filled(3, 1) }]
      })
    ],
    ['a header', header],
    ['a checkpoint', checkpoint()],
    ['a receipt', receipt(header.id)],
    ['an endpoint', endpoint()]
  ]
}

function succession(keep: tree.Id): tree.SuccessionRecord {
  return tree.createSuccession(crypto, reader, {
    tree: treeRecord.id,
    generation: 1,
    newRoot: device.id,
    newRecovery: undefined,
    keepCaps: [keep],
    cuts: [{ zone: rootBlock.block, checkpoint: filled(32, 1) }],
    prev: treeRecord.id
  })
}

function revocation(target: tree.Id): tree.RevocationRecord {
  return tree.createRevocation(crypto, root, {
    tree: treeRecord.id,
    target,
    by: undefined,
    cuts: [
      { zone: filled(32, 1), checkpoint: filled(32, 9) },
      { zone: filled(32, 2), checkpoint: filled(32, 8) }
    ],
    reason: 1
  })
}

function delivery(grant: tree.GrantRecord): tree.DeliveryRecord {
  return tree.createDelivery({ crypto, random }, root, {
    grant,
    epoch: firstEpoch.record.id,
    keyVersion: undefined,
    key: firstEpoch.key,
    to: { principal: reader.record },
    cap: undefined
  })
}

function checkpoint(): tree.CheckpointRecord {
  const { rows, bytes, headsRoot } = manifest()
  return tree.createCheckpoint(crypto, root, {
    tree: treeRecord.id,
    zone: rootBlock.block,
    sequence: 1,
    prev: [],
    headsRoot,
    blocks: rows.length,
    graveRoot: filled(32, 0),
    graves: 0,
    authorityRoot: tree.idSetRoot(crypto, [treeRecord.id]),
    manifest: {
      aead: 0,
      sectorLog2: 17,
      levels: 0,
      stored: tree.padLeaf(bytes).length,
      rootHash: crypto.sha256(tree.padLeaf(bytes)),
      size: bytes.length,
      rootKey: undefined
    },
    timeMs: 1_700_000_000_000,
    cap: undefined
  })
}

function receipt(record: tree.Id): tree.ReceiptRecord {
  return tree.createReceipt(crypto, device, {
    tree: treeRecord.id,
    zone: rootBlock.block,
    records: [record],
    coverage: tree.coverage.payload,
    durability: tree.durabilityClass.group,
    timeMs: 1_700_000_000_000,
    keepUntilMs: undefined,
    term: 3,
    fence: 4,
    challenge: { nonce: filled(16, 1), proof: filled(32, 2) },
    cap: undefined
  })
}

function endpoint(): tree.EndpointRecord {
  return tree.createEndpoint(crypto, device, {
    tree: treeRecord.id,
    transportKey: filled(32, 3),
    addresses: ['/ip4/192.0.2.1/tcp/4001', '/dns4/node.example/tcp/4001'],
    notAfter: 1_900_000_000_000,
    sequence: 1
  })
}

function recordCases(): VectorCase[] {
  const signers = new Map([root, device, reader].map((signer) => [hex(signer.id), signer]))
  return samples().map(([comment, record]) => ({
    comment,
    type: record.type,
    bytes: hex(record.bytes),
    id: hex(record.id),
    signer: hex(record.signer),
    publicKey: hex(signers.get(hex(record.signer))?.key.publicKey ?? new Uint8Array(0)),
    body: plain(record.body)
  }))
}

function trieCases(): VectorCase[] {
  const key = (...prefix: number[]): Uint8Array => {
    const bytes = filled(32, 0x55)
    bytes.set(prefix)
    return bytes
  }
  const sets: readonly [string, readonly Uint8Array[]][] = [
    ['no rows', []],
    ['one row: the leaf is the root', [key(1)]],
    ['two rows that part at the first nibble', [key(0x10), key(0x20)]],
    ['two rows that part at the fourth nibble: nodes of one child above', [key(0x10, 0x01), key(0x10, 0x02)]],
    ['many depths', [key(0x00), key(0x00, 0x60), key(0x10, 0x01), key(0x10, 0x02), key(0xf0)]]
  ]
  return sets.map(([comment, keys]) => {
    const rows = keys.map((rowKey, index): [Uint8Array, Uint8Array] => [rowKey, Uint8Array.of(index)])
    rows.sort(([left], [right]) => Buffer.compare(left, right))
    const asked = [...keys.slice(-1), key(0x13)]
    return {
      comment,
      rows: plain(rows),
      root: hex(tree.trieRoot(crypto, rows)),
      proofs: asked.map((target) => ({
        key: hex(target),
        value: plain(rows.find(([rowKey]) => hex(rowKey) === hex(target))?.[1]),
        ...plainFields(tree.proveTrieKey(crypto, rows, target))
      }))
    }
  })
}

function refuseProofCases(): VectorCase[] {
  const rows = [0x10, 0x12, 0x20].map((first): [Uint8Array, Uint8Array] => [filled(32, first), filled(1, 1)])
  const key = filled(32, 0x12)
  const absent = filled(32, 0x15)
  const root = tree.trieRoot(crypto, rows)
  const good = tree.proveTrieKey(crypto, rows, key)
  const empty = tree.proveTrieKey(crypto, rows, absent)
  const [first, second] = good.steps
  const leaf = good.leaf
  if (first === undefined || second === undefined || leaf === undefined)
    throw new Error('two steps and a leaf')
  const zero = filled(32, 0)
  const cases: readonly (readonly [string, Uint8Array, tree.TrieProof])[] = [
    ['another value', key, { ...good, leaf: { ...leaf, value: filled(1, 2) } }],
    ['no leaf where the bitmap has one', key, { ...good, leaf: undefined }],
    ['a leaf where the bitmap has none', absent, { ...empty, leaf: { key: absent, value: filled(1, 1) } }],
    ['a leaf of another path', absent, { ...good }],
    ['a step less', key, { ...good, steps: [first] }],
    ['a step more', key, { ...good, steps: [...good.steps, second] }],
    ['no steps', key, { ...good, steps: [] }],
    ['no steps and no leaf', key, { steps: [], leaf: undefined }],
    [
      'a bitmap with one bit more',
      key,
      { ...good, steps: [{ ...first, bitmap: first.bitmap | 0x8000 }, second] }
    ],
    ['a bitmap of 17 bits', key, { ...good, steps: [{ ...first, bitmap: first.bitmap | 0x1_0000 }, second] }],
    ['an empty bitmap', absent, { steps: [{ bitmap: 0, siblings: [] }], leaf: undefined }],
    ['a hash too many', key, { ...good, steps: [{ ...first, siblings: [...first.siblings, zero] }, second] }],
    ['another hash', key, { ...good, steps: [{ ...first, siblings: [zero] }, second] }]
  ]
  return cases.map(([comment, target, proof]) => ({
    comment,
    root: hex(root),
    key: hex(target),
    ...plainFields({ steps: proof.steps, leaf: proof.leaf }),
    error: refusal(() => tree.verifyTrieProof(crypto, root, target, proof))
  }))
}

function refuseManifestCases(): VectorCase[] {
  const row = (directory: number, block: number, heads: Value): Uint8Array =>
    encodeValue([filled(32, directory), filled(32, block), heads])
  const one: Value = [[filled(32, 1), 1]]
  const many = (count: number): Value => Array.from({ length: count }, (_unused, at) => [filled(32, at), 1])
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['directories out of order', [row(2, 1, one), row(1, 2, one)]],
    ['blocks out of order', [row(1, 2, one), row(1, 1, one)]],
    ['one row twice', [row(1, 1, one), row(1, 1, one)]],
    ['no heads', [row(1, 1, [])]],
    ['65 heads', [row(1, 1, many(65))]],
    [
      'heads out of order',
      [
        row(1, 1, [
          [filled(32, 2), 1],
          [filled(32, 1), 1]
        ])
      ]
    ],
    [
      'a head twice',
      [
        row(1, 1, [
          [filled(32, 1), 1],
          [filled(32, 1), 2]
        ])
      ]
    ],
    ['version 0', [row(1, 1, [[filled(32, 1), 0]])]],
    ['a version above 2^40', [row(1, 1, [[filled(32, 1), 2 ** 40 + 1]])]],
    ['a row of two fields', [encodeValue([filled(32, 1), filled(32, 1)])]],
    ['a directory that is absent', [encodeValue([null, filled(32, 1), one])]],
    ['a row cut short', [row(1, 1, one).subarray(0, -1)]],
    ['a byte behind the last row', [row(1, 1, one), filled(1, 0)]]
  ]
  return cases.map(([comment, rows]) => {
    const bytes = new Uint8Array(Buffer.concat(rows))
    const decoder = new tree.ManifestDecoder()
    return { comment, bytes: hex(bytes), error: refusal(() => [decoder.push(bytes), decoder.finish()]) }
  })
}

function manifest(): { rows: readonly tree.ManifestRow[]; bytes: Uint8Array; headsRoot: Uint8Array } {
  const rows: tree.ManifestRow[] = [
    { directory: filled(32, 0), block: rootBlock.block, heads: [{ id: filled(32, 1), version: 1 }] },
    {
      directory: rootBlock.block,
      block: file.block,
      heads: [
        { id: filled(32, 2), version: 300 },
        { id: filled(32, 3), version: 299 }
      ]
    }
  ]
  const builder = new tree.HeadsRootBuilder(crypto)
  for (const row of rows) builder.add(row)
  const bytes = new Uint8Array(Buffer.concat(rows.map(tree.encodeManifestRow)))
  return { rows, bytes, headsRoot: builder.finish().headsRoot }
}

function manifestCase(): VectorCase {
  const { rows, bytes, headsRoot } = manifest()
  return {
    comment: 'the root block under 32 zero bytes, and a file with two heads',
    rows: plain(rows),
    bytes: hex(bytes),
    headsRoot: hex(headsRoot)
  }
}

function signed(type: number, body: Uint8Array): Uint8Array {
  return encodeEnvelope({ type, format: 1, signer: root.id, body, signature: filled(64, 0) })
}

/** The signatures of these are not valid: a decoder refuses each before it looks. */
function refuseCases(): VectorCase[] {
  const treeBody = tree.encodeTreeBody(treeRecord.body)
  const birth = file.birthBytes
  const kindAt = birth.length - 21
  const withBirth = (bytes: Uint8Array): Uint8Array =>
    signed(
      4,
      tree.encodeCapBody({
        tree: treeRecord.id,
        rootGeneration: 0,
        parentCap: undefined,
        subject: device.id,
        scopeType: tree.scopeType.block,
        scopeBirth: bytes,
        rights: 1,
        depth: 0,
        notBefore: undefined,
        notAfter: undefined,
        quota: undefined,
        nonce: filled(16, 0)
      })
    )
  const cases: readonly [string, Uint8Array][] = [
    ['an unknown type', signed(14, treeBody)],
    [
      'an unknown format',
      encodeEnvelope({ type: 2, format: 2, signer: root.id, body: treeBody, signature: filled(64, 0) })
    ],
    [
      'a tree record signed by another than its root',
      signed(2, tree.encodeTreeBody({ ...treeRecord.body, root: device.id }))
    ],
    ['an unknown flag', signed(2, treeBody.with(69, 2))],
    ['a byte after the body', signed(2, new Uint8Array([...treeBody, 0xc0]))],
    ['nil for the extensions', signed(2, treeBody.with(treeBody.length - 1, 0xc0))],
    [
      'an unknown critical extension',
      signed(2, new Uint8Array([...treeBody.subarray(0, -1), 0x91, 0x93, 9, 0xc3, 0xc4, 0]))
    ],
    [
      'extensions out of order',
      signed(
        2,
        new Uint8Array([...treeBody.subarray(0, -1), 0x92, 0x93, 9, 0xc2, 0xc4, 0, 0x93, 8, 0xc2, 0xc4, 0])
      )
    ],
    ['an unknown block kind', withBirth(birth.with(kindAt, 6))],
    ['a file that is a zone root', withBirth(birth.with(kindAt + 1, 1))],
    ['an unknown birth flag', withBirth(birth.with(kindAt + 1, 4))]
  ]
  return cases.map(([comment, bytes]) => ({
    comment,
    bytes: hex(bytes),
    error: refusal(() => tree.decodeRecord(crypto, bytes))
  }))
}
