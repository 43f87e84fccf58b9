/** Vectors of doc/spec/06-headers-and-payload.md: block keys, headers with their private part, payloads, refusals. */
import * as tree from '@blocktree/tree'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { type Value, editBytes, encodeValue } from '../vector-value.ts'
import {
  crypto,
  file,
  filled,
  firstEpoch,
  plain,
  plainFields,
  refusal,
  root,
  seededRandom
} from '../vector-tree.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'payload',
    specification: 'doc/spec/06-headers-and-payload.md',
    comment:
      'blockKeys: key and commitment from zone key, block id and key version. headers: record `bytes`, `blockKey` (null ' +
      'in public zones), the opened private part. refuseHeaders: `publicBytes`, `sealed` and `blockKey`; it must not ' +
      'open. privateParts, refusePrivateParts: a plaintext that a header with this public part (of a public zone) may have, ' +
      'or not. payloads: `content` byte i is (7 i + floor(i / 256)) mod 256; every stored part by its hash; descriptor, ' +
      'size and root key as a header has them. refusePayloads: reading it whole must fail. `error` is the code of this ' +
      'implementation. Keys and nonces are random in use; here they come from a seed and only opening can be checked.',
    groups: {
      blockKeys: blockKeyCases(),
      headers: headerCases(),
      refuseHeaders: refuseHeaderCases(),
      privateParts: privateCases(),
      refusePrivateParts: refusePrivateCases(),
      payloads: payloadCases(),
      refusePayloads: refusePayloadCases()
    }
  }
}

const random = seededRandom('payload')
const fileKey = tree.blockKey(crypto, firstEpoch.key, file.block, 0)

function blockKeyCases(): VectorCase[] {
  return [0, 1, 0xffffffff].map((keyVersion) => {
    const key = tree.blockKey(crypto, firstEpoch.key, file.block, keyVersion)
    return {
      comment: `key version ${keyVersion}`,
      zoneKey: hex(firstEpoch.key),
      block: hex(file.block),
      keyVersion,
      key: hex(key.bytes),
      commitment: hex(key.commitment)
    }
  })
}

const first: tree.HeaderDraft = {
  ...file,
  version: 1,
  prev: [],
  state: tree.blockState.live,
  parent: file.birth.parent,
  epoch: firstEpoch.record.id,
  keyVersion: 0,
  payload: undefined,
  cap: undefined
}
const empty = { name: 'a.txt', metadata: tree.noMetadata, size: 0, rootKey: undefined }
const full = {
  name: 'Grüße.txt',
  metadata: {
    modifiedMs: 1_700_000_000_000,
    mode: 0o644,
    mediaType: 'text/plain',
    attributes: [['user.note', filled(3, 1)]] as const
  },
  size: 5000,
  rootKey: filled(32, 8)
}
const payload = { aead: 1, sectorLog2: 12, levels: 1, stored: 5300, rootHash: filled(32, 6) }

function seal(
  draft: Partial<tree.HeaderDraft>,
  priv: Omit<tree.HeaderPrivate, 'ext'> & { readonly ext?: tree.Extensions },
  key: tree.BlockKey | undefined = fileKey
): tree.HeaderRecord {
  return tree.createHeader({ crypto, random }, root, { ...first, ...draft }, priv, key)
}

function sealPublic(): tree.HeaderRecord {
  const clear = { ...payload, aead: 0 }
  const priv = { ...full, rootKey: undefined }
  return tree.createHeader(
    { crypto, random },
    root,
    { ...first, epoch: undefined, payload: clear },
    priv,
    undefined
  )
}

function headerCases(): VectorCase[] {
  const prev = [filled(32, 2), filled(32, 1)]
  const movedTo = [{ code: 1, critical: false, bytes: filled(32, 4) }]
  const cases: readonly [string, tree.HeaderRecord, tree.BlockKey | undefined][] = [
    ['version 1 without a payload', seal({}, empty), fileKey],
    ['a merge of two versions, with a payload', seal({ version: 9, prev, payload }, full), fileKey],
    [
      'a tombstone that says where the block moved to',
      seal({ version: 2, prev: prev.slice(1), state: 1 }, { ...empty, ext: movedTo }),
      fileKey
    ],
    ['a public block', sealPublic(), undefined]
  ]
  return cases.map(([comment, record, key]) => ({
    comment,
    bytes: hex(record.bytes),
    block: hex(record.body.block),
    publicBytes: hex(record.body.publicBytes),
    sealed: hex(record.body.sealed),
    blockKey: plain(key?.bytes),
    private: plain(tree.openHeader(crypto, record.body, key))
  }))
}

