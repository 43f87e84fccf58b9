import { CodecError, encodeEnvelope, decodeEnvelope, signInput } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import {
  cap,
  child,
  codeOf,
  crypto,
  device,
  epoch,
  file,
  fileKey,
  flipped,
  header,
  random,
  reader,
  root,
  rootBlock,
  treeId,
  treeRecord,
  zoneBelow
} from './format-fixture.ts'

const id = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const grant = tree.createGrant(crypto, root, {
  tree: treeId,
  targetType: tree.grantTarget.zone,
  target: rootBlock.block,
  recipientType: tree.recipientType.principal,
  recipient: reader.id,
  notAfter: 5,
  cap: undefined,
  nonce: id(1).subarray(0, 16)
})
const manifest = {
  aead: 0,
  sectorLog2: 17,
  levels: 0,
  stored: 256,
  rootHash: id(3),
  size: 99,
  rootKey: undefined
}
const checkpoint = tree.createCheckpoint(crypto, root, {
  tree: treeId,
  zone: rootBlock.block,
  sequence: 2,
  prev: [id(9), id(4)],
  headsRoot: id(1),
  blocks: 1,
  graveRoot: id(0),
  graves: 0,
  authorityRoot: id(2),
  manifest,
  timeMs: 1_700_000_000_000,
  cap: undefined
})

/** One record of every type, by name. */
const samples: Readonly<Record<string, tree.AnyRecord>> = {
  principal: root.record,
  tree: treeRecord,
  succession: tree.createSuccession(crypto, reader, {
    tree: treeId,
    generation: 1,
    newRoot: device.id,
    newRecovery: undefined,
    keepCaps: [id(9), id(8), id(9)],
    cuts: [
      { zone: id(5), checkpoint: id(1) },
      { zone: id(4), checkpoint: id(1) }
    ],
    prev: treeId
  }),
  cap: cap(device, { notBefore: 1, notAfter: 2, quota: { bytes: 1, blocks: 2, recordsPerDay: 3 } }),
  revocation: tree.createRevocation(crypto, root, {
    tree: treeId,
    target: id(7),
    by: undefined,
    cuts: [{ zone: id(4), checkpoint: id(1) }],
    reason: 1
  }),
  epoch: epoch.record,
  grant,
  delivery: tree.createDelivery({ crypto, random: crypto.random }, root, {
    grant,
    epoch: epoch.record.id,
    keyVersion: undefined,
    key: epoch.key,
    to: { principal: reader.record },
    cap: undefined
  }),
  grantRevocation: tree.createGrantRevocation(crypto, root, {
    tree: treeId,
    grant: grant.id,
    cap: undefined
  }),
  header: header(),
  checkpoint,
  receipt: tree.createReceipt(crypto, device, {
    tree: treeId,
    zone: rootBlock.block,
    records: [id(2), id(1)],
    coverage: tree.coverage.payload,
    durability: tree.durabilityClass.group,
    timeMs: 12,
    keepUntilMs: 13,
    term: 1,
    fence: 2,
    challenge: { nonce: new Uint8Array(16), proof: id(6) },
    cap: undefined
  }),
  endpoint: tree.createEndpoint(crypto, device, {
    tree: treeId,
    transportKey: id(1),
    addresses: ['/ip4/127.0.0.1/tcp/1'],
    notAfter: 9,
    sequence: 1
  })
}
const signers = new Map([root, device, reader].map((signer) => [signer.id.toHex(), signer]))

function publicKeyOf(record: tree.AnyRecord): Uint8Array {
  const signer = signers.get(record.signer.toHex())
  if (signer === undefined) throw new Error('a sample is signed by an unknown principal')
  return signer.key.publicKey
}

function signBody(type: tree.RecordType, body: Uint8Array, signer: tree.Signer = root): Uint8Array {
  return tree.signRecord(crypto, type, signer, body).bytes
}

function bodyOf(record: tree.AnyRecord): Uint8Array {
  return decodeEnvelope(record.bytes).body
}

