/**
 * One vector a rule of a record's own bytes, accepting and refusing: pages 05 to 07 of doc/spec. Each changes one
 * field of a record of `records.ts`; the signatures do not hold any more, which a decoder does not look at.
 */
import { deflateSync } from 'node:zlib'
import { decodeEnvelope, encodeEnvelope, recordBytesMax } from '@blocktree/codec'
import * as tree from '@blocktree/tree'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import {
  childOf,
  crypto,
  device,
  file,
  filled,
  folder,
  reader,
  refusal,
  root,
  rootBlock
} from '../vector-tree.ts'
import { type Edit, type Value, editBytes } from '../vector-value.ts'
import { samples } from './records.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'record-rules',
    specification: 'doc/spec/05-records.md',
    comment:
      'accept: `bytes` are a record, whose signature is not looked at (a principal record also names its signer and has ' +
      'a sound key). refuse: they are none; ERR_RECORD_UNKNOWN_FORMAT says that it may be one of a later format, any ' +
      'other `error` is the code of this implementation. refuseBirths: `bytes` are no birth. capsUnderParent, refuseCapsUnderParent: the cap ' +
      '`child` may, or may not, be issued under the cap `parent`; `zones` are births of zone roots. Where `zlib` stands ' +
      'instead of `bytes`, it is the bytes in the format of RFC 1950.',
    groups: { accept: acceptCases(), refuse: refuseCases(), refuseBirths: refuseBirthCases(), ...capPairs() }
  }
}

/** Record type (its number), what is done, path in the body, the value that is put there. */
type Row = readonly [type: number, comment: string, path: readonly number[], edit: Value | Edit]

const id = (first: number): Uint8Array => filled(32, first)
const ids = (count: number): Value =>
  Array.from({ length: count }, (_unused, index) => Uint8Array.of(...filled(30, 0), index >> 8, index & 0xff))
const cuts = (...zones: number[]): Value => zones.map((zone) => [id(zone), id(9)])
const bytes = (length: number): Uint8Array => filled(length, 1)
const shorter: Edit = (value) => (Array.isArray(value) ? value.slice(0, -1) : value)
const longer: Edit = (value) => (Array.isArray(value) ? value.concat(null) : value)
const extensions = (count: number): Value =>
  Array.from({ length: count }, (_unused, code) => [code, false, bytes(1)])
const max53 = Number.MAX_SAFE_INTEGER
const max32 = 0xffff_ffff

const accepted: readonly Row[] = [
  [1, 'an encapsulation key that nobody could seal to: it is not judged here', [3], filled(1216, 0xff)],
  [2, 'no recovery, no flag', [2], 0],
  [3, 'the last generation, 1,024 caps kept', [4], ids(1024)],
  [3, 'the greatest generation', [1], max32],
  [4, 'all 32 bits of rights over a zone', [6], max32],
  [4, 'an interval of one millisecond', [8], 1_900_000_000_000],
  [4, 'times and quotas at their greatest', [10], [max53, max53, max53]],
  [4, 'a block scope over a zone root, with its two rights', [], capOf(1, 9)],
  [5, '1,024 cuts', [3], (): Value => manyCuts(1024)],
  [6, 'the greatest number, 64 prev', [], epochOf(max32, 64, 64)],
  [8, 'a fresh salt', [4], bytes(32)],
  [8, 'the greatest key version', [2], max32],
  [9, '32 extensions', [3], extensions(32)],
  [9, 'the greatest code of an extension', [3], [[max53, false, bytes(0)]]],
  [10, 'the greatest version, 8 prev', [0], (pub) => header(pub, { 1: 2 ** 40, 2: ids(8) })],
  [
    10,
    'a version that does not follow from prev: it is a claim',
    [0],
    (pub) => header(pub, { 1: 7, 2: ids(1) })
  ],
  [10, 'a first version that is deleted', [0], (pub) => header(pub, { 3: 1 })],
  [10, 'the greatest claim of stored bytes', [0], (pub) => header(pub, { 8: [2, 20, 6, max53, id(1)] })],
  [10, 'a sealed part of 7,196 bytes, which need not open', [1], bytes(7196)],
  [10, 'a sealed part of no bytes', [1], bytes(0)],
  [11, 'the greatest sequence, 64 prev', [], (body) => set(body, { 2: max53, 3: ids(64) })],
  [12, '4,096 records', [2], ids(4096)],
  [13, '32 addresses of 256 bytes', [2], Array<string>(32).fill('é'.repeat(128))],
  [13, 'no address', [2], []]
]