function refuseHeaderCases(): VectorCase[] {
  const good = seal({}, empty).body
  const other = seal({ version: 2, prev: [filled(32, 1)] }, empty).body
  const plaintext = (bytes: Uint8Array): Uint8Array =>
    tree.sealHeader({ crypto, random }, good.publicBytes, bytes, fileKey)
  const padded = tree.openHeader(crypto, sealPublic().body, undefined)
  const clear = tree.createHeader(
    { crypto, random },
    root,
    { ...first, epoch: undefined },
    { ...empty, name: padded.name },
    undefined
  )
  const cases: readonly [string, tree.HeaderBody, tree.BlockKey][] = [
    ['the sealed part of another version', { ...good, sealed: other.sealed }, fileKey],
    [
      'one bit of the sealed part',
      { ...good, sealed: good.sealed.with(20, (good.sealed[20] ?? 0) ^ 1) },
      fileKey
    ],
    ['a key that the header does not commit to', good, tree.blockKeyFromBytes(crypto, filled(32, 1))],
    ['padding that is not zero', { ...good, sealed: plaintext(clear.body.sealed.with(62, 1)) }, fileKey],
    ['a plaintext of 63 bytes', { ...good, sealed: plaintext(clear.body.sealed.subarray(0, 63)) }, fileKey]
  ]
  return cases.map(([comment, body, key]) => ({
    comment,
    publicBytes: hex(body.publicBytes),
    sealed: hex(body.sealed),
    blockKey: hex(key.bytes),
    error: refusal(() => tree.openHeader(crypto, body, key))
  }))
}

/** The fields of a private part before the padding, by their place. */
type Fields = Readonly<Record<number, Value>>
type PrivateRow = readonly [comment: string, header: tree.HeaderRecord, fields: Fields]

const bare = tree.createHeader(
  { crypto, random: seededRandom('private') },
  root,
  { ...first, epoch: undefined },
  empty,
  undefined
)
const withPayload = tree.createHeader(
  { crypto, random: seededRandom('private') },
  root,
  { ...first, epoch: undefined, payload: { ...payload, aead: 0 } },
  { ...full, rootKey: undefined },
  undefined
)
const metadata = (fields: Fields): Value => [0, 1, 2, 3].map((at) => fields[at] ?? (at === 3 ? [] : null))
const attributes = (count: number): Value =>
  Array.from({ length: count }, (_unused, at) => [`a${String(at).padStart(2, '0')}`, filled(1, 1)])

/** A plaintext with these fields, padded as it must be. */
function plaintextOf(fields: Fields): Uint8Array {
  const values = ['a.txt', metadata({}), 0, null, new Uint8Array(0), []].map((value: Value, at): Value =>
    at in fields ? (fields[at] ?? null) : value
  )
  const length = encodeValue(values).length
  return at4(values, filled((64 - (length % 64)) % 64, 0))
}

function at4(values: Value, pad: Uint8Array): Uint8Array {
  return editBytes(encodeValue(values), [4], (before) =>
    before instanceof Uint8Array && before.length === 0 ? pad : before
  )
}

