/**
 * Messages between replicas (spec 28, section 5): canonical MessagePack, strict in both directions. Decoders throw
 * CodecError; whoever calls them turns that into ERR_SYNC_MALFORMED, or into a penalty for a peer that answered so.
 */
import { CanonicalReader, CanonicalWriter, CodecError, recordBytesMax } from '@blocktree/codec'
import { type Id, limits as treeLimits } from '@blocktree/tree'
import {
  announcedIdsMax,
  birthsMax,
  blocksMax,
  challengeSectorsMax,
  frameBytesMax,
  ownersMax,
  pathsMax,
  receiptIdsMax,
  recordIdsMax,
  scopeIdsMax,
  sectorsMax,
  seenIdsMax,
  tipsPerBlockMax
} from './limits.ts'
import { type TrieNode, type TriePath, nibblesMax } from './trie-node.ts'

const version = 1
const idBytes = 32
const inlineBytesMax: number = treeLimits.inlineBytesMax + 64 // with its tag
const nodesMax: number = pathsMax * 17

/** Which summary: ids of authority records, ids of receipts, blocks with their tips. */
export const summarySet = { authority: 1, receipts: 2, headers: 3 } as const
export type SummarySet = (typeof summarySet)[keyof typeof summarySet]

/** What every request begins with. */
export interface Ask {
  readonly tree: Id
  readonly scope: readonly Id[]
}

export interface OpenAnswer {
  readonly scope: readonly Id[]
  /** Of authority, receipts and headers. */
  readonly roots: readonly [TrieNode, TrieNode, TrieNode]
}

export interface NodesAsk extends Ask {
  readonly set: SummarySet
  /** 2: the nodes below those asked for come with them. */
  readonly levels: 1 | 2
  readonly paths: readonly TriePath[]
}

/** A row of a summary as it is told: tips only for blocks. */
export interface ToldRow {
  readonly key: Id
  readonly tips: readonly Id[]
}

export type ToldNode =
  | { readonly path: TriePath; readonly kind: 'rows'; readonly rows: readonly ToldRow[] }
  /** Hashes and counts of the 16 children; those that are empty are zero. */
  | { readonly path: TriePath; readonly kind: 'inner'; readonly children: readonly TrieNode[] }

export interface RecordsAsk extends Ask {
  readonly set: SummarySet
  readonly ids: readonly Id[]
  readonly paths: readonly TriePath[]
}

export interface HeadersAsk extends Ask {
  readonly paths: readonly TriePath[]
  /** Blocks, each with headers that the asker holds: those and their ancestors are left out. */
  readonly blocks: readonly { readonly block: Id; readonly have: readonly Id[] }[]
}

export interface SectorsAsk extends Ask {
  /** By the header or checkpoint whose payload they belong to. */
  readonly owners: readonly { readonly owner: Id; readonly references: readonly Id[] }[]
}

export interface ReceiptAsk extends Ask {
  readonly zone: Id
  readonly records: readonly Id[]
  /** 1 headers, 2 payloads too; 3 as 2, and answered at once, with what is kept at this moment. */
  readonly coverage: 1 | 2 | 3
}

export interface ReceiptAnswer {
  /** Signed record; undefined when nothing asked for is held. */
  readonly receipt: Uint8Array | undefined
  readonly missing: readonly Id[]
}

export interface ChallengeAsk extends Ask {
  readonly nonce: Uint8Array
  readonly owner: Id
  readonly references: readonly Id[]
}

export interface PushedRecord {
  readonly bytes: Uint8Array
  readonly inline: Uint8Array | undefined
}

export interface Push {
  readonly tree: Id
  readonly births: readonly Uint8Array[]
  readonly records: readonly PushedRecord[]
}

function open(bytes: Uint8Array, fields: number): CanonicalReader {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(fields)
  reader.uint(version, version)
  return reader
}

function begin(fields: number, capacity = 1024): CanonicalWriter {
  return new CanonicalWriter(capacity).array(fields).uint(version)
}

function refuse(message: string): never {
  throw new CodecError('ERR_CODEC_RANGE', message)
}

function readId(reader: CanonicalReader): Id {
  return reader.binExact(idBytes).slice()
}

function readIds(reader: CanonicalReader, max: number): Id[] {
  return Array.from({ length: reader.array(max) }, () => readId(reader))
}

function writeIds(writer: CanonicalWriter, ids: readonly Id[]): void {
  writer.array(ids.length)
  for (const id of ids) writer.bin(id)
}