const refused: readonly Row[] = [
  [1, 'another signature algorithm', [0], 2],
  [1, 'another encapsulation algorithm', [2], 2],
  [1, 'a signing key of 31 bytes', [1], bytes(31)],
  [1, 'an encapsulation key of 1,215 bytes', [3], bytes(1215)],
  [1, 'a signing key that is the identity', [1], Uint8Array.of(1, ...filled(31, 0))],
  [2, 'a root of 31 bytes', [0], bytes(31)],
  [2, 'a nonce of 15 bytes', [3], bytes(15)],
  [2, 'flags that are a boolean', [2], true],
  [3, 'generation 0', [1], 0],
  [3, 'a generation of 2^32', [1], 2 ** 32],
  [3, '1,025 caps kept', [4], ids(1025)],
  [3, 'caps kept, not ascending', [4], [id(2), id(1)]],
  [3, 'a cap kept twice', [4], [id(1), id(1)]],
  [3, 'two cuts for one zone', [5], cuts(1, 1)],
  [3, 'no prev', [6], null],
  [4, 'another scope type', [4], 2],
  [4, 'a scope birth of another tree', [5, 0], id(5)],
  [4, 'a scope birth with a byte behind it', [5], (birth) => join(birth, 0xc0)],
  [4, 'a scope birth of 257 bytes', [5], bytes(257)],
  [4, 'a zone scope that is no zone root', [5, 5], 0],
  [4, 'block scope with the right to create', [], capOf(1, 3)],
  [4, 'block scope with an unknown right', [], capOf(1, 0x101)],
  [4, 'block scope with the highest bit', [], capOf(1, 0x8000_0001)],
  [4, 'rights of 2^32', [6], 2 ** 32],
  [4, 'rights that are absent', [6], null],
  [4, 'a depth of 256', [7], 256],
  [4, 'an interval that ends before it begins', [8], 1_900_000_000_001],
  [4, 'a quota of two numbers', [10], [1, 1]],
  [4, 'a quota with one number absent', [10], [1, null, 1]],
  [5, 'a reason of 256', [4], 256],
  [5, 'cuts out of order', [3], cuts(2, 1)],
  [5, '1,025 cuts', [3], (): Value => manyCuts(1025)],
  [6, 'number 0', [2], 0],
  [6, 'number 2 without prev', [2], 2],
  [6, 'number 1 with prev', [], epochOf(1, 1, 1)],
  [6, 'a number of 2^32', [], epochOf(2 ** 32, 1, 1)],
  [6, '65 prev', [], epochOf(2, 65, 65)],
  [6, 'fewer sealed keys than prev', [], epochOf(2, 2, 1)],
  [6, 'more sealed keys than prev', [], epochOf(2, 1, 2)],
  [6, 'a sealed key of 47 bytes', [], (body) => set(body, { 2: 2, 3: ids(1), 6: [bytes(47)] })],
  [6, 'suite 0', [4], 0],
  [6, 'suite 3', [4], 3],
  [6, 'an inherited key of 47 bytes', [7], [id(1), bytes(47)]],
  [7, 'another sort of target', [1], 2],
  [7, 'recipient type 0', [3], 0],
  [7, 'recipient type 3', [3], 3],
  [7, 'a nonce of 17 bytes', [7], bytes(17)],
  [8, 'a key version of 2^32', [2], 2 ** 32],
  [8, 'suite 0', [3], 0],
  [8, 'an encapsulation of 31 bytes', [4], bytes(31)],
  [8, 'an encapsulation of 33 bytes', [4], bytes(33)],
  [8, 'an encapsulation of 1,119 bytes', [4], bytes(1119)],
  [8, 'an encapsulation of 1,121 bytes', [4], bytes(1121)],
  [8, 'a wrapped key of 49 bytes', [5], bytes(49)],
  [9, 'a field too few', [], shorter],
  [9, 'a field too many', [], longer],
  [9, '33 extensions', [3], extensions(33)],
  [9, 'an extension of two values', [3], [[1, false]]],
  [9, 'an extension that is critical by a number', [3], [[1, 1, bytes(0)]]],
  [
    9,
    'a code twice',
    [3],
    [
      [1, false, bytes(0)],
      [1, false, bytes(0)]
    ]
  ],
  [
    9,
    'an unknown critical extension behind one that is not',
    [3],
    [
      [1, false, bytes(0)],
      [2, true, bytes(0)]
    ]
  ],
  [
    9,
    'an unknown critical extension before one out of order',
    [3],
    [
      [2, true, bytes(0)],
      [1, false, bytes(0)]
    ]
  ],
  [
    9,
    'a fault before an unknown critical extension',
    [],
    (body) => set(body, { 2: bytes(31), 3: [[1, true, bytes(0)]] })
  ],
  [
    8,
    'an unknown suite before a fault: what stands behind it is not looked at',
    [],
    (body) => set(body, { 3: 9, 5: null })
  ],
  [10, 'version 0', [0, 1], 0],
  [10, 'a version above 2^40', [0], (pub) => header(pub, { 1: 2 ** 40 + 1, 2: ids(1) })],
  [10, 'version 1 with prev', [0, 2], ids(1)],
  [10, 'version 2 without prev', [0, 1], 2],
  [10, '9 prev', [0], (pub) => header(pub, { 1: 2, 2: ids(9) })],
  [10, 'prev out of order', [0], (pub) => header(pub, { 1: 2, 2: [id(2), id(1)] })],
  [10, 'one prev twice', [0], (pub) => header(pub, { 1: 2, 2: [id(1), id(1)] })],
  [10, 'state 2', [0, 3], 2],
  [10, 'no parent', [0], (pub) => header(pub, { 1: 2, 2: ids(1), 4: null })],
  [10, 'version 1 with another parent than the birth', [0, 4], id(1)],
  [10, 'an epoch without a commitment', [0, 7], null],
  [10, 'a commitment without an epoch', [0, 5], null],
  [10, 'a key version without an epoch', [0], (pub) => header(pub, { 5: null, 6: 1, 7: null })],
  [10, 'a key version of 2^32', [0, 6], 2 ** 32],
  [10, 'a payload with AEAD 3', [0, 8], [3, 12, 0, 272, id(1)]],
  [10, 'a payload in clear with an epoch', [0, 8], [0, 12, 0, 256, id(1)]],
  [
    10,
    'a sealed payload without an epoch',
    [0],
    (pub) => header(pub, { 5: null, 7: null, 8: [1, 12, 0, 272, id(1)] })
  ],
  [10, 'sectors of 2 KiB', [0, 8], [1, 11, 0, 272, id(1)]],
  [10, 'sectors of 2 MiB', [0, 8], [1, 21, 0, 272, id(1)]],
  [10, '7 levels', [0, 8], [1, 12, 7, 272, id(1)]],
  [10, 'a payload of four fields', [0, 8], [1, 12, 0, 272]],
  [
    10,
    'a payload on a directory',
    [0],
    (pub) => header(pub, { 0: folder.birthBytes, 8: [1, 12, 0, 272, id(1)] })
  ],
  [
    10,
    'a payload on a deleted block',
    [0],
    (pub) => header(pub, { 1: 2, 2: ids(1), 3: 1, 8: [1, 12, 0, 272, id(1)] })
  ],
  [
    10,
    'a deleted root block',
    [0],
    (pub) => header(pub, { 0: rootBlock.birthBytes, 1: 2, 2: ids(1), 3: 1, 4: null })
  ],
  [10, 'a root block with a parent', [0], (pub) => header(pub, { 0: rootBlock.birthBytes, 1: 2, 2: ids(1) })],
  [10, 'a byte behind the public part', [0], (pub) => join(pub, 0xc0)],
  [10, 'a byte behind the birth', [0, 0], (birth) => join(birth, 0xc0)],
  [10, 'a sealed part of 7,197 bytes', [1], bytes(7197)],
  [11, 'sequence 0', [2], 0],
  [11, 'sequence 2 without prev', [2], 2],
  [11, 'sequence 1 with prev', [3], ids(1)],
  [11, '65 prev', [], (body) => set(body, { 2: 2, 3: ids(65) })],
  [11, 'a manifest that is sealed', [9, 0], 1],
  [11, 'a manifest with AEAD 3', [9, 0], 3],
  [11, 'a manifest with a level too many', [9, 2], 1],
  [11, 'a manifest with a level too few', [9, 5], 2 ** 17 + 1],
  [12, 'no records', [2], []],
  [12, '4,097 records', [2], ids(4097)],
  [12, 'records out of order', [2], [id(2), id(1)]],
  [12, 'coverage 0', [3], 0],
  [12, 'coverage 3', [3], 3],
  [12, 'class 3', [4], 3],
  [12, 'a challenge with a nonce of 15 bytes', [9], [bytes(15), id(1)]],
  [12, 'a time that is absent', [5], null],
  [13, '33 addresses', [2], Array<string>(33).fill('/a')],
  [13, 'an address of 257 bytes', [2], ['a'.repeat(257)]],
  [13, 'an address that is no text', [2], [bytes(4)]],
  [13, 'a transport key of 31 bytes', [1], bytes(31)]
]