function privateCases(): VectorCase[] {
  const cases: readonly PrivateRow[] = [
    ['an empty name', bare, { 0: '' }],
    ['a name of 4,096 bytes', bare, { 0: 'a'.repeat(4096) }],
    ['a name that no view shows as it is', bare, { 0: '../\u0000' }],
    [
      'all bits of the mode, the greatest time',
      bare,
      { 1: metadata({ 0: Number.MAX_SAFE_INTEGER, 1: 0o7777 }) }
    ],
    ['a media type of 255 bytes', bare, { 1: metadata({ 2: 'a'.repeat(255) }) }],
    ['64 attributes', bare, { 1: metadata({ 3: attributes(64) }) }],
    [
      'attributes in the order of UTF-8, which is not that of UTF-16',
      bare,
      {
        1: metadata({
          3: [
            ['\uffff', filled(1, 1)],
            ['\u{10000}', filled(1, 1)]
          ]
        })
      }
    ],
    ['a known extension that is critical', bare, { 5: [[1, true, filled(32, 1)]] }],
    ['a known extension of another length: it means nothing', bare, { 5: [[2, false, filled(31, 1)]] }],
    ['7,168 bytes in all', bare, { 0: 'a'.repeat(4096), 5: [[9, false, filled(3040, 1)]] }],
    ['an unknown extension', bare, { 5: [[3, false, filled(1, 1)]] }],
    ['the smallest size of two sectors', withPayload, { 2: 4097 }],
    ['the greatest size of one level', withPayload, { 2: 4096 * 256 }]
  ]
  return cases.map(([comment, header, fields]) => {
    const plaintext = plaintextOf(fields)
    tree.openHeader(crypto, { ...header.body, sealed: plaintext }, undefined)
    return { comment, publicBytes: hex(header.body.publicBytes), plaintext: hex(plaintext) }
  })
}

function refusePrivateCases(): VectorCase[] {
  const cases: readonly PrivateRow[] = [
    ['a name of 4,097 bytes', bare, { 0: 'a'.repeat(4097) }],
    ['a name in bytes', bare, { 0: filled(1, 97) }],
    ['a mode of 13 bits', bare, { 1: metadata({ 1: 0o10000 }) }],
    ['a media type of 256 bytes', bare, { 1: metadata({ 2: 'a'.repeat(256) }) }],
    ['65 attributes', bare, { 1: metadata({ 3: attributes(65) }) }],
    [
      'an attribute twice',
      bare,
      {
        1: metadata({
          3: [
            ['a', filled(1, 1)],
            ['a', filled(1, 2)]
          ]
        })
      }
    ],
    [
      'attributes in the order of UTF-16',
      bare,
      {
        1: metadata({
          3: [
            ['\u{10000}', filled(1, 1)],
            ['\uffff', filled(1, 1)]
          ]
        })
      }
    ],
    [
      'an attribute with a name of 256 bytes',
      bare,
      { 1: metadata({ 3: [['a'.repeat(256), filled(1, 1)]] }) }
    ],
    ['metadata of three fields', bare, { 1: [null, null, null] }],
    ['an unknown critical extension', bare, { 5: [[3, true, filled(1, 1)]] }],
    [
      'extensions out of order',
      bare,
      {
        5: [
          [2, false, filled(32, 1)],
          [1, false, filled(32, 1)]
        ]
      }
    ],
    ['padding of 64 bytes', bare, { 4: filled(64, 0) }],
    ['padding that is not zero', bare, { 4: filled(8, 1) }],
    ['a size without a payload', bare, { 2: 1 }],
    ['a root key without a payload', bare, { 3: filled(32, 1) }],
    ['a root key in a public zone', withPayload, { 2: 5000, 3: filled(32, 1) }],
    ['a size that needs fewer levels', withPayload, { 2: 4096 }],
    ['a size that needs more levels', withPayload, { 2: 4096 * 256 + 1 }],
    ['a size of 2^53-1', withPayload, { 2: Number.MAX_SAFE_INTEGER }]
  ]
  return cases.map(([comment, header, fields]) => {
    const plaintext = plaintextOf(fields)
    const body = { ...header.body, sealed: plaintext }
    const error = refusal(() => tree.openHeader(crypto, body, undefined))
    return { comment, publicBytes: hex(header.body.publicBytes), plaintext: hex(plaintext), error }
  })
}

function content(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_unused, index) => (7 * index + (index >> 8)) & 0xff)
}

type Aead = tree.SealContext['aead']
type Parts = Map<string, Uint8Array>

function write(aead: Aead, size: number, holeAfter = 0): { state: tree.PayloadState; parts: Parts } {
  const parts: Parts = new Map()
  const writer = new tree.PayloadWriter(
    { crypto, random, block: file.block, aead },
    { sectorLog2: 12, emit: (sector) => parts.set(hex(sector.reference), sector.bytes) }
  )
  writer.push(content(size))
  writer.pushHole(holeAfter)
  return { state: writer.finish(), parts }
}

