/**
 * Vectors of doc/spec/28-sync.md: every message of replication and the summaries. Written from the page, without the
 * package that they judge.
 */
import { deflateSync } from 'node:zlib'
import { concatBytes } from '@blocktree/codec'
import { hex, type VectorCase, type VectorPage } from '../vector-page.ts'
import { crypto, filled } from '../vector-tree.ts'
import { type Value, encodeValue } from '../vector-value.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'sync',
    specification: 'doc/spec/28-sync.md',
    comment:
      'messages: `kind` names the method and which of its messages it is; `value` is what `bytes` hold, byte strings as ' +
      '{"bin": hexadecimal}. What is refused is ERR_SYNC_MALFORMED in a request; long `bytes` stand as `zlib`, compressed (RFC 1950). summaries: rows of a summary of headers, each ' +
      '[block, tips, ids that are missing] (both in any order), or of a set without values, each [record id]; `root` is [count, hash] and `node` ' +
      'the node that an answer tells of the root when there are more than 48 rows. challenges: the answer to one.',
    groups: {
      messages: messages.map(([kind, comment, value]) => ({
        kind,
        comment,
        value: written(value),
        bytes: hex(encodeValue(value))
      })),
      refuse: refusals(),
      summaries: summaryCases(),
      challenges: [challengeCase()]
    }
  }
}

type Message = readonly [kind: string, comment: string, value: Value]

/** Long ones are compressed. */
function bytesOf(bytes: Uint8Array): Record<string, string> {
  return bytes.length > 4096 ? { zlib: hex(deflateSync(bytes)) } : { bytes: hex(bytes) }
}

/** Byte strings as objects: JSON has no word for them. */
function written(value: Value): unknown {
  if (value instanceof Uint8Array) return { bin: hex(value) }
  return Array.isArray(value) ? value.map((element: Value) => written(element)) : value
}

const tree = filled(32, 1)
const scope: Value = [filled(32, 2)]
const id = (value: number): Uint8Array => filled(32, value)
const ids = (...values: readonly number[]): Uint8Array => concatBytes(...values.map(id))
const place = (...nibbles: readonly number[]): Uint8Array => Uint8Array.from(nibbles)
const none = new Uint8Array(0)
const deepest = filled(64, 15)

const messages: readonly Message[] = [
  ['open', 'for whatever scope one may read', [1, tree, []]],
  ['open', 'for a zone', [1, tree, scope]],
  ['open answer', 'roots of an empty set and of two others', [1, scope, [0, id(0)], [1, id(3)], [70, id(4)]]],
  ['nodes', 'the root of the authority records', [1, tree, scope, 1, 1, [none]]],
  ['nodes', 'two places of the headers, two levels', [1, tree, scope, 3, 2, [place(0, 15), deepest]]],
  ['nodes answer', 'rows of a place', [1, [[place(3), [[id(0x30), ids(5, 6)]]]]]],
  ['nodes answer', 'rows of a set without tips', [1, [[none, [[id(7), none]]]]]],
  ['nodes answer', 'children of a place', [1, [[place(1), 0x8001, [60, 1], ids(8, 9)]]]],
  ['records', 'some by id, the others below a place', [1, tree, scope, 2, ids(1, 2), [place(4)]]],
  ['records', 'nothing', [1, tree, scope, 1, none, []]],
  ['headers', 'of a place, and what is new of a block', [1, tree, scope, [place(4)], [[id(5), ids(6)]]]],
  [
    'sectors',
    'of two versions',
    [
      1,
      tree,
      scope,
      [
        [id(5), ids(1, 2)],
        [id(6), ids(3)]
      ]
    ]
  ],
  ['receipt', 'over headers', [1, tree, scope, id(2), 1, ids(5, 6)]],
  ['receipt', 'over what is kept now', [1, tree, scope, id(2), 3, ids(5)]],
  ['receipt answer', 'a receipt', [1, filled(90, 9), none]],
  ['receipt answer', 'none, with what is missing', [1, null, ids(5)]],
  ['challenge', 'of four sectors', [1, tree, scope, filled(16, 1), id(5), ids(1, 2, 3, 4)]],
  ['watch', 'from now on', [1, tree, scope, null]],
  ['watch', 'after a token', [1, tree, scope, filled(16, 4)]],
  ['watch frame', 'a block was written', [filled(16, 4), [id(5), id(2), id(6)]]],
  ['watch frame', 'changes were missed', [filled(16, 4), null]],
  [
    'push',
    'a record with its content, and one without',
    [
      1,
      tree,
      [filled(60, 1)],
      [
        [filled(90, 9), filled(20, 1)],
        [filled(90, 8), null]
      ]
    ]
  ],
  ['have', 'two records', [1, tree, ids(5, 6)]],
  ['behind', 'compare with me', [1, tree]],
  ['doubt', 'a holder could not prove a promise', [1, tree, id(3), ids(5)]],
  ['record frame', 'a birth', [filled(60, 1)]],
  ['record frame', 'a record', [filled(90, 9), null]],
  ['record frame', 'a record with its content', [filled(90, 9), filled(20, 1)]]
]