function join(value: Value, byte: number): Value {
  return value instanceof Uint8Array ? Uint8Array.of(...value, byte) : value
}

function set(body: Value, fields: Readonly<Record<number, Value>>): Value {
  if (!Array.isArray(body)) throw new Error('a body is an array')
  const elements: readonly Value[] = body
  return elements.map((element, index) => fields[index] ?? (index in fields ? null : element))
}

function header(pub: Value, fields: Readonly<Record<number, Value>>): Value {
  if (!(pub instanceof Uint8Array)) throw new Error('the public part is a byte string')
  return editBytes(pub, [], (value) => set(value, fields))
}

function capOf(scopeType: number, rights: number): Edit {
  return (body) => set(body, { 4: scopeType, 6: rights })
}

function epochOf(number: number, prev: number, past: number): Edit {
  return (body) => set(body, { 2: number, 3: ids(prev), 6: Array<Value>(past).fill(bytes(48)) })
}

function manyCuts(count: number): Value {
  const zones = ids(count)
  return Array.isArray(zones) ? zones.map((zone: Value) => [zone, id(9)]) : []
}

function edited([type, comment, path, edit]: Row): { comment: string; bytes: Uint8Array } {
  const sample = samples().find(([, record]) => record.type === type)?.[1]
  if (sample === undefined) throw new Error(`no sample of type ${type}`)
  const envelope = decodeEnvelope(sample.bytes)
  const body = editBytes(envelope.body, path, edit)
  const signer = type === 1 ? tree.principalId(crypto, body) : envelope.signer
  return { comment: `type ${type}: ${comment}`, bytes: encodeEnvelope({ ...envelope, body, signer }) }
}