/** Many ids as one string of bytes: half the time and less room. */
function readPackedIds(reader: CanonicalReader, max: number): Id[] {
  const bytes = reader.bin(max * idBytes)
  if (bytes.length % idBytes !== 0) refuse('ids are not a multiple of 32 bytes')
  return splitIds(bytes)
}

function splitIds(bytes: Uint8Array): Id[] {
  return Array.from({ length: Math.floor(bytes.length / idBytes) }, (_, index) =>
    bytes.slice(index * idBytes, index * idBytes + idBytes)
  )
}

function packIds(ids: readonly Id[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * idBytes)
  for (const [index, id] of ids.entries()) bytes.set(id, index * idBytes)
  return bytes
}

function readPath(reader: CanonicalReader): TriePath {
  const path = reader.bin(nibblesMax).slice()
  if (path.some((nibble) => nibble > 15)) refuse('a place has a nibble above 15')
  return path
}

function readPaths(reader: CanonicalReader, max: number): TriePath[] {
  return Array.from({ length: reader.array(max) }, () => readPath(reader))
}

/** Nobody honest asks twice for one place: each costs the one who answers. */
function readDistinctPaths(reader: CanonicalReader, max: number): TriePath[] {
  const paths = readPaths(reader, max)
  if (new Set(paths.map((path) => path.toHex())).size !== paths.length) refuse('a place is named twice')
  return paths
}

/** Places of which none lies in another one. */
function readDisjointPaths(reader: CanonicalReader, max: number): TriePath[] {
  const paths = readPaths(reader, max)
  const sorted = paths.map((path) => path.toHex()).toSorted()
  if (sorted.some((path, index) => index > 0 && path.startsWith(sorted[index - 1] ?? '')))
    refuse('a place lies in another one')
  return paths
}

function writePaths(writer: CanonicalWriter, paths: readonly TriePath[]): void {
  writer.array(paths.length)
  for (const path of paths) writer.bin(path)
}

function readAsk(reader: CanonicalReader): Ask {
  return { tree: readId(reader), scope: readIds(reader, scopeIdsMax) }
}

function writeAsk(writer: CanonicalWriter, { tree, scope }: Ask): void {
  writer.bin(tree)
  writeIds(writer, scope)
}

function readSet(reader: CanonicalReader): SummarySet {
  const set = reader.uint(3, 1)
  return set === 1 ? summarySet.authority : set === 2 ? summarySet.receipts : summarySet.headers
}

function readNode(reader: CanonicalReader): TrieNode {
  reader.arrayOf(2)
  return { count: reader.uint(), hash: readId(reader) }
}

function writeNode(writer: CanonicalWriter, node: TrieNode): void {
  writer.array(2).uint(node.count).bin(node.hash)
}

/** The first field after the version of every message: whose tree it is about. */
export function treeOfMessage(bytes: Uint8Array): Id {
  const reader = new CanonicalReader(bytes)
  reader.array(16, 2)
  reader.uint(version, version)
  return readId(reader)
}

export function encodeOpen(ask: Ask): Uint8Array {
  const writer = begin(3)
  writeAsk(writer, ask)
  return writer.finish()
}

export function decodeOpen(bytes: Uint8Array): Ask {
  const reader = open(bytes, 3)
  const ask = readAsk(reader)
  reader.end()
  return ask
}

export function encodeOpenAnswer({ scope, roots }: OpenAnswer): Uint8Array {
  const writer = begin(5)
  writeIds(writer, scope)
  for (const root of roots) writeNode(writer, root)
  return writer.finish()
}

export function decodeOpenAnswer(bytes: Uint8Array): OpenAnswer {
  const reader = open(bytes, 5)
  const scope = readIds(reader, scopeIdsMax)
  const roots = [readNode(reader), readNode(reader), readNode(reader)] as const
  reader.end()
  return { scope, roots }
}

export function encodeNodesAsk(ask: NodesAsk): Uint8Array {
  const writer = begin(6, 64 + ask.paths.length * 8)
  writeAsk(writer, ask)
  writer.uint(ask.set).uint(ask.levels)
  writePaths(writer, ask.paths)
  return writer.finish()
}

export function decodeNodesAsk(bytes: Uint8Array): NodesAsk {
  const reader = open(bytes, 6)
  const ask = readAsk(reader)
  const set = readSet(reader)
  const levels = reader.uint(2, 1) === 1 ? 1 : 2
  const paths = readDistinctPaths(reader, pathsMax)
  reader.end()
  return { ...ask, set, levels, paths }
}