function many(count: number, of: (index: number) => Value): Value {
  return Array.from({ length: count }, (_, index) => of(index))
}

/** A different place for each number below 65,536. */
function numbered(index: number): Uint8Array {
  return place((index >> 12) & 15, (index >> 8) & 15, (index >> 4) & 15, index & 15)
}

function refusals(): VectorCase[] {
  const refused: readonly Message[] = [
    ['open', 'another version', [2, tree, scope]],
    ['open', 'a tree of 31 bytes', [1, filled(31, 1), scope]],
    ['open', 'a scope of 65 ids', [1, tree, many(65, () => id(2))]],
    ['open', 'a field too many', [1, tree, scope, 1]],
    ['open answer', 'two roots', [1, scope, [0, id(0)], [1, id(3)]]],
    ['nodes', 'a set that is not there', [1, tree, scope, 4, 1, [none]]],
    ['nodes', 'three levels', [1, tree, scope, 3, 3, [none]]],
    ['nodes', 'a nibble above 15', [1, tree, scope, 3, 1, [place(16)]]],
    ['nodes', 'a place of 65 nibbles', [1, tree, scope, 3, 1, [filled(65, 1)]]],
    ['nodes', 'a place twice', [1, tree, scope, 3, 1, [place(1), place(1)]]],
    ['nodes', '1,025 places', [1, tree, scope, 3, 1, many(1025, numbered)]],
    ['nodes answer', 'more hashes than children', [1, [[place(1), 1, [60], ids(8, 9)]]]],
    ['nodes answer', 'fewer counts than children', [1, [[place(1), 3, [60], ids(8, 9)]]]],
    ['nodes answer', 'a bitmap of 17 bits', [1, [[place(1), 0x10000, [60], ids(8)]]]],
    ['nodes answer', 'tips of 33 bytes', [1, [[place(3), [[id(0x30), filled(33, 1)]]]]]],
    ['records', 'a place inside another one', [1, tree, scope, 2, none, [place(4, 1), place(4)]]],
    ['records', 'ids of 63 bytes', [1, tree, scope, 2, filled(63, 1), []]],
    [
      'headers',
      'a block twice',
      [
        1,
        tree,
        scope,
        [],
        [
          [id(5), none],
          [id(5), ids(6)]
        ]
      ]
    ],
    ['headers', 'everything, and a place in it', [1, tree, scope, [none, place(4)], []]],
    ['headers', 'more than 1,024 ids held of a block', [1, tree, scope, [], [[id(5), filled(1025 * 32, 1)]]]],
    ['sectors', 'more than 1,024 owners', [1, tree, scope, many(1025, () => [id(5), none])]],
    [
      'sectors',
      'more than 8,192 sectors in all',
      [
        1,
        tree,
        scope,
        [
          [id(5), filled(4097 * 32, 1)],
          [id(6), filled(4096 * 32, 1)]
        ]
      ]
    ],
    ['receipt', 'no such coverage', [1, tree, scope, id(2), 4, ids(5)]],
    ['receipt', 'more than 4,096 records', [1, tree, scope, id(2), 1, filled(4097 * 32, 1)]],
    ['challenge', 'five sectors', [1, tree, scope, filled(16, 1), id(5), ids(1, 2, 3, 4, 5)]],
    ['challenge', 'a nonce of 15 bytes', [1, tree, scope, filled(15, 1), id(5), ids(1)]],
    ['watch', 'a token of 33 bytes', [1, tree, scope, filled(33, 1)]],
    ['watch frame', 'a change without its zone', [filled(16, 4), [id(5), id(6)]]],
    ['push', 'more than 256 births', [1, tree, many(257, () => filled(60, 1)), []]],
    ['push', 'a record without a place for its content', [1, tree, [], [[filled(90, 9)]]]],
    ['have', 'more than 4,096 records', [1, tree, filled(4097 * 32, 1)]],
    ['doubt', 'a holder of 31 bytes', [1, tree, filled(31, 1), ids(5)]],
    ['record frame', 'three fields', [filled(90, 9), null, null]]
  ]
  const cases = refused.map(([kind, comment, value]): VectorCase => ({
    kind,
    comment,
    ...bytesOf(encodeValue(value))
  }))
  const behind = encodeValue([1, tree])
  return [
    ...cases,
    { kind: 'behind', comment: 'a byte after it', bytes: hex(concatBytes(behind, Uint8Array.of(0))) },
    { kind: 'behind', comment: 'cut off', bytes: hex(behind.subarray(0, -1)) },
    { kind: 'behind', comment: 'nothing', bytes: '' }
  ]
}