function decode(bytes: Uint8Array): unknown {
  const record = tree.decodeRecord(crypto, bytes)
  if (record.type === tree.recordType.principal) tree.checkPrincipalRecord(crypto, record)
  return record
}

function acceptCases(): VectorCase[] {
  return [...accepted.map(edited), longHeader(8192, 1)].map(({ comment, bytes }) => {
    decode(bytes)
    return { comment, ...written(bytes) }
  })
}

function written(bytes: Uint8Array): { bytes: string } | { zlib: string } {
  return bytes.length <= 4096 ? { bytes: hex(bytes) } : { zlib: hex(deflateSync(bytes)) }
}

/** A header of exactly so many bytes: the rest is an extension. */
function longHeader(size: number, format: number): { comment: string; bytes: Uint8Array } {
  const comment = `type 10: format ${format}, an envelope of ${size} bytes`
  const grow = (more: number): Uint8Array => {
    const extension: Value = [[1, false, bytes(more)]]
    const { bytes: made } = edited([10, comment, [0], (pub) => header(pub, { 10: extension })])
    return encodeEnvelope({ ...decodeEnvelope(made), format })
  }
  const made = grow(300 + size - grow(300).length)
  if (made.length !== size) throw new Error(`${made.length} bytes were made instead of ${size}`)
  return { comment, bytes: made }
}