/** Nodes in any order; one may be missing when there was no room for it, and is then asked for again. */
export function encodeNodesAnswer(nodes: readonly ToldNode[]): Uint8Array {
  const writer = begin(2, 64 * 1024).array(nodes.length)
  for (const node of nodes) writeToldNode(writer, node)
  return writer.finish()
}

function writeToldNode(writer: CanonicalWriter, node: ToldNode): void {
  if (node.kind === 'rows') {
    writer.array(2).bin(node.path).array(node.rows.length)
    for (const { key, tips } of node.rows) {
      writer.array(2).bin(key).bin(packIds(tips))
    }
    return
  }
  const present = node.children.filter(({ count }) => count > 0)
  const bitmap = node.children.reduce(
    (bits, { count }, nibble) => (count > 0 ? bits | (1 << nibble) : bits),
    0
  )
  writer.array(4).bin(node.path).uint(bitmap).array(present.length)
  for (const { count } of present) writer.uint(count)
  writer.bin(packIds(present.map(({ hash }) => hash)))
}

export function decodeNodesAnswer(bytes: Uint8Array): readonly ToldNode[] {
  const reader = open(bytes, 2)
  const nodes = Array.from({ length: reader.array(nodesMax) }, () => readToldNode(reader))
  reader.end()
  return nodes
}

function readToldNode(reader: CanonicalReader): ToldNode {
  const fields = reader.array(4, 2)
  const path = readPath(reader)
  if (fields === 2) {
    const rows = Array.from({ length: reader.array(1 << 16) }, () => {
      reader.arrayOf(2)
      return { key: readId(reader), tips: readPackedIds(reader, tipsPerBlockMax) }
    })
    return { path, kind: 'rows', rows }
  }
  const bitmap = reader.uint(0xffff)
  const counts = Array.from({ length: reader.array(16) }, () => reader.uint())
  const hashes = readPackedIds(reader, 16)
  const children: TrieNode[] = []
  let next = 0
  for (let nibble = 0; nibble < 16; nibble++) {
    const isPresent = (bitmap & (1 << nibble)) !== 0
    children.push(isPresent ? { count: counts[next] ?? 0, hash: hashes[next] ?? none } : emptyChild)
    if (isPresent) next++
  }
  if (next !== counts.length || next !== hashes.length)
    refuse('a node has not as many hashes as its bitmap says')
  return { path, kind: 'inner', children }
}

const none = new Uint8Array(idBytes)
const emptyChild: TrieNode = { count: 0, hash: none }

export function encodeRecordsAsk(ask: RecordsAsk): Uint8Array {
  const writer = begin(6, 256 + ask.ids.length * idBytes)
  writeAsk(writer, ask)
  writer.uint(ask.set).bin(packIds(ask.ids))
  writePaths(writer, ask.paths)
  return writer.finish()
}

export function decodeRecordsAsk(bytes: Uint8Array): RecordsAsk {
  const reader = open(bytes, 6)
  const ask = readAsk(reader)
  const set = readSet(reader)
  const ids = readPackedIds(reader, recordIdsMax)
  const paths = readDisjointPaths(reader, pathsMax)
  reader.end()
  return { ...ask, set, ids, paths }
}

export function encodeHeadersAsk(ask: HeadersAsk): Uint8Array {
  const writer = begin(5, 4096)
  writeAsk(writer, ask)
  writePaths(writer, ask.paths)
  writer.array(ask.blocks.length)
  for (const { block, have } of ask.blocks) writer.array(2).bin(block).bin(packIds(have))
  return writer.finish()
}

export function decodeHeadersAsk(bytes: Uint8Array): HeadersAsk {
  const reader = open(bytes, 5)
  const ask = readAsk(reader)
  const paths = readDisjointPaths(reader, pathsMax)
  const blocks = Array.from({ length: reader.array(blocksMax) }, () => {
    reader.arrayOf(2)
    return { block: readId(reader), have: readPackedIds(reader, tipsPerBlockMax) }
  })
  if (new Set(blocks.map(({ block }) => block.toHex())).size !== blocks.length)
    refuse('a block is named twice')
  reader.end()
  return { ...ask, paths, blocks }
}

export function encodeSectorsAsk(ask: SectorsAsk): Uint8Array {
  const writer = begin(4, 4096)
  writeAsk(writer, ask)
  writer.array(ask.owners.length)
  for (const { owner, references } of ask.owners) writer.array(2).bin(owner).bin(packIds(references))
  return writer.finish()
}