describe.each(Object.entries(samples))('a %s record', (_name, record) => {
  test('decodes to the value that its maker returned', () => {
    expect(tree.decodeRecord(crypto, record.bytes)).toEqual(record)
  })

  test('has an id that its envelope gives without decoding the body', () => {
    expect(tree.recordIdOf(crypto, record.bytes)).toEqual(record.id)
  })

  test('verifies under the key of its signer', () => {
    expect(() => tree.verifyRecordSignature(crypto, record, publicKeyOf(record))).not.toThrow()
  })

  test('does not verify under another key', () => {
    const other = tree.createPrincipal(crypto, { signSeed: id(1), kemSeed: id(2) })
    expect(codeOf(() => tree.verifyRecordSignature(crypto, record, other.key.publicKey))).toBe(
      'ERR_RECORD_SIGNATURE'
    )
  })

  test('is refused with one flipped bit, by decoding or by its signature', () => {
    fc.assert(
      fc.property(fc.nat(record.bytes.length * 8 - 1), (bit) => {
        const code = codeOf(() => {
          const damaged = tree.decodeRecord(crypto, flipped(record.bytes, bit))
          tree.verifyRecordSignature(crypto, damaged, publicKeyOf(record))
        })
        expect(code).toMatch(/^ERR_(CODEC|RECORD|BIRTH|PRINCIPAL)_/)
      }),
      { numRuns: process.env['SLOW'] === undefined ? 60 : 2000 }
    )
  })

  test('is refused when its body has one more field or trailing bytes', () => {
    const body = bodyOf(record)
    const longer = new Uint8Array(body.length + 1)
    longer.set(body)
    expect(() => tree.decodeRecord(crypto, signBody(record.type, longer))).toThrow(CodecError)
    longer[0] = (longer[0] ?? 0) + 1
    longer[body.length] = 0xc0
    expect(() => tree.decodeRecord(crypto, signBody(record.type, longer))).toThrow()
  })

  test('is parked, not refused, when it holds an unknown critical extension', () => {
    if (record.type === tree.recordType.header) return // its extensions stand in the public part, see header.test.ts
    const body = bodyOf(record)
    const extended = new Uint8Array(body.length + 5)
    extended.set(body.subarray(0, -1)) // the last byte is the empty array of extensions
    extended.set([0x91, 0x93, 0x63, 0xc3, 0xc4, 0x00], body.length - 1)
    const code = codeOf(() => tree.decodeRecord(crypto, signBody(record.type, extended)))
    expect(code).toBe('ERR_RECORD_UNKNOWN_FORMAT')
    extended[body.length + 2] = 0xc2 // not critical
    expect(codeOf(() => tree.decodeRecord(crypto, signBody(record.type, extended)))).not.toBe(code)
  })
})

