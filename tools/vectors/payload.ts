/** Vectors of doc/spec/06-headers-and-payload.md: block keys, headers with their private part, payloads, refusals. */
import * as tree from '@blocktree/tree'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
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
      'open. payloads: `content` byte i is (7 i + floor(i / 256)) mod 256; every stored part by its hash; descriptor, ' +
      'size and root key as a header has them. refusePayloads: reading it whole must fail. `error` is the code of this ' +
      'implementation. Keys and nonces are random in use; here they come from a seed and only opening can be checked.',
    groups: {
      blockKeys: blockKeyCases(),
      headers: headerCases(),
      refuseHeaders: refuseHeaderCases(),
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
    ['a part that is not held', state, new Map()]
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