export function decodeSectorsAsk(bytes: Uint8Array): SectorsAsk {
  const reader = open(bytes, 4)
  const ask = readAsk(reader)
  let left = sectorsMax
  const owners = Array.from({ length: reader.array(ownersMax) }, () => {
    reader.arrayOf(2)
    const owner = readId(reader)
    const references = readPackedIds(reader, left)
    left -= references.length
    return { owner, references }
  })
  reader.end()
  return { ...ask, owners }
}

export function encodeReceiptAsk(ask: ReceiptAsk): Uint8Array {
  const writer = begin(6, 256 + ask.records.length * idBytes)
  writeAsk(writer, ask)
  return writer.bin(ask.zone).uint(ask.coverage).bin(packIds(ask.records)).finish()
}

export function decodeReceiptAsk(bytes: Uint8Array): ReceiptAsk {
  const reader = open(bytes, 6)
  const ask = readAsk(reader)
  const zone = readId(reader)
  const coverage = ([1, 2, 3] as const)[reader.uint(3, 1) - 1] ?? 1
  const records = readPackedIds(reader, receiptIdsMax)
  reader.end()
  return { ...ask, zone, coverage, records }
}

export function encodeReceiptAnswer({ receipt, missing }: ReceiptAnswer): Uint8Array {
  const writer = begin(3, 256 + (receipt?.length ?? 0) + missing.length * idBytes)
  writer.optional(receipt, (bytes) => writer.bin(bytes))
  return writer.bin(packIds(missing)).finish()
}

export function decodeReceiptAnswer(bytes: Uint8Array): ReceiptAnswer {
  const reader = open(bytes, 3)
  const receipt = reader.optional(() => reader.bin(recordBytesMax).slice())
  const missing = readPackedIds(reader, receiptIdsMax)
  reader.end()
  return { receipt, missing }
}

export function encodeChallengeAsk(ask: ChallengeAsk): Uint8Array {
  const writer = begin(6)
  writeAsk(writer, ask)
  return writer.bin(ask.nonce).bin(ask.owner).bin(packIds(ask.references)).finish()
}

export function decodeChallengeAsk(bytes: Uint8Array): ChallengeAsk {
  const reader = open(bytes, 6)
  const ask = readAsk(reader)
  const nonce = reader.binExact(16).slice()
  const owner = readId(reader)
  const references = readPackedIds(reader, challengeSectorsMax)
  reader.end()
  return { ...ask, nonce, owner, references }
}

export function encodePush({ tree, births, records }: Push): Uint8Array {
  const writer = begin(4, 8192).bin(tree).array(births.length)
  for (const birth of births) writer.bin(birth)
  writer.array(records.length)
  for (const { bytes, inline } of records) {
    writer.array(2).bin(bytes)
    writer.optional(inline, (sector) => writer.bin(sector))
  }
  return writer.finish()
}

export function decodePush(bytes: Uint8Array): Push {
  const reader = open(bytes, 4)
  const tree = readId(reader)
  const births = Array.from({ length: reader.array(birthsMax) }, () =>
    reader.bin(treeLimits.birthBytesMax).slice()
  )
  const records = Array.from({ length: reader.array(announcedIdsMax) }, () => readPushed(reader))
  reader.end()
  return { tree, births, records }
}

function readPushed(reader: CanonicalReader): PushedRecord {
  reader.arrayOf(2)
  const bytes = reader.bin(recordBytesMax).slice()
  return { bytes, inline: reader.optional(() => reader.bin(inlineBytesMax).slice()) }
}

/** An announcement: ids of records that the sender holds. */
export function encodeHave(tree: Id, ids: readonly Id[]): Uint8Array {
  return begin(3, 128 + ids.length * idBytes)
    .bin(tree)
    .bin(packIds(ids))
    .finish()
}

export function decodeHave(bytes: Uint8Array): { readonly tree: Id; readonly ids: readonly Id[] } {
  const reader = open(bytes, 3)
  const tree = readId(reader)
  const ids = readPackedIds(reader, announcedIdsMax)
  reader.end()
  return { tree, ids }
}

/** A holder could not prove what it promised about these records. */
export interface Doubt {
  readonly tree: Id
  readonly holder: Id
  readonly ids: readonly Id[]
}

export function encodeDoubt({ tree, holder, ids }: Doubt): Uint8Array {
  return begin(4, 128 + ids.length * idBytes)
    .bin(tree)
    .bin(holder)
    .bin(packIds(ids))
    .finish()
}