function refuseCases(): VectorCase[] {
  const [, principal] = samples()[0] ?? []
  if (principal === undefined) throw new Error('no principal among the samples')
  const renamed = encodeEnvelope({ ...decodeEnvelope(principal.bytes), signer: device.id })
  const cases = [
    ...refused.map(edited),
    { comment: 'type 1: signed in the name of another principal', bytes: renamed },
    longHeader(8193, 1),
    longHeader(8193, 2)
  ]
  return cases.map(({ comment, bytes }) => {
    if (bytes.length > recordBytesMax) throw new Error(`the case "${comment}" is too long`)
    return { comment, ...written(bytes), error: refusal(() => decode(bytes)) }
  })
}

function refuseBirthCases(): VectorCase[] {
  const cases: readonly [string, Uint8Array][] = [
    ['kind 0', editBytes(folder.birthBytes, [4], 0)],
    ['kind 6', editBytes(folder.birthBytes, [4], 6)],
    ['a symbolic link that is a zone root', editBytes(folder.birthBytes, [4], 5)],
    ['public without being a zone root', editBytes(folder.birthBytes, [5], 2)],
    ['an unknown flag', editBytes(folder.birthBytes, [5], 4)],
    ['a parent without a zone', editBytes(folder.birthBytes, [1], null)],
    ['a zone without a parent', editBytes(folder.birthBytes, [2], null)],
    ['a root block that is no zone root', editBytes(rootBlock.birthBytes, [5], 0)],
    ['a root block of rank 1', editBytes(rootBlock.birthBytes, [6], 1)],
    ['a root block with a nonce', editBytes(rootBlock.birthBytes, [7], bytes(16))],
    ['a rank of 256', editBytes(folder.birthBytes, [6], 256)],
    ['a nonce of 15 bytes', editBytes(folder.birthBytes, [7], bytes(15))],
    ['a field too many', editBytes(folder.birthBytes, [], longer)],
    ['a byte behind it', Uint8Array.of(...folder.birthBytes, 0xc0)]
  ]
  return cases.map(([comment, birth]) => ({
    comment,
    bytes: hex(birth),
    error: refusal(() => tree.decodeBirth(birth))
  }))
}

const top = rootBlock.birthBytes
const nested = childOf(folder, tree.blockKind.directory, 8, true)
const sibling = childOf(rootBlock, tree.blockKind.directory, 9, true)
const inFolder = childOf(folder, tree.blockKind.file, 10)
const zoneBirths = [rootBlock, folder, nested, sibling]

/** Path in the body and what is put there. */
type Fields = Readonly<Record<number, Value>>

/** Rights 1, 2, 8 and 256 (unknown) over the folder, depth 2, an interval and a quota; for the device. */
const parentFields: Fields = { 5: folder.birthBytes, 6: 0x10b, 7: 2, 8: 1000, 9: 2000, 10: [100, 10, 5] }
const childFields: Fields = { ...parentFields, 6: 0x101, 7: 1 }
const unlimited: Fields = { 8: null, 9: null, 10: null }

const pairs: readonly (readonly [comment: string, parent: Fields, child: Fields, signer?: tree.Id])[] = [
  ['the same scope, fewer rights, one link less', {}, {}],
  ['all rights of the parent, with the unknown one', {}, { 6: 0x10b }],
  ['the highest bit', { 6: 0x8000_0008 }, { 6: 0x8000_0000 }],
  ['a narrower interval and quota', {}, { 8: 1001, 9: 1999, 10: [99, 9, 4] }],
  ['limits under a parent without any', unlimited, {}],
  ['no limits under a parent without any', unlimited, unlimited],
  ['a zone below', {}, { 5: nested.birthBytes }],
  ['a zone two levels below', { 5: top }, { 5: nested.birthBytes }],
  ['a block of the zone', {}, { 4: 1, 5: inFolder.birthBytes, 6: 1 }],
  ['a block of a zone below', { 5: top }, { 4: 1, 5: inFolder.birthBytes, 6: 1 }],
  ['the root of a zone below, as a block', {}, { 4: 1, 5: nested.birthBytes, 6: 1 }],
  ['the root block, as a block, under the root zone', { 5: top }, { 4: 1, 5: top, 6: 1 }],
  ['the same block', { 4: 1, 5: inFolder.birthBytes, 6: 9 }, { 4: 1, 5: inFolder.birthBytes, 6: 1 }]
]