function payloadCases(): VectorCase[] {
  const cases: readonly [string, Aead, number, number][] = [
    ['no bytes: the root is a hole', 1, 0, 0],
    ['one byte, AES-256-GCM', 1, 1, 0],
    ['one whole sector, ChaCha20-Poly1305', 2, 4096, 0],
    ['two sectors and a node, AES-256-GCM', 1, 4097, 0],
    ['two sectors and a node, in clear', 0, 4097, 0],
    ['a sector followed by a hole: two levels', 1, 4096, 4096 * 300]
  ]
  return cases.map(([comment, aead, size, hole]) => {
    const { state, parts } = write(aead, size, hole)
    return {
      comment,
      contentBytes: size,
      zerosAfter: hole,
      ...plainFields(state),
      parts: Object.fromEntries([...parts].map(([hash, bytes]) => [hash, hex(bytes)]))
    }
  })
}

/** Parts whose bytes were changed, the reference with them or not. */
function brokenParts(): [string, tree.PayloadState, Parts][] {
  const sealed = write(1, 1)
  const clear = write(0, 4097)
  const [[hash, bytes] = ['', new Uint8Array(0)]] = sealed.parts
  const flipped = bytes.with(0, (bytes[0] ?? 0) ^ 1)
  const renamed = (state: tree.PayloadState, rootHash: Uint8Array): tree.PayloadState => ({
    ...state,
    payload: { ...state.payload, rootHash }
  })
  const node = clear.parts.get(hex(clear.state.payload.rootHash)) ?? new Uint8Array(0)
  const withNode = (comment: string, changed: Uint8Array): [string, tree.PayloadState, Parts] => {
    const rootHash = crypto.sha256(changed)
    return [comment, renamed(clear.state, rootHash), new Map([...clear.parts, [hex(rootHash), changed]])]
  }
  const rootHash = crypto.sha256(flipped)
  return [
    ['bytes that do not hash to their reference', sealed.state, new Map([[hash, flipped]])],
    ['a tag that does not hold', renamed(sealed.state, rootHash), new Map([[hex(rootHash), flipped]])],
    ['another root key', { ...sealed.state, rootKey: filled(32, 1) }, sealed.parts],
    withNode('a node that claims another level', editBytes(node, [0], 2)),
    withNode('a node of level 0', editBytes(node, [0], 0)),
    withNode('a node with a child too many', editBytes(node, [1], filled(96, 0))),
    withNode('a node with hashes of 63 bytes', editBytes(node, [1], filled(63, 0))),
    withNode('a node without children', editBytes(node, [1], filled(0, 0))),
    withNode('keys in clear', editBytes(node, [2], filled(64, 0))),
    withNode('a node with a byte behind it', Uint8Array.of(...node, 0xc0)),
    withNode('a node that is not canonical', Uint8Array.of(0xdc, 0, 3, ...node.subarray(1)))
  ]
}

function refusePayloadCases(): VectorCase[] {
  const { state, parts } = write(1, 4097)
  const leaf = write(1, 1)
  const cases: readonly [string, tree.PayloadState, Parts][] = [
    ['a size that needs more sectors than the node lists', { ...state, size: 4096 * 3 }, parts],
    ['a size that needs fewer levels', { ...state, size: 4096 }, parts],
    ['a sector longer than the size allows', { ...leaf.state, size: 257 }, leaf.parts],
    [
      'a sector in place of a node',
      { ...leaf.state, size: 4097, payload: { ...leaf.state.payload, levels: 1 } },
      leaf.parts
    ],
    ['a part that is not held', state, new Map()],
    ...brokenParts()
  ]
  return cases.map(([comment, broken, held]) => ({
    comment,
    ...plainFields(broken),
    parts: Object.fromEntries([...held].map(([hash, bytes]) => [hash, hex(bytes)])),
    error: refusal(() => {
      const options = { readSector: (hash: tree.Id) => held.get(hex(hash)), isVerified: false }
      return new tree.PayloadReader(crypto, broken, options).read(0, broken.size)
    })
  }))
}