export function decodeDoubt(bytes: Uint8Array): Doubt {
  const reader = open(bytes, 4)
  const doubt = { tree: readId(reader), holder: readId(reader), ids: readPackedIds(reader, announcedIdsMax) }
  reader.end()
  return doubt
}

/** "I hold what you lack": compare with me. */
export function encodeBehind(tree: Id): Uint8Array {
  return begin(2).bin(tree).finish()
}

export function decodeBehind(bytes: Uint8Array): Id {
  const reader = open(bytes, 2)
  const tree = readId(reader)
  reader.end()
  return tree
}

/** One frame of a stream of records: a birth that later ones rest on, or a record. */
export type StreamedItem =
  | { readonly kind: 'birth'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'record' } & PushedRecord)

export function encodeStreamed(item: StreamedItem): Uint8Array {
  if (item.kind === 'birth') return new CanonicalWriter(256).array(1).bin(item.bytes).finish()
  const writer = new CanonicalWriter(item.bytes.length + (item.inline?.length ?? 0) + 16)
    .array(2)
    .bin(item.bytes)
  writer.optional(item.inline, (sector) => writer.bin(sector))
  return writer.finish()
}

export function decodeStreamed(frame: Uint8Array): StreamedItem {
  if (frame.length > frameBytesMax) refuse('a frame is too long')
  const reader = new CanonicalReader(frame)
  if (reader.array(2, 1) === 1) {
    const bytes = reader.bin(treeLimits.birthBytesMax).slice()
    reader.end()
    return { kind: 'birth', bytes }
  }
  const bytes = reader.bin(recordBytesMax).slice()
  const inline = reader.optional(() => reader.bin(inlineBytesMax).slice())
  reader.end()
  return { kind: 'record', bytes, inline }
}

/** A change as a watcher is told it; `token` goes on after it. */
export interface ToldChange {
  readonly token: Uint8Array
  /** undefined: changes were missed before this token; compare, then go on. */
  readonly header: { readonly block: Id; readonly zone: Id; readonly record: Id } | undefined
}

export const tokenBytesMax = 32

export function encodeWatchAsk(ask: Ask, token: Uint8Array | undefined): Uint8Array {
  const writer = begin(4)
  writeAsk(writer, ask)
  writer.optional(token, (bytes) => writer.bin(bytes))
  return writer.finish()
}

export function decodeWatchAsk(bytes: Uint8Array): Ask & { readonly token: Uint8Array | undefined } {
  const reader = open(bytes, 4)
  const ask = readAsk(reader)
  const token = reader.optional(() => reader.bin(tokenBytesMax).slice())
  reader.end()
  return { ...ask, token }
}

export function encodeToldChange({ token, header }: ToldChange): Uint8Array {
  const writer = new CanonicalWriter(160).array(2).bin(token)
  writer.optional(header, (change) => {
    writer.array(3).bin(change.block).bin(change.zone).bin(change.record)
  })
  return writer.finish()
}

export function decodeToldChange(frame: Uint8Array): ToldChange {
  const reader = new CanonicalReader(frame)
  reader.arrayOf(2)
  const token = reader.bin(tokenBytesMax).slice()
  const header = reader.optional(() => {
    reader.arrayOf(3)
    return { block: readId(reader), zone: readId(reader), record: readId(reader) }
  })
  reader.end()
  return { token, header }
}

/** What was taken from a peer last, as it is asked whether it holds that still. */
export interface SeenAsk extends Ask {
  readonly ids: readonly Id[]
}

export function encodeSeenAsk({ ids, ...ask }: SeenAsk): Uint8Array {
  const writer = begin(4)
  writeAsk(writer, ask)
  return writer.bin(packIds(ids)).finish()
}

export function decodeSeenAsk(bytes: Uint8Array): SeenAsk {
  const reader = open(bytes, 4)
  const ask = readAsk(reader)
  const ids = readPackedIds(reader, seenIdsMax)
  reader.end()
  return { ...ask, ids }
}

/** Of the ids asked about, those that are not held. */
export function encodeSeenAnswer(lacking: readonly Id[]): Uint8Array {
  return begin(2).bin(packIds(lacking)).finish()
}

export function decodeSeenAnswer(bytes: Uint8Array): readonly Id[] {
  const reader = open(bytes, 2)
  const ids = readPackedIds(reader, seenIdsMax)
  reader.end()
  return ids
}
