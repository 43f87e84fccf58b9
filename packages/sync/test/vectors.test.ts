/** doc/spec/vectors/sync.json, written from the page, against the package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { compareBytes } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import * as messages from '../src/messages.ts'
import { tipsValue } from '../src/summaries.ts'
import { type TrieRow, nodeOfRows, rowsByNibble } from '../src/trie-node.ts'
import { crypto } from './tree-fixture.ts'

interface Message {
  readonly kind: string
  readonly comment: string
  readonly bytes?: string
  readonly zlib?: string
}

type Texts = readonly string[]

interface SummaryCase {
  readonly comment: string
  readonly rows: readonly (readonly [key: string, tips?: Texts, missing?: Texts])[]
  readonly root: readonly [number, string]
  readonly node?: string
}

interface Groups {
  readonly messages: readonly Message[]
  readonly refuse: readonly Message[]
  readonly summaries: readonly SummaryCase[]
  readonly challenges: readonly {
    readonly nonce: string
    readonly parts: readonly string[]
    readonly answer: string
  }[]
}

const file = join(import.meta.dirname, '../../../doc/spec/vectors/sync.json')
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as { readonly groups: Groups }
const from = (text: string): Uint8Array => Uint8Array.fromHex(text)

/** Reads a message of each kind and writes it again. */
const again: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  open: (bytes) => messages.encodeOpen(messages.decodeOpen(bytes)),
  'open answer': (bytes) => messages.encodeOpenAnswer(messages.decodeOpenAnswer(bytes)),
  nodes: (bytes) => messages.encodeNodesAsk(messages.decodeNodesAsk(bytes)),
  'nodes answer': (bytes) => messages.encodeNodesAnswer(messages.decodeNodesAnswer(bytes)),
  records: (bytes) => messages.encodeRecordsAsk(messages.decodeRecordsAsk(bytes)),
  headers: (bytes) => messages.encodeHeadersAsk(messages.decodeHeadersAsk(bytes)),
  sectors: (bytes) => messages.encodeSectorsAsk(messages.decodeSectorsAsk(bytes)),
  receipt: (bytes) => messages.encodeReceiptAsk(messages.decodeReceiptAsk(bytes)),
  'receipt answer': (bytes) => messages.encodeReceiptAnswer(messages.decodeReceiptAnswer(bytes)),
  challenge: (bytes) => messages.encodeChallengeAsk(messages.decodeChallengeAsk(bytes)),
  watch(bytes) {
    const ask = messages.decodeWatchAsk(bytes)
    return messages.encodeWatchAsk(ask, ask.token)
  },
  'watch frame': (bytes) => messages.encodeToldChange(messages.decodeToldChange(bytes)),
  push: (bytes) => messages.encodePush(messages.decodePush(bytes)),
  have(bytes) {
    const { tree, ids } = messages.decodeHave(bytes)
    return messages.encodeHave(tree, ids)
  },
  behind: (bytes) => messages.encodeBehind(messages.decodeBehind(bytes)),
  doubt: (bytes) => messages.encodeDoubt(messages.decodeDoubt(bytes)),
  'record frame': (bytes) => messages.encodeStreamed(messages.decodeStreamed(bytes))
}

function readAgain({ kind, bytes, zlib = '' }: Message): Uint8Array {
  const read = again[kind]
  if (read === undefined) throw new Error(`no message of kind "${kind}"`)
  return read(bytes === undefined ? new Uint8Array(inflateSync(from(zlib))) : from(bytes))
}

describe('messages', () => {
  test.for(groups.messages)('are read and written: $kind, $comment', (message) => {
    expect(readAgain(message).toHex()).toBe(message.bytes)
  })

  test.for(groups.refuse)('are refused: $kind, $comment', (message) => {
    expect(() => readAgain(message)).toThrow(expect.objectContaining({ name: 'CodecError' }))
  })
})

describe('summaries', () => {
  test.for(groups.summaries)('have the root of the page: $comment', ({ rows, root, node }) => {
    const sorted = rows.map(rowOf).toSorted((left, right) => compareBytes(left.key, right.key))
    const { count, hash } = nodeOfRows(crypto, sorted, 0)
    expect([count, hash.toHex()]).toEqual(root)
    if (node === undefined) return
    const children = rowsByNibble(sorted, 0).map((some) => nodeOfRows(crypto, some, 1))
    const told = messages.encodeNodesAnswer([{ path: new Uint8Array(0), kind: 'inner', children }])
    expect(told.toHex()).toBe(`920191${node}`)
  })
})

function rowOf([key, tips, missing = []]: SummaryCase['rows'][number]): TrieRow {
  if (tips === undefined) return { key: from(key), value: new Uint8Array(0) }
  const sorted = (ids: readonly string[]): Uint8Array[] => ids.toSorted().map(from)
  return { key: from(key), value: tipsValue(crypto, sorted(tips), sorted(missing)) }
}

test('a challenge is answered with the hash of nonce and parts', () => {
  for (const { nonce, parts, answer } of groups.challenges)
    expect(crypto.sha256Parts([from(nonce), ...parts.map(from)]).toHex()).toBe(answer)
})