describe('decodeRecord', () => {
  test('throws nothing but its own errors and those of the codec, whatever the bytes', () => {
    const known = Object.values(samples).map(({ bytes }) => bytes)
    const mutated = fc
      .tuple(fc.constantFrom(...known), fc.nat(), fc.uint8Array({ minLength: 0, maxLength: 4 }))
      .map(([bytes, at, patch]) => {
        const copy = bytes.slice()
        copy.set(patch, Math.min(at % copy.length, copy.length - patch.length))
        return copy
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        try {
          tree.decodeRecord(crypto, bytes)
        } catch (error) {
          if (!(error instanceof tree.TreeError) && !(error instanceof CodecError)) throw error
        }
      }),
      { numRuns: process.env['SLOW'] === undefined ? 600 : 20_000 }
    )
  })

  test('parks an unknown type and an unknown format', () => {
    const envelope = decodeEnvelope(samples['cap']?.bytes ?? id(0))
    const unknownType = encodeEnvelope({ ...envelope, type: 14 })
    const unknownFormat = encodeEnvelope({ ...envelope, format: 2 })
    expect(codeOf(() => tree.decodeRecord(crypto, unknownType))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
    expect(codeOf(() => tree.decodeRecord(crypto, unknownFormat))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
  })

  test('refuses a header above 8 KiB and takes other records of that size', () => {
    const draft = { ...header().body, ext: [{ code: 9, critical: false, bytes: new Uint8Array(8000) }] }
    expect(
      codeOf(() =>
        tree.createHeader(
          { crypto, random },
          root,
          draft,
          { name: 'n', metadata: tree.noMetadata, size: 0, rootKey: undefined },
          fileKey
        )
      )
    ).toBe('ERR_RECORD_SIZE')
    const body = tree.encodeHeaderBody({ ...header().body, ...draft })
    const bytes = encodeEnvelope({
      type: 10,
      format: 1,
      signer: root.id,
      body,
      signature: new Uint8Array(64)
    })
    expect(codeOf(() => tree.decodeRecord(crypto, bytes))).toBe('ERR_RECORD_SIZE')
    const large = tree.createEndpoint(crypto, device, {
      tree: treeId,
      transportKey: id(1),
      addresses: [],
      notAfter: 0,
      sequence: 0,
      ext: draft.ext
    })
    expect(tree.decodeRecord(crypto, large.bytes)).toEqual(large)
  })

  test('refuses any record above 256 KiB', () => {
    const ext = [{ code: 9, critical: false, bytes: new Uint8Array(256 * 1024 - 60) }]
    const draft = { tree: treeId, transportKey: id(1), addresses: [], notAfter: 0, sequence: 0, ext }
    expect(codeOf(() => tree.createEndpoint(crypto, device, draft))).toBe('ERR_RECORD_SIZE')
  })

  test('refuses sets that are out of order or hold a value twice', () => {
    const body = bodyOf(checkpoint)
    const first = body.indexOf(4, 70)
    const swapped = body.slice()
    swapped.set(id(9), first)
    swapped.set(id(4), first + 34)
    expect(codeOf(() => tree.decodeRecord(crypto, signBody(11, swapped)))).toBe('ERR_RECORD_FIELD')
    swapped.set(id(4), first)
    expect(codeOf(() => tree.decodeRecord(crypto, signBody(11, swapped)))).toBe('ERR_RECORD_FIELD')
  })

  test('refuses two cuts of one zone', () => {
    const cuts = [
      { zone: id(4), checkpoint: id(1) },
      { zone: id(4), checkpoint: id(2) }
    ]
    const draft = { tree: treeId, target: id(7), by: undefined, cuts, reason: 0 }
    expect(codeOf(() => tree.createRevocation(crypto, root, draft))).toBe('ERR_RECORD_FIELD')
  })

  test('refuses extensions out of order', () => {
    const ext = [
      { code: 2, critical: false, bytes: id(0) },
      { code: 1, critical: false, bytes: id(0) }
    ]
    const draft = { tree: treeId, grant: grant.id, cap: undefined, ext }
    expect(codeOf(() => tree.createGrantRevocation(crypto, root, draft))).toBe('ERR_RECORD_FIELD')
  })

  test('keeps an unknown extension that is not critical', () => {
    const ext = [{ code: 77, critical: false, bytes: id(3) }]
    const record = tree.createGrantRevocation(crypto, root, {
      tree: treeId,
      grant: grant.id,
      cap: undefined,
      ext
    })
    expect(tree.decodeRecord(crypto, record.bytes)).toEqual(record)
    expect(record.body.ext).toEqual(ext)
  })

  test('refuses a sealed or misshapen manifest and a root that no count of graves gives, and takes one in clear', () => {
    const draft = { ...checkpoint.body, cap: undefined }
    expect(codeOf(() => tree.createCheckpoint(crypto, root, draft))).toBe('nothing was thrown')
    const sealed = { ...draft, manifest: { ...manifest, aead: 1 } }
    expect(codeOf(() => tree.createCheckpoint(crypto, root, sealed))).toBe('ERR_RECORD_FIELD')
    for (const graves of [
      { graves: 1, graveRoot: id(0) },
      { graves: 0, graveRoot: id(1) }
    ])
      expect(codeOf(() => tree.createCheckpoint(crypto, root, { ...draft, ...graves }))).toBe(
        'ERR_RECORD_FIELD'
      )
    const tall = { ...draft, manifest: { ...manifest, levels: 1 } }
    expect(codeOf(() => tree.createCheckpoint(crypto, root, tall))).toBe('ERR_RECORD_FIELD')
  })
})

describe('envelope and principals under attack', () => {
  test('A38: the format is under the signature and the record id leaves the signature out', () => {
    const record = samples['cap'] ?? treeRecord
    const envelope = decodeEnvelope(record.bytes)
    const reread = signInput({ ...envelope, format: 2 })
    expect(crypto.verify(root.key.publicKey, reread, envelope.signature)).toBe(false)
    const resigned = encodeEnvelope({ ...envelope, signature: flipped(envelope.signature, 3) })
    expect(tree.recordIdOf(crypto, resigned)).toEqual(record.id)
    expect(
      codeOf(() =>
        tree.verifyRecordSignature(crypto, tree.decodeRecord(crypto, resigned), root.key.publicKey)
      )
    ).toBe('ERR_RECORD_SIGNATURE')
  })

  test("A39: a principal of one's own encryption key and another's signing key has another id", () => {
    const body = { ...root.record.body, encapsulationPublicKey: device.record.body.encapsulationPublicKey }
    const bodyBytes = tree.encodePrincipalBody(body)
    const mixed = tree.principalId(crypto, bodyBytes)
    expect(mixed).not.toEqual(root.id)
    const posing = tree.decodeRecord(crypto, signBody(1, bodyBytes, { id: root.id, key: device.key }))
    expect(codeOf(() => tree.verifyRecordSignature(crypto, posing, device.key.publicKey))).toBe(
      'ERR_RECORD_SIGNER'
    )
    const unsigned = tree.decodeRecord(crypto, signBody(1, bodyBytes, { id: mixed, key: device.key }))
    expect(codeOf(() => tree.verifyRecordSignature(crypto, unsigned, root.key.publicKey))).toBe(
      'ERR_RECORD_SIGNATURE'
    )
    const deliver = (): unknown =>
      tree.createDelivery({ crypto, random }, root, {
        grant,
        epoch: epoch.record.id,
        keyVersion: undefined,
        key: epoch.key,
        to: { principal: device.record },
        cap: undefined
      })
    expect(codeOf(deliver)).toBe('ERR_RECORD_FIELD')
  })

  test('A39: a signing key of small order is refused', () => {
    const body = { ...root.record.body, signingPublicKey: new Uint8Array(32) }
    const bytes = tree.encodePrincipalBody(body)
    const signer = { id: tree.principalId(crypto, bytes), key: root.key }
    const record = tree.decodeRecord(crypto, signBody(1, bytes, signer))
    expect(codeOf(() => tree.verifyRecordSignature(crypto, record, body.signingPublicKey))).toBe(
      'ERR_PRINCIPAL_KEY'
    )
  })

  test('A40: the tree id is that of its record, which its root must have signed', () => {
    const bytes = signBody(2, tree.encodeTreeBody(treeRecord.body), device)
    expect(codeOf(() => tree.decodeRecord(crypto, bytes))).toBe('ERR_RECORD_SIGNER')
    const recovery = tree.recoveryCommitment(crypto, reader.id)
    const other = tree.createTree(crypto, root, { ...treeRecord.body, recovery })
    expect(other.id).not.toEqual(treeRecord.id)
    expect(recovery).not.toEqual(tree.recoveryCommitment(crypto, device.id))
  })

  test('A41: unknown algorithms and suites are parked, never negotiated', () => {
    const principalBody = tree.encodePrincipalBody(root.record.body)
    for (const [at, value] of [
      [1, 2],
      [36, 2]
    ] as const) {
      const changed = principalBody.slice()
      changed[at] = value
      expect(codeOf(() => tree.decodePrincipalBody(changed))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
    }
    const epochBody = { ...epoch.record.body, suite: 3 }
    expect(codeOf(() => tree.decodeEpochBody(tree.encodeEpochBody(epochBody)))).toBe(
      'ERR_RECORD_UNKNOWN_FORMAT'
    )
    const payload = { aead: 3, sectorLog2: 17, levels: 0, stored: 256, rootHash: id(1) }
    const bytes = tree.encodeHeaderBody({ ...header().body, payload })
    expect(codeOf(() => tree.decodeHeaderBody(crypto, bytes))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
  })

  test('A42: identifiers inside records are 32 raw bytes; a multihash is refused', () => {
    const multihash = new Uint8Array(34)
    multihash.set([0x12, 0x20])
    const body = tree.encodeTreeBody({ ...treeRecord.body, root: multihash })
    expect(() => tree.decodeTreeBody(body)).toThrow(CodecError)
  })

  test('A43: other spellings of a body are refused', () => {
    const body = bodyOf(treeRecord)
    const spellings: readonly (readonly [number, number, readonly number[]])[] = [
      [0, 1, [0xdc, 0x00, 0x05]], // array16 for a short array
      [1, 2, [0xc5, 0x00, 0x20]], // bin16 for a short bin
      [35, 1, [0xc2]], // false for nil
      [36, 1, [0xcc, 0x01]], // uint8 for a small number
      [36, 1, [0xd0, 0x01]], // a signed number
      [36, 1, [0xca, 0x3f, 0x80, 0x00, 0x00]], // a float
      [body.length - 1, 1, [0x80]], // a map for the extensions
      [body.length - 1, 1, [0xc0]] // nil for the extensions
    ]
    for (const [at, removed, replacement] of spellings) {
      const bytes = Uint8Array.from([...body.subarray(0, at), ...replacement, ...body.subarray(at + removed)])
      expect(() => tree.decodeTreeBody(bytes)).toThrow(CodecError)
    }
    expect(tree.decodeTreeBody(body)).toEqual(treeRecord.body)
  })
})

describe('births', () => {
  test('give the block its id, which changes with every field', () => {
    const inner = zoneBelow(rootBlock)
    const variants = [
      file,
      child(rootBlock),
      inner,
      child(inner),
      child(rootBlock, { ...file.birth, kind: 3 }),
      child(rootBlock, { ...file.birth, creator: device.id }),
      child(rootBlock, { ...file.birth, rank: 1 })
    ]
    expect(new Set(variants.map(({ block }) => block.toHex())).size).toBe(variants.length)
    for (const { birth, birthBytes } of variants) expect(tree.decodeBirth(birthBytes)).toEqual(birth)
  })

  test('put children of a zone root into its zone and the zone root into the outer one', () => {
    const zone = zoneBelow(rootBlock)
    const directory = child(zone, { kind: tree.blockKind.directory })
    expect(zone.birth.zone).toEqual(rootBlock.block)
    expect(directory.birth.zone).toEqual(zone.block)
    expect(tree.zoneOfChildren(directory.birth, directory.block)).toEqual(zone.block)
    expect(tree.homeZone(rootBlock.birth, rootBlock.block)).toEqual(rootBlock.block)
  })

  test.each([
    ['a file that is a zone root', { zoneRoot: true }],
    ['a public block that is no zone root', { public: true, kind: tree.blockKind.directory }],
    ['a zone without a parent', { parent: undefined }],
    ['a parent without a zone', { zone: undefined }],
    ['a root block with a nonce', { zone: undefined, parent: undefined, kind: 1, zoneRoot: true }],
    ['a root block with a rank', { zone: undefined, parent: undefined, kind: 1, zoneRoot: true, rank: 1 }],
    ['a root block that is no zone root', { zone: undefined, parent: undefined, kind: 1 }]
  ] as const)('refuse %s', (_what, change) => {
    expect(codeOf(() => tree.encodeBirth({ ...file.birth, ...change }))).toBe('ERR_BIRTH_FIELD')
  })

  test('refuse an unknown kind and unknown flags', () => {
    const kindAt = file.birthBytes.length - 21 // kind, flags, rank, bin 16
    expect(file.birthBytes[kindAt]).toBe(2)
    const kind = file.birthBytes.slice()
    kind[kindAt] = 9
    expect(codeOf(() => tree.decodeBirth(kind))).toBe('ERR_BIRTH_FIELD')
    const flags = file.birthBytes.slice()
    flags[kindAt + 1] = 4
    expect(codeOf(() => tree.decodeBirth(flags))).toBe('ERR_CODEC_RANGE')
  })
})