const refusedPairs: typeof pairs = [
  ['another signer than the subject of the parent', {}, {}, root.id],
  ['a parent that may not delegate', { 6: 0x103 }, {}],
  ['another tree', { 0: id(1), 5: editBytes(folder.birthBytes, [0], id(1)) }, {}],
  ['another root generation', {}, { 1: 1 }],
  ['another parent cap', {}, { 2: id(1) }],
  ['a right that the parent lacks', {}, { 6: 5 }],
  ['an unknown right that the parent lacks', {}, { 6: 0x201 }],
  ['the highest bit, which the parent lacks', {}, { 6: 0x8000_0001 }],
  ['the depth of the parent', {}, { 7: 2 }],
  ['a parent of depth 0', { 7: 0 }, { 7: 0 }],
  ['an earlier beginning', {}, { 8: 999 }],
  ['no beginning', {}, { 8: null }],
  ['no beginning under a parent that begins at 0', { 8: 0 }, { 8: null }],
  ['a later end', {}, { 9: 2001 }],
  ['no end', {}, { 9: null }],
  ['no end under a parent that ends at 2^53-1', { 9: max53 }, { 9: null }],
  ['more bytes', {}, { 10: [101, 10, 5] }],
  ['more blocks', {}, { 10: [100, 11, 5] }],
  ['more records a day', {}, { 10: [100, 10, 6] }],
  ['no quota', {}, { 10: null }],
  ['the zone above', {}, { 5: top }],
  ['a zone beside', {}, { 5: sibling.birthBytes }],
  ['a block of the zone above', {}, { 4: 1, 5: file.birthBytes, 6: 1 }],
  [
    'the root of the zone itself, as a block: it belongs to the outer zone',
    {},
    { 4: 1, 5: folder.birthBytes, 6: 1 }
  ],
  ['a zone under its root as a block', { 4: 1, 6: 9 }, { 6: 1 }],
  ['another block', { 4: 1, 5: inFolder.birthBytes, 6: 9 }, { 4: 1, 5: file.birthBytes, 6: 1 }]
]

function capPairs(): Record<string, VectorCase[]> {
  const capsUnderParent = pairs.map(capPair).map(({ written: fields, check }) => {
    check()
    return fields
  })
  const refuseCapsUnderParent = refusedPairs
    .map(capPair)
    .map(({ written: fields, check }) => ({ ...fields, error: refusal(check) }))
  return { capsUnderParent, refuseCapsUnderParent }
}

function capPair([comment, above, below, signer = device.id]: (typeof pairs)[number]): {
  readonly written: VectorCase
  readonly check: () => void
} {
  const parent = madeCap(root.id, { ...parentFields, ...above })
  const child = madeCap(signer, { 2: parent.id, 3: reader.id, ...childFields, ...below })
  return {
    written: {
      comment,
      parent: hex(parent.bytes),
      child: hex(child.bytes),
      zones: zoneBirths.map((zone) => hex(zone.birthBytes))
    },
    check() {
      tree.checkAttenuation(parent, child)
      const birthOf = (zone: tree.Id): tree.Birth | undefined =>
        zoneBirths.find((known) => hex(known.block) === hex(zone))?.birth
      if (!tree.isScopeInside(crypto, child.body, parent.body, birthOf))
        throw new tree.TreeError('ERR_CAP_SCOPE', comment)
    }
  }
}

function madeCap(signer: tree.Id, fields: Fields): tree.CapRecord {
  const { bytes: made } = edited([4, '', [], (body) => set(body, fields)])
  const record = tree.decodeRecord(crypto, encodeEnvelope({ ...decodeEnvelope(made), signer }))
  if (record.type !== tree.recordType.cap) throw new Error('a cap was made')
  return record
}