// --- section 28.4

interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

interface Node {
  readonly count: number
  readonly hash: Uint8Array
}

function sortedIds(values: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...values
      .map(hex)
      .toSorted()
      .map((text) => Uint8Array.fromHex(text))
  )
}

function headerRow(key: Uint8Array, tips: readonly Uint8Array[], missing: readonly Uint8Array[]): Row {
  const gap = missing.length === 0 ? none : concatBytes(Uint8Array.of(0), sortedIds(missing))
  return { key, value: crypto.sha256(concatBytes(sortedIds(tips), gap)) }
}

function nibble(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 1] ?? 0
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

function children(rows: readonly Row[], depth: number): Node[] {
  return Array.from({ length: 16 }, (_, which) =>
    nodeOf(
      rows.filter(({ key }) => nibble(key, depth) === which),
      depth + 1
    )
  )
}

function nodeOf(rows: readonly Row[], depth: number): Node {
  const [first] = rows
  if (first === undefined) return { count: 0, hash: filled(32, 0) }
  if (rows.length === 1)
    return { count: 1, hash: crypto.sha256(concatBytes(Uint8Array.of(0), first.key, first.value)) }
  const below = children(rows, depth)
  const bitmap = bitmapOf(below)
  const hashes = below.filter(({ count }) => count > 0).map(({ hash }) => hash)
  const head = Uint8Array.of(1, bitmap >> 8, bitmap & 255)
  return { count: rows.length, hash: crypto.sha256(concatBytes(head, ...hashes)) }
}

function bitmapOf(nodes: readonly Node[]): number {
  return nodes.reduce((bits, { count }, index) => (count > 0 ? bits | (1 << index) : bits), 0)
}

function summaryCase(comment: string, rows: readonly Row[], shown: readonly unknown[]): VectorCase {
  const { count, hash } = nodeOf(rows, 0)
  const below = children(rows, 0).filter((child) => child.count > 0)
  const told: Value = [
    none,
    bitmapOf(children(rows, 0)),
    below.map((child) => child.count),
    concatBytes(...below.map((child) => child.hash))
  ]
  return {
    comment,
    rows: shown,
    root: [count, hex(hash)],
    ...(count > 48 ? { node: hex(encodeValue(told)) } : {})
  }
}

function summaryCases(): VectorCase[] {
  const key = (index: number): Uint8Array => crypto.sha256(Uint8Array.of(index >> 8, index & 255))
  const headers = (
    comment: string,
    listed: readonly (readonly [Uint8Array, readonly Uint8Array[], readonly Uint8Array[]])[]
  ): VectorCase =>
    summaryCase(
      comment,
      listed.map(([block, tips, missing]) => headerRow(block, tips, missing)),
      listed.map(([block, tips, missing]) => [hex(block), tips.map(hex), missing.map(hex)])
    )
  const records = Array.from({ length: 60 }, (_, index) => key(1000 + index))
  const near = [key(1), Uint8Array.from(key(1))] as const
  near[1][31] = (near[1][31] ?? 0) ^ 1
  return [
    headers('nothing', []),
    headers('one block', [[key(1), [id(5)], []]]),
    headers('a block with two tips, in either order', [[key(1), [id(6), id(5)], []]]),
    headers('a block whose tip has a missing ancestor', [[key(1), [id(5)], [id(8), id(7)]]]),
    headers('two blocks that differ in the last nibble', [
      [near[0], [id(5)], []],
      [near[1], [id(6)], []]
    ]),
    headers(
      '200 blocks',
      Array.from({ length: 200 }, (_, index) => [key(index), [key(5000 + index)], []] as const)
    ),
    summaryCase(
      '60 records',
      records.map((one) => ({ key: one, value: none })),
      records.map((one) => [hex(one)])
    )
  ]
}

// --- section 28.9

function challengeCase(): VectorCase {
  const nonce = filled(16, 1)
  const parts = [filled(40, 2), none, filled(3, 3)]
  return {
    comment: 'a nonce and three parts',
    nonce: hex(nonce),
    parts: parts.map(hex),
    answer: hex(crypto.sha256(concatBytes(nonce, ...parts)))
  }
}
