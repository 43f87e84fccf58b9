/**
 * The host interface blocktree:app@1.0.0: types, numbers and codecs. Generated from doc/spec/blocktree.wit by
 * `npm run reference`; do not edit. How values become bytes: doc/spec/20-app-interface.md.
 */
import {
  type CanonicalReader,
  type CanonicalWriter,
  type NoFields,
  type Outcome,
  decodeNothing,
  decodeWhole,
  encodeBytes,
  encodeBytesHead,
  encodeNothing,
  encodeWhole,
  readCase,
  readEnum,
  readList,
  readOutcome,
  writeBytes,
  writeEnum,
  writeList,
  writeOutcome,
  writeText,
  writeUint
} from './host-value.ts'

/** Why an operation failed. Its status code is the position here plus one; 0 is success. New ones are only appended. */
export type Failure =
  | 'denied'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'too-large'
  | 'budget'
  | 'invalid'
  | 'busy'
  | 'revoked'
  | 'closed'
  | 'timeout'
  | 'unreachable'
  | 'unsupported'
  | 'no-space'
  | 'internal'

/** Status of a reply: the high half of what `blocktree.call` returns. */
export const hostStatus: HostStatusTable = {
  ok: 0,
  denied: 1,
  'not-found': 2,
  exists: 3,
  conflict: 4,
  'too-large': 5,
  budget: 6,
  invalid: 7,
  busy: 8,
  revoked: 9,
  closed: 10,
  timeout: 11,
  unreachable: 12,
  unsupported: 13,
  'no-space': 14,
  internal: 15
}

export type HostStatusTable = Readonly<Record<'ok' | Failure, number>>

export interface Header {
  /** Lower case. */
  readonly name: string
  readonly value: string
}

function readHeader(reader: CanonicalReader): Header {
  reader.arrayOf(2)
  return { name: reader.str(255), value: reader.str(16384) }
}

function writeHeader(writer: CanonicalWriter, value: Header): void {
  writer.array(2)
  writeText(writer, value.name, 255)
  writeText(writer, value.value, 16384)
}

export type EntryKind = (typeof entryKindNames)[number]
const entryKindNames = ['file', 'directory', 'other'] as const

function readEntryKind(reader: CanonicalReader): EntryKind {
  return readEnum(reader, entryKindNames)
}

function writeEntryKind(writer: CanonicalWriter, value: EntryKind): void {
  writeEnum(writer, entryKindNames, value)
}

export interface Entry {
  readonly name: string
  readonly kind: EntryKind
  readonly size: number
  readonly modified: number | undefined
}

function readEntry(reader: CanonicalReader): Entry {
  reader.arrayOf(4)
  return {
    name: reader.str(255),
    kind: readEntryKind(reader),
    size: reader.uint(),
    modified: reader.optional(() => reader.uint())
  }
}

function writeEntry(writer: CanonicalWriter, value: Entry): void {
  writer.array(4)
  writeText(writer, value.name, 255)
  writeEntryKind(writer, value.kind)
  writer.uint(value.size)
  writer.optional(value.modified, (some) => writer.uint(some))
}

export interface EntryPage {
  readonly entries: readonly Entry[]
  /** Give it as `after` for the next page; absent after the last. */
  readonly next: string | undefined
}

function readEntryPage(reader: CanonicalReader): EntryPage {
  reader.arrayOf(2)
  return {
    entries: readList(reader, 1000, () => readEntry(reader)),
    next: reader.optional(() => reader.str(1024))
  }
}

function writeEntryPage(writer: CanonicalWriter, value: EntryPage): void {
  writer.array(2)
  writeList(writer, value.entries, 1000, (item) => writeEntry(writer, item))
  writer.optional(value.next, (some) => writeText(writer, some, 1024))
}

export interface Details {
  readonly kind: EntryKind
  readonly size: number
  readonly modified: number | undefined
  readonly mediaType: string | undefined
  readonly block: Uint8Array
  /** Counts up with every change; `version` names the change itself. */
  readonly sequence: number
  readonly version: Uint8Array
  /** Bytes of a sector: reads and writes of whole sectors are the cheapest. */
  readonly sectorSize: number
  /** Two writers changed it at once, and one version is shown. */
  readonly conflict: boolean
}

function readDetails(reader: CanonicalReader): Details {
  reader.arrayOf(9)
  return {
    kind: readEntryKind(reader),
    size: reader.uint(),
    modified: reader.optional(() => reader.uint()),
    mediaType: reader.optional(() => reader.str(255)),
    block: reader.binExact(32),
    sequence: reader.uint(),
    version: reader.binExact(32),
    sectorSize: reader.uint(4294967295),
    conflict: reader.boolean()
  }
}

function writeDetails(writer: CanonicalWriter, value: Details): void {
  writer.array(9)
  writeEntryKind(writer, value.kind)
  writer.uint(value.size)
  writer.optional(value.modified, (some) => writer.uint(some))
  writer.optional(value.mediaType, (some) => writeText(writer, some, 255))
  writeBytes(writer, value.block, 32, 32)
  writer.uint(value.sequence)
  writeBytes(writer, value.version, 32, 32)
  writeUint(writer, value.sectorSize, 4294967295)
  writer.boolean(value.conflict)
}

export interface OpenMode {
  readonly read: boolean
  readonly write: boolean
  /** Make the file when it is absent. */
  readonly create: boolean
  /** Fail with `exists` when it is there. */
  readonly exclusive: boolean
  /** Begin empty. */
  readonly truncate: boolean
}

function readOpenMode(reader: CanonicalReader): OpenMode {
  const bits = reader.uint(31)
  return {
    read: (bits & 1) !== 0,
    write: (bits & 2) !== 0,
    create: (bits & 4) !== 0,
    exclusive: (bits & 8) !== 0,
    truncate: (bits & 16) !== 0
  }
}

function writeOpenMode(writer: CanonicalWriter, value: OpenMode): void {
  writer.uint(
    (value.read ? 1 : 0) +
      (value.write ? 2 : 0) +
      (value.create ? 4 : 0) +
      (value.exclusive ? 8 : 0) +
      (value.truncate ? 16 : 0)
  )
}

export interface Opened {
  readonly handle: number
  readonly size: number
  readonly version: Uint8Array | undefined
}

function readOpened(reader: CanonicalReader): Opened {
  reader.arrayOf(3)
  return {
    handle: reader.uint(4294967295),
    size: reader.uint(),
    version: reader.optional(() => reader.binExact(32))
  }
}

function writeOpened(writer: CanonicalWriter, value: Opened): void {
  writer.array(3)
  writeUint(writer, value.handle, 4294967295)
  writer.uint(value.size)
  writer.optional(value.version, (some) => writeBytes(writer, some, 32, 32))
}

/** What must be there for a write to succeed, else `conflict`. */
export type Expectation =
  /** Whatever is there is replaced. */
  | { readonly kind: 'anything' }
  /** Nothing may be there. */
  | { readonly kind: 'absent' }
  /** This version must be the one shown. */
  | { readonly kind: 'version'; readonly value: Uint8Array }
const expectationCarries: readonly boolean[] = [false, false, true]

function readExpectation(reader: CanonicalReader): Expectation {
  switch (readCase(reader, expectationCarries)) {
    case 0:
      return { kind: 'anything' }
    case 1:
      return { kind: 'absent' }
    default:
      return { kind: 'version', value: reader.binExact(32) }
  }
}

function writeExpectation(writer: CanonicalWriter, value: Expectation): void {
  switch (value.kind) {
    case 'anything':
      writer.array(1).uint(0)

      break
    case 'absent':
      writer.array(1).uint(1)

      break
    case 'version':
      writer.array(2).uint(2)
      writeBytes(writer, value.value, 32, 32)
      break
  }
}

export interface WriteOptions {
  readonly expected: Expectation
  /** Of a lock on the file: a write under an older token than the newest given out fails with `revoked`. */
  readonly token: number | undefined
  readonly mediaType: string | undefined
}

function readWriteOptions(reader: CanonicalReader): WriteOptions {
  reader.arrayOf(3)
  return {
    expected: readExpectation(reader),
    token: reader.optional(() => reader.uint()),
    mediaType: reader.optional(() => reader.str(255))
  }
}

function writeWriteOptions(writer: CanonicalWriter, value: WriteOptions): void {
  writer.array(3)
  writeExpectation(writer, value.expected)
  writer.optional(value.token, (some) => writer.uint(some))
  writer.optional(value.mediaType, (some) => writeText(writer, some, 255))
}

export interface VersionEntry {
  readonly version: Uint8Array
  readonly sequence: number
  readonly size: number | undefined
  readonly signer: Uint8Array
  readonly modified: number | undefined
}

function readVersionEntry(reader: CanonicalReader): VersionEntry {
  reader.arrayOf(5)
  return {
    version: reader.binExact(32),
    sequence: reader.uint(),
    size: reader.optional(() => reader.uint()),
    signer: reader.binExact(32),
    modified: reader.optional(() => reader.uint())
  }
}

function writeVersionEntry(writer: CanonicalWriter, value: VersionEntry): void {
  writer.array(5)
  writeBytes(writer, value.version, 32, 32)
  writer.uint(value.sequence)
  writer.optional(value.size, (some) => writer.uint(some))
  writeBytes(writer, value.signer, 32, 32)
  writer.optional(value.modified, (some) => writer.uint(some))
}

/** Where a message goes to or comes from. */
export interface Address {
  /** The principal of the node; absent for this one. */
  readonly node: Uint8Array | undefined
  /** The name under which the app is installed there. */
  readonly app: string
}

function readAddress(reader: CanonicalReader): Address {
  reader.arrayOf(2)
  return { node: reader.optional(() => reader.binExact(32)), app: reader.str(255) }
}

function writeAddress(writer: CanonicalWriter, value: Address): void {
  writer.array(2)
  writer.optional(value.node, (some) => writeBytes(writer, some, 32, 32))
  writeText(writer, value.app, 255)
}

export interface IncomingMessage {
  /** Give it to `reply`; absent when no reply is awaited. */
  readonly replyHandle: number | undefined
  readonly sender: Address
  readonly topic: string
  readonly content: Uint8Array
  /** Of a reply: the number that `send` returned. */
  readonly inReplyTo: number | undefined
}

function readIncomingMessage(reader: CanonicalReader): IncomingMessage {
  reader.arrayOf(5)
  return {
    replyHandle: reader.optional(() => reader.uint(4294967295)),
    sender: readAddress(reader),
    topic: reader.str(1024),
    content: reader.bin(16777216),
    inReplyTo: reader.optional(() => reader.uint())
  }
}

function writeIncomingMessage(writer: CanonicalWriter, value: IncomingMessage): void {
  writer.array(5)
  writer.optional(value.replyHandle, (some) => writeUint(writer, some, 4294967295))
  writeAddress(writer, value.sender)
  writeText(writer, value.topic, 1024)
  writeBytes(writer, value.content, 0, 16777216)
  writer.optional(value.inReplyTo, (some) => writer.uint(some))
}

export interface Lease {
  readonly lock: number
  readonly token: number
  /** Renew before it has passed. The lock is released by itself then, and when the app ends. */
  readonly expiresIn: number
}

function readLease(reader: CanonicalReader): Lease {
  reader.arrayOf(3)
  return { lock: reader.uint(4294967295), token: reader.uint(), expiresIn: reader.uint(86400000) }
}

function writeLease(writer: CanonicalWriter, value: Lease): void {
  writer.array(3)
  writeUint(writer, value.lock, 4294967295)
  writer.uint(value.token)
  writeUint(writer, value.expiresIn, 86400000)
}

export type ChangeKind = (typeof changeKindNames)[number]
const changeKindNames = ['created', 'changed', 'moved', 'removed', 'restored', 'conflicted'] as const

function readChangeKind(reader: CanonicalReader): ChangeKind {
  return readEnum(reader, changeKindNames)
}

function writeChangeKind(writer: CanonicalWriter, value: ChangeKind): void {
  writeEnum(writer, changeKindNames, value)
}

export interface Change {
  readonly kind: ChangeKind
  readonly path: string
}

function readChange(reader: CanonicalReader): Change {
  reader.arrayOf(2)
  return { kind: readChangeKind(reader), path: reader.str(4096) }
}

function writeChange(writer: CanonicalWriter, value: Change): void {
  writer.array(2)
  writeChangeKind(writer, value.kind)
  writeText(writer, value.path, 4096)
}

export interface Changes {
  readonly watch: number
  readonly changes: readonly Change[]
  /** More happened than is told here: read anew what the app depends on. */
  readonly overrun: boolean
}

function readChanges(reader: CanonicalReader): Changes {
  reader.arrayOf(3)
  return {
    watch: reader.uint(4294967295),
    changes: readList(reader, 256, () => readChange(reader)),
    overrun: reader.boolean()
  }
}

function writeChanges(writer: CanonicalWriter, value: Changes): void {
  writer.array(3)
  writeUint(writer, value.watch, 4294967295)
  writeList(writer, value.changes, 256, (item) => writeChange(writer, item))
  writer.boolean(value.overrun)
}

export interface OutgoingRequest {
  /** Upper case. */
  readonly method: string
  /** `http` or `https`. Scheme, host and port decide whether the grant covers it; a header `host` is refused. */
  readonly url: string
  readonly headers: readonly Header[]
  readonly content: Uint8Array
  readonly timeout: number
  /** Followed while every target is covered by the grant too. */
  readonly redirectsMax: number
}

function readOutgoingRequest(reader: CanonicalReader): OutgoingRequest {
  reader.arrayOf(6)
  return {
    method: reader.str(255),
    url: reader.str(8192),
    headers: readList(reader, 128, () => readHeader(reader)),
    content: reader.bin(16777216),
    timeout: reader.uint(86400000),
    redirectsMax: reader.uint(255)
  }
}

function writeOutgoingRequest(writer: CanonicalWriter, value: OutgoingRequest): void {
  writer.array(6)
  writeText(writer, value.method, 255)
  writeText(writer, value.url, 8192)
  writeList(writer, value.headers, 128, (item) => writeHeader(writer, item))
  writeBytes(writer, value.content, 0, 16777216)
  writeUint(writer, value.timeout, 86400000)
  writeUint(writer, value.redirectsMax, 255)
}

export interface IncomingResponse {
  readonly status: number
  readonly headers: readonly Header[]
  /** What came at once. */
  readonly content: Uint8Array
  /** Where to read the rest; absent when `content` is all of it. */
  readonly rest: number | undefined
}

function readIncomingResponse(reader: CanonicalReader): IncomingResponse {
  reader.arrayOf(4)
  return {
    status: reader.uint(999),
    headers: readList(reader, 128, () => readHeader(reader)),
    content: reader.bin(16777216),
    rest: reader.optional(() => reader.uint(4294967295))
  }
}

function writeIncomingResponse(writer: CanonicalWriter, value: IncomingResponse): void {
  writer.array(4)
  writeUint(writer, value.status, 999)
  writeList(writer, value.headers, 128, (item) => writeHeader(writer, item))
  writeBytes(writer, value.content, 0, 16777216)
  writer.optional(value.rest, (some) => writeUint(writer, some, 4294967295))
}

/** A part of a body. */
export interface BodyPart {
  readonly content: Uint8Array
  /** Nothing follows. */
  readonly last: boolean
}

function readBodyPart(reader: CanonicalReader): BodyPart {
  reader.arrayOf(2)
  return { content: reader.bin(16777216), last: reader.boolean() }
}

function writeBodyPart(writer: CanonicalWriter, value: BodyPart): void {
  writer.array(2)
  writeBytes(writer, value.content, 0, 16777216)
  writer.boolean(value.last)
}

export interface IncomingRequest {
  readonly request: number
  readonly method: string
  /** Decoded and normalised: no `.`, `..` or empty component inside. */
  readonly path: string
  /** Without the question mark; absent when there is none. */
  readonly query: string | undefined
  readonly headers: readonly Header[]
  /** What has come of the body. */
  readonly content: Uint8Array
  /** More is to be read with `read`. */
  readonly more: boolean
  /** Of the client, as text, when the grant lets the app see it. */
  readonly client: string | undefined
}

function readIncomingRequest(reader: CanonicalReader): IncomingRequest {
  reader.arrayOf(8)
  return {
    request: reader.uint(4294967295),
    method: reader.str(255),
    path: reader.str(8192),
    query: reader.optional(() => reader.str(8192)),
    headers: readList(reader, 128, () => readHeader(reader)),
    content: reader.bin(16777216),
    more: reader.boolean(),
    client: reader.optional(() => reader.str(1024))
  }
}

function writeIncomingRequest(writer: CanonicalWriter, value: IncomingRequest): void {
  writer.array(8)
  writeUint(writer, value.request, 4294967295)
  writeText(writer, value.method, 255)
  writeText(writer, value.path, 8192)
  writer.optional(value.query, (some) => writeText(writer, some, 8192))
  writeList(writer, value.headers, 128, (item) => writeHeader(writer, item))
  writeBytes(writer, value.content, 0, 16777216)
  writer.boolean(value.more)
  writer.optional(value.client, (some) => writeText(writer, some, 1024))
}

export interface FileRange {
  readonly file: number
  readonly offset: number
  readonly length: number
}

function readFileRange(reader: CanonicalReader): FileRange {
  reader.arrayOf(3)
  return { file: reader.uint(4294967295), offset: reader.uint(), length: reader.uint() }
}

function writeFileRange(writer: CanonicalWriter, value: FileRange): void {
  writer.array(3)
  writeUint(writer, value.file, 4294967295)
  writer.uint(value.offset)
  writer.uint(value.length)
}

export type ResponseBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'content'; readonly value: Uint8Array }
  /** The node sends it from an open file; the bytes never enter the app. The node closes the handle. */
  | { readonly kind: 'file'; readonly value: FileRange }
  /** The app goes on with `write` and ends with `finish`, in this event or a later one. */
  | { readonly kind: 'streamed' }
const responseBodyCarries: readonly boolean[] = [false, true, true, false]

function readResponseBody(reader: CanonicalReader): ResponseBody {
  switch (readCase(reader, responseBodyCarries)) {
    case 0:
      return { kind: 'empty' }
    case 1:
      return { kind: 'content', value: reader.bin(16777216) }
    case 2:
      return { kind: 'file', value: readFileRange(reader) }
    default:
      return { kind: 'streamed' }
  }
}

function writeResponseBody(writer: CanonicalWriter, value: ResponseBody): void {
  switch (value.kind) {
    case 'empty':
      writer.array(1).uint(0)

      break
    case 'content':
      writer.array(2).uint(1)
      writeBytes(writer, value.value, 0, 16777216)
      break
    case 'file':
      writer.array(2).uint(2)
      writeFileRange(writer, value.value)
      break
    case 'streamed':
      writer.array(1).uint(3)

      break
  }
}

export interface Response {
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: ResponseBody
}

function readResponse(reader: CanonicalReader): Response {
  reader.arrayOf(3)
  return {
    status: reader.uint(599),
    headers: readList(reader, 128, () => readHeader(reader)),
    body: readResponseBody(reader)
  }
}

function writeResponse(writer: CanonicalWriter, value: Response): void {
  writer.array(3)
  writeUint(writer, value.status, 599)
  writeList(writer, value.headers, 128, (item) => writeHeader(writer, item))
  writeResponseBody(writer, value.body)
}

/** What an event `http` answers. */
export type HttpAnswer =
  | { readonly kind: 'now'; readonly value: Response }
  /** Answered by `respond` in a later event. */
  | { readonly kind: 'later' }
const httpAnswerCarries: readonly boolean[] = [true, false]

function readHttpAnswer(reader: CanonicalReader): HttpAnswer {
  switch (readCase(reader, httpAnswerCarries)) {
    case 0:
      return { kind: 'now', value: readResponse(reader) }
    default:
      return { kind: 'later' }
  }
}

function writeHttpAnswer(writer: CanonicalWriter, value: HttpAnswer): void {
  switch (value.kind) {
    case 'now':
      writer.array(2).uint(0)
      writeResponse(writer, value.value)
      break
    case 'later':
      writer.array(1).uint(1)

      break
  }
}

/** An address as text, or a name that the node resolves. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

function readEndpoint(reader: CanonicalReader): Endpoint {
  reader.arrayOf(2)
  return { host: reader.str(255), port: reader.uint(65535) }
}

function writeEndpoint(writer: CanonicalWriter, value: Endpoint): void {
  writer.array(2)
  writeText(writer, value.host, 255)
  writeUint(writer, value.port, 65535)
}

export type ShutdownKind = (typeof shutdownKindNames)[number]
const shutdownKindNames = ['receive', 'send', 'both'] as const

function readShutdownKind(reader: CanonicalReader): ShutdownKind {
  return readEnum(reader, shutdownKindNames)
}

function writeShutdownKind(writer: CanonicalWriter, value: ShutdownKind): void {
  writeEnum(writer, shutdownKindNames, value)
}

export interface Accepted {
  readonly socket: number
  readonly peer: Endpoint
}

function readAccepted(reader: CanonicalReader): Accepted {
  reader.arrayOf(2)
  return { socket: reader.uint(4294967295), peer: readEndpoint(reader) }
}

function writeAccepted(writer: CanonicalWriter, value: Accepted): void {
  writer.array(2)
  writeUint(writer, value.socket, 4294967295)
  writeEndpoint(writer, value.peer)
}

export interface Received {
  readonly content: Uint8Array
  /** The other side sends nothing any more. */
  readonly last: boolean
}

function readReceived(reader: CanonicalReader): Received {
  reader.arrayOf(2)
  return { content: reader.bin(16777216), last: reader.boolean() }
}

function writeReceived(writer: CanonicalWriter, value: Received): void {
  writer.array(2)
  writeBytes(writer, value.content, 0, 16777216)
  writer.boolean(value.last)
}

export interface Datagram {
  readonly peer: Endpoint
  readonly content: Uint8Array
}

function readDatagram(reader: CanonicalReader): Datagram {
  reader.arrayOf(2)
  return { peer: readEndpoint(reader), content: reader.bin(16777216) }
}

function writeDatagram(writer: CanonicalWriter, value: Datagram): void {
  writer.array(2)
  writeEndpoint(writer, value.peer)
  writeBytes(writer, value.content, 0, 16777216)
}

export type ReadinessKind = (typeof readinessKindNames)[number]
const readinessKindNames = ['readable', 'acceptable', 'closed'] as const

function readReadinessKind(reader: CanonicalReader): ReadinessKind {
  return readEnum(reader, readinessKindNames)
}

function writeReadinessKind(writer: CanonicalWriter, value: ReadinessKind): void {
  writeEnum(writer, readinessKindNames, value)
}

export interface Readiness {
  readonly socket: number
  readonly kind: ReadinessKind
}

function readReadiness(reader: CanonicalReader): Readiness {
  reader.arrayOf(2)
  return { socket: reader.uint(4294967295), kind: readReadinessKind(reader) }
}

function writeReadiness(writer: CanonicalWriter, value: Readiness): void {
  writer.array(2)
  writeUint(writer, value.socket, 4294967295)
  writeReadinessKind(writer, value.kind)
}

export interface Tick {
  readonly timer: number
  /** Ticks of a repeating timer that were left out because the app was busy. */
  readonly missed: number
}

function readTick(reader: CanonicalReader): Tick {
  reader.arrayOf(2)
  return { timer: reader.uint(4294967295), missed: reader.uint(4294967295) }
}

function writeTick(writer: CanonicalWriter, value: Tick): void {
  writer.array(2)
  writeUint(writer, value.timer, 4294967295)
  writeUint(writer, value.missed, 4294967295)
}

export interface ClockTime {
  readonly now: number
  /** Microseconds since the app was started; never goes back. */
  readonly monotonic: number
}

function readClockTime(reader: CanonicalReader): ClockTime {
  reader.arrayOf(2)
  return { now: reader.uint(), monotonic: reader.uint() }
}

function writeClockTime(writer: CanonicalWriter, value: ClockTime): void {
  writer.array(2)
  writer.uint(value.now)
  writer.uint(value.monotonic)
}

export type LogLevel = (typeof logLevelNames)[number]
const logLevelNames = ['debug', 'info', 'warning', 'error'] as const

function readLogLevel(reader: CanonicalReader): LogLevel {
  return readEnum(reader, logLevelNames)
}

function writeLogLevel(writer: CanonicalWriter, value: LogLevel): void {
  writeEnum(writer, logLevelNames, value)
}

export interface KeyPage {
  readonly keys: readonly string[]
  /** Give it as `after` for the next page; absent after the last. */
  readonly next: string | undefined
}

function readKeyPage(reader: CanonicalReader): KeyPage {
  reader.arrayOf(2)
  return { keys: readList(reader, 1000, () => reader.str(512)), next: reader.optional(() => reader.str(512)) }
}

function writeKeyPage(writer: CanonicalWriter, value: KeyPage): void {
  writer.array(2)
  writeList(writer, value.keys, 1000, (item) => writeText(writer, item, 512))
  writer.optional(value.next, (some) => writeText(writer, some, 512))
}

export type PermissionKind = (typeof permissionKindNames)[number]
const permissionKindNames = ['files', 'messages', 'http-client', 'http-server', 'sockets'] as const

function readPermissionKind(reader: CanonicalReader): PermissionKind {
  return readEnum(reader, permissionKindNames)
}

function writePermissionKind(writer: CanonicalWriter, value: PermissionKind): void {
  writeEnum(writer, permissionKindNames, value)
}

export interface FileRights {
  readonly read: boolean
  readonly write: boolean
  readonly create: boolean
  readonly list: boolean
  readonly remove: boolean
  readonly lock: boolean
}

function readFileRights(reader: CanonicalReader): FileRights {
  const bits = reader.uint(63)
  return {
    read: (bits & 1) !== 0,
    write: (bits & 2) !== 0,
    create: (bits & 4) !== 0,
    list: (bits & 8) !== 0,
    remove: (bits & 16) !== 0,
    lock: (bits & 32) !== 0
  }
}

function writeFileRights(writer: CanonicalWriter, value: FileRights): void {
  writer.uint(
    (value.read ? 1 : 0) +
      (value.write ? 2 : 0) +
      (value.create ? 4 : 0) +
      (value.list ? 8 : 0) +
      (value.remove ? 16 : 0) +
      (value.lock ? 32 : 0)
  )
}

export type ObjectKind = (typeof objectKindNames)[number]
const objectKindNames = ['folder', 'file'] as const

function readObjectKind(reader: CanonicalReader): ObjectKind {
  return readEnum(reader, objectKindNames)
}

function writeObjectKind(writer: CanonicalWriter, value: ObjectKind): void {
  writeEnum(writer, objectKindNames, value)
}

export interface GrantedPermission {
  /** The name in the manifest, or the one given to `ask`; of a files permission also the first component of its paths. */
  readonly name: string
  readonly kind: PermissionKind
  /** Of a files permission. */
  readonly rights: FileRights
  /** Asked for at run time. */
  readonly asked: boolean
}

function readGrantedPermission(reader: CanonicalReader): GrantedPermission {
  reader.arrayOf(4)
  return {
    name: reader.str(255),
    kind: readPermissionKind(reader),
    rights: readFileRights(reader),
    asked: reader.boolean()
  }
}

function writeGrantedPermission(writer: CanonicalWriter, value: GrantedPermission): void {
  writer.array(4)
  writeText(writer, value.name, 255)
  writePermissionKind(writer, value.kind)
  writeFileRights(writer, value.rights)
  writer.boolean(value.asked)
}

/** The person picks the object; the app names none. */
export interface FileQuestion {
  /** Under which name the grant is to be used: lower-case letters, digits and hyphens. */
  readonly name: string
  readonly object: ObjectKind
  readonly rights: FileRights
  /** Shown to the person as the app's own words. */
  readonly reason: string
}

function readFileQuestion(reader: CanonicalReader): FileQuestion {
  reader.arrayOf(4)
  return {
    name: reader.str(255),
    object: readObjectKind(reader),
    rights: readFileRights(reader),
    reason: reader.str(1024)
  }
}

function writeFileQuestion(writer: CanonicalWriter, value: FileQuestion): void {
  writer.array(4)
  writeText(writer, value.name, 255)
  writeObjectKind(writer, value.object)
  writeFileRights(writer, value.rights)
  writeText(writer, value.reason, 1024)
}

export type QuestionOutcome =
  /** May be used at once, under the name that was asked for. */
  | { readonly kind: 'granted' }
  | { readonly kind: 'declined' }
  /** Nobody answered in time. */
  | { readonly kind: 'unanswered' }
const questionOutcomeCarries: readonly boolean[] = [false, false, false]

function readQuestionOutcome(reader: CanonicalReader): QuestionOutcome {
  switch (readCase(reader, questionOutcomeCarries)) {
    case 0:
      return { kind: 'granted' }
    case 1:
      return { kind: 'declined' }
    default:
      return { kind: 'unanswered' }
  }
}

function writeQuestionOutcome(writer: CanonicalWriter, value: QuestionOutcome): void {
  switch (value.kind) {
    case 'granted':
      writer.array(1).uint(0)

      break
    case 'declined':
      writer.array(1).uint(1)

      break
    case 'unanswered':
      writer.array(1).uint(2)

      break
  }
}

export interface QuestionAnswer {
  readonly question: number
  readonly outcome: QuestionOutcome
}

function readQuestionAnswer(reader: CanonicalReader): QuestionAnswer {
  reader.arrayOf(2)
  return { question: reader.uint(4294967295), outcome: readQuestionOutcome(reader) }
}

function writeQuestionAnswer(writer: CanonicalWriter, value: QuestionAnswer): void {
  writer.array(2)
  writeUint(writer, value.question, 4294967295)
  writeQuestionOutcome(writer, value.outcome)
}

export type StartReason = (typeof startReasonNames)[number]
const startReasonNames = ['installed', 'started', 'upgraded', 'restarted-after-failure'] as const

function readStartReason(reader: CanonicalReader): StartReason {
  return readEnum(reader, startReasonNames)
}

function writeStartReason(writer: CanonicalWriter, value: StartReason): void {
  writeEnum(writer, startReasonNames, value)
}

export interface Launch {
  readonly reason: StartReason
  readonly version: number
  /** The name under which the app is installed here. */
  readonly installation: string
  readonly granted: readonly GrantedPermission[]
}

function readLaunch(reader: CanonicalReader): Launch {
  reader.arrayOf(4)
  return {
    reason: readStartReason(reader),
    version: reader.uint(4294967295),
    installation: reader.str(1024),
    granted: readList(reader, 256, () => readGrantedPermission(reader))
  }
}

function writeLaunch(writer: CanonicalWriter, value: Launch): void {
  writer.array(4)
  writeStartReason(writer, value.reason)
  writeUint(writer, value.version, 4294967295)
  writeText(writer, value.installation, 1024)
  writeList(writer, value.granted, 256, (item) => writeGrantedPermission(writer, item))
}

/** What the app asks, by operation. */
export interface HostRequests {
  /** Reads a range of a file in one call. */
  readonly 'files.read-file': { readonly path: string; readonly offset: number; readonly length: number }
  /** Writes a whole file in one call; durable when it returns. The version is the new one. */
  readonly 'files.write-file': {
    readonly path: string
    readonly content: Uint8Array
    readonly options: WriteOptions
  }
  readonly 'files.open': { readonly path: string; readonly mode: OpenMode }
  /** Opens an older version for reading. */
  readonly 'files.open-version': { readonly path: string; readonly version: Uint8Array }
  /** Fewer bytes than asked for only at the end of the file. */
  readonly 'files.read': { readonly handle: number; readonly offset: number; readonly length: number }
  /** Kept with the handle until `commit`. Beyond the end the gap reads as zeros. */
  readonly 'files.write': { readonly handle: number; readonly offset: number; readonly content: Uint8Array }
  readonly 'files.set-size': { readonly handle: number; readonly size: number }
  /** Makes all that was written through the handle one new version; durable when it returns. */
  readonly 'files.commit': { readonly handle: number; readonly options: WriteOptions }
  /** Writes that were not committed are dropped. */
  readonly 'files.close': { readonly handle: number }
  readonly 'files.create-directory': { readonly path: string }
  /** In the order of the names' bytes. */
  readonly 'files.list-directory': {
    readonly path: string
    readonly after: string | undefined
    readonly limit: number
  }
  readonly 'files.stat': { readonly path: string }
  /** A file, or an empty directory; with `recursive` whatever is in it. */
  readonly 'files.remove': {
    readonly path: string
    readonly recursive: boolean
    readonly expected: Expectation
  }
  /** Within one grant. Needs the rights `remove` and `create`. */
  readonly 'files.move-entry': { readonly source: string; readonly target: string }
  /** Newest first. */
  readonly 'files.history': { readonly path: string; readonly limit: number }
  /** Queues a message; it is delivered at most once. Returns its number. */
  readonly 'messages.send': {
    readonly recipient: Address
    readonly topic: string
    readonly content: Uint8Array
    readonly replyWithin: number | undefined
  }
  readonly 'messages.reply': { readonly message: number; readonly content: Uint8Array }
  /** Waits up to `wait`, then fails with `conflict`. */
  readonly 'locks.acquire': { readonly path: string; readonly ttl: number; readonly wait: number }
  /** Fails with `revoked` when the lease has run out. */
  readonly 'locks.renew': { readonly lock: number; readonly ttl: number }
  readonly 'locks.release': { readonly lock: number }
  /** Changes come as the event `changed`. */
  readonly 'watch.start': { readonly path: string; readonly recursive: boolean }
  readonly 'watch.end': { readonly watch: number }
  readonly 'http-client.request': { readonly request: OutgoingRequest }
  readonly 'http-client.read': { readonly rest: number; readonly length: number }
  readonly 'http-client.close': { readonly rest: number }
  /** More of a request's body. */
  readonly 'http-server.read': { readonly request: number; readonly length: number }
  /** Answers a request whose event was answered with `later`, or early, from within the event; the event's own answer is then `later`. */
  readonly 'http-server.respond': { readonly request: number; readonly response: Response }
  /** More of a streamed body. Waits while the client takes it slowly; `closed` when it is gone. */
  readonly 'http-server.write': { readonly request: number; readonly content: Uint8Array }
  /** Ends a streamed body. */
  readonly 'http-server.finish': { readonly request: number }
  readonly 'sockets.tcp-connect': { readonly remote: Endpoint; readonly timeout: number }
  readonly 'sockets.tcp-listen': { readonly local: Endpoint }
  /** Fails with `timeout` when nobody came. */
  readonly 'sockets.accept': { readonly listener: number; readonly wait: number }
  readonly 'sockets.send': { readonly socket: number; readonly content: Uint8Array }
  /** Fails with `timeout` when nothing came. */
  readonly 'sockets.receive': { readonly socket: number; readonly length: number; readonly wait: number }
  readonly 'sockets.shutdown': { readonly socket: number; readonly kind: ShutdownKind }
  readonly 'sockets.udp-bind': { readonly local: Endpoint }
  readonly 'sockets.udp-send': { readonly socket: number; readonly datagram: Datagram }
  readonly 'sockets.udp-receive': { readonly socket: number; readonly wait: number }
  readonly 'sockets.local-endpoint': { readonly socket: number }
  /** Asks for the event `socket` when there is something to receive or accept. */
  readonly 'sockets.notify': { readonly socket: number; readonly wanted: boolean }
  readonly 'sockets.close': { readonly socket: number }
  /** Comes as the event `timer`, once, or again after every `repeat`. */
  readonly 'timers.start': { readonly delay: number; readonly repeat: number | undefined }
  readonly 'timers.cancel': { readonly timer: number }
  /** Bytes from the generator of the operating system; at most 65,536. */
  readonly 'random.bytes': { readonly length: number }
  readonly 'clock.now': NoFields
  /** Control characters are escaped. Lines over the budget are dropped and counted. */
  readonly 'log.write': { readonly level: LogLevel; readonly message: string }
  readonly 'kv.get': { readonly key: string }
  readonly 'kv.set': { readonly key: string; readonly value: Uint8Array }
  /** True when it was there. */
  readonly 'kv.delete': { readonly key: string }
  /** In the order of the keys' bytes. */
  readonly 'kv.list-keys': {
    readonly prefix: string
    readonly after: string | undefined
    readonly limit: number
  }
  /** Sets it if it is `expected` now (absent: if it is not there), else fails with `conflict`. */
  readonly 'kv.replace': {
    readonly key: string
    readonly expected: Uint8Array | undefined
    readonly value: Uint8Array
  }
  /** Adds to a counter, a value of eight bytes, big-endian, up to 2^53-1; absent counts as 0. Returns the sum. */
  readonly 'kv.increment': { readonly key: string; readonly amount: number }
  readonly 'grants.list-granted': NoFields
  /** Asks the person for a file or folder; the answer comes as the event `granted`. */
  readonly 'grants.ask': { readonly question: FileQuestion }
  /** Gives a grant back that was asked for at run time. */
  readonly 'grants.give-back': { readonly name: string }
}

/** What an operation that succeeds answers. */
export interface HostReplies {
  readonly 'files.read-file': Uint8Array
  readonly 'files.write-file': Uint8Array
  readonly 'files.open': Opened
  readonly 'files.open-version': Opened
  readonly 'files.read': Uint8Array
  readonly 'files.write': undefined
  readonly 'files.set-size': undefined
  readonly 'files.commit': Uint8Array
  readonly 'files.close': undefined
  readonly 'files.create-directory': undefined
  readonly 'files.list-directory': EntryPage
  readonly 'files.stat': Details
  readonly 'files.remove': undefined
  readonly 'files.move-entry': undefined
  readonly 'files.history': readonly VersionEntry[]
  readonly 'messages.send': number
  readonly 'messages.reply': undefined
  readonly 'locks.acquire': Lease
  readonly 'locks.renew': Lease
  readonly 'locks.release': undefined
  readonly 'watch.start': number
  readonly 'watch.end': undefined
  readonly 'http-client.request': IncomingResponse
  readonly 'http-client.read': BodyPart
  readonly 'http-client.close': undefined
  readonly 'http-server.read': BodyPart
  readonly 'http-server.respond': undefined
  readonly 'http-server.write': undefined
  readonly 'http-server.finish': undefined
  readonly 'sockets.tcp-connect': number
  readonly 'sockets.tcp-listen': number
  readonly 'sockets.accept': Accepted
  readonly 'sockets.send': undefined
  readonly 'sockets.receive': Received
  readonly 'sockets.shutdown': undefined
  readonly 'sockets.udp-bind': number
  readonly 'sockets.udp-send': undefined
  readonly 'sockets.udp-receive': Datagram
  readonly 'sockets.local-endpoint': Endpoint
  readonly 'sockets.notify': undefined
  readonly 'sockets.close': undefined
  readonly 'timers.start': number
  readonly 'timers.cancel': undefined
  readonly 'random.bytes': Uint8Array
  readonly 'clock.now': ClockTime
  readonly 'log.write': undefined
  readonly 'kv.get': Uint8Array | undefined
  readonly 'kv.set': undefined
  readonly 'kv.delete': boolean
  readonly 'kv.list-keys': KeyPage
  readonly 'kv.replace': undefined
  readonly 'kv.increment': number
  readonly 'grants.list-granted': readonly GrantedPermission[]
  readonly 'grants.ask': number
  readonly 'grants.give-back': undefined
}

/** What the node tells the app, by event. */
export interface HostEvents {
  /** First event of every run; an error stops the start. */
  readonly init: { readonly launch: Launch }
  readonly http: { readonly request: IncomingRequest }
  readonly message: { readonly message: IncomingMessage }
  readonly changed: { readonly changes: Changes }
  readonly timer: { readonly tick: Tick }
  /** Last event of a run that ends in order; the process ends when it returns or its deadline passes. */
  readonly stop: NoFields
  /** Before `init` of the first run after an upgrade: brings the data of an older version up. An error rolls back. */
  readonly migrate: { readonly fromVersion: number }
  /** After an upgrade, and when asked. An error after an upgrade rolls back. */
  readonly health: NoFields
  readonly granted: { readonly answer: QuestionAnswer }
  readonly socket: { readonly readiness: Readiness }
}

/** What the app answers to an event. */
export interface HostEventReplies {
  readonly init: Outcome<undefined, string>
  readonly http: HttpAnswer
  readonly message: undefined
  readonly changed: undefined
  readonly timer: undefined
  readonly stop: undefined
  readonly migrate: Outcome<undefined, string>
  readonly health: Outcome<undefined, string>
  readonly granted: undefined
  readonly socket: undefined
}

export type HostOperationName = keyof HostRequests
export type HostEventName = keyof HostEvents
export type PermissionUse = 'always' | PermissionKind

/** Codec of the bytes of one call. Decoders return views of their input and throw CodecError. */
export interface CallCodec<Request, Reply> {
  readonly decodeRequest: (bytes: Uint8Array) => Request
  readonly encodeRequest: (request: Request) => Uint8Array
  readonly decodeReply: (bytes: Uint8Array) => Reply
  readonly encodeReply: (reply: Reply) => Uint8Array
}

export interface HostOperation<Name extends HostOperationName> extends CallCodec<
  HostRequests[Name],
  HostReplies[Name]
> {
  readonly name: Name
  readonly op: number
  /** Kind of permission the call is judged under; 'always' needs no grant. */
  readonly permission: PermissionUse
  /** The right that is needed under it; undefined when the request decides, or the kind has none. */
  readonly right: string | undefined
  /** Where the reply is one byte list: what stands before its bytes, which follow as they are. */
  readonly encodeReplyHead?: (reply: HostReplies[Name]) => Uint8Array
}

export interface HostEvent<Name extends HostEventName> extends CallCodec<
  HostEvents[Name],
  HostEventReplies[Name]
> {
  readonly name: Name
  readonly event: number
}

const operationFilesReadFile: HostOperation<'files.read-file'> = {
  name: 'files.read-file',
  op: 1,
  permission: 'files',
  right: 'read',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { path: reader.str(4096), offset: reader.uint(), length: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.path, 4096)
      writer.uint(request.offset)
      writeUint(writer, request.length, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.bin(16777216)),
  encodeReply: (reply) => encodeBytes(reply, 0, 16777216),
  encodeReplyHead: (reply) => encodeBytesHead(reply, 0, 16777216)
}

const operationFilesWriteFile: HostOperation<'files.write-file'> = {
  name: 'files.write-file',
  op: 2,
  permission: 'files',
  right: 'write',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { path: reader.str(4096), content: reader.bin(16777216), options: readWriteOptions(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.path, 4096)
      writeBytes(writer, request.content, 0, 16777216)
      writeWriteOptions(writer, request.options)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.binExact(32)),
  encodeReply: (reply) => encodeBytes(reply, 32, 32),
  encodeReplyHead: (reply) => encodeBytesHead(reply, 32, 32)
}

const operationFilesOpen: HostOperation<'files.open'> = {
  name: 'files.open',
  op: 3,
  permission: 'files',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { path: reader.str(4096), mode: readOpenMode(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.path, 4096)
      writeOpenMode(writer, request.mode)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readOpened(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeOpened(writer, reply))
}

const operationFilesOpenVersion: HostOperation<'files.open-version'> = {
  name: 'files.open-version',
  op: 4,
  permission: 'files',
  right: 'read',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { path: reader.str(4096), version: reader.binExact(32) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.path, 4096)
      writeBytes(writer, request.version, 32, 32)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readOpened(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeOpened(writer, reply))
}

const operationFilesRead: HostOperation<'files.read'> = {
  name: 'files.read',
  op: 5,
  permission: 'files',
  right: 'read',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { handle: reader.uint(4294967295), offset: reader.uint(), length: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeUint(writer, request.handle, 4294967295)
      writer.uint(request.offset)
      writeUint(writer, request.length, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.bin(16777216)),
  encodeReply: (reply) => encodeBytes(reply, 0, 16777216),
  encodeReplyHead: (reply) => encodeBytesHead(reply, 0, 16777216)
}

const operationFilesWrite: HostOperation<'files.write'> = {
  name: 'files.write',
  op: 6,
  permission: 'files',
  right: 'write',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { handle: reader.uint(4294967295), offset: reader.uint(), content: reader.bin(16777216) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeUint(writer, request.handle, 4294967295)
      writer.uint(request.offset)
      writeBytes(writer, request.content, 0, 16777216)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesSetSize: HostOperation<'files.set-size'> = {
  name: 'files.set-size',
  op: 7,
  permission: 'files',
  right: 'write',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { handle: reader.uint(4294967295), size: reader.uint() }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.handle, 4294967295)
      writer.uint(request.size)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesCommit: HostOperation<'files.commit'> = {
  name: 'files.commit',
  op: 8,
  permission: 'files',
  right: 'write',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { handle: reader.uint(4294967295), options: readWriteOptions(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.handle, 4294967295)
      writeWriteOptions(writer, request.options)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.binExact(32)),
  encodeReply: (reply) => encodeBytes(reply, 32, 32),
  encodeReplyHead: (reply) => encodeBytesHead(reply, 32, 32)
}

const operationFilesClose: HostOperation<'files.close'> = {
  name: 'files.close',
  op: 9,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { handle: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.handle, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesCreateDirectory: HostOperation<'files.create-directory'> = {
  name: 'files.create-directory',
  op: 10,
  permission: 'files',
  right: 'create',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { path: reader.str(4096) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeText(writer, request.path, 4096)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesListDirectory: HostOperation<'files.list-directory'> = {
  name: 'files.list-directory',
  op: 11,
  permission: 'files',
  right: 'list',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return {
        path: reader.str(4096),
        after: reader.optional(() => reader.str(1024)),
        limit: reader.uint(4294967295)
      }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.path, 4096)
      writer.optional(request.after, (some) => writeText(writer, some, 1024))
      writeUint(writer, request.limit, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readEntryPage(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeEntryPage(writer, reply))
}

const operationFilesStat: HostOperation<'files.stat'> = {
  name: 'files.stat',
  op: 12,
  permission: 'files',
  right: 'list',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { path: reader.str(4096) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeText(writer, request.path, 4096)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readDetails(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeDetails(writer, reply))
}

const operationFilesRemove: HostOperation<'files.remove'> = {
  name: 'files.remove',
  op: 13,
  permission: 'files',
  right: 'remove',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { path: reader.str(4096), recursive: reader.boolean(), expected: readExpectation(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.path, 4096)
      writer.boolean(request.recursive)
      writeExpectation(writer, request.expected)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesMoveEntry: HostOperation<'files.move-entry'> = {
  name: 'files.move-entry',
  op: 14,
  permission: 'files',
  right: 'remove',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { source: reader.str(4096), target: reader.str(4096) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.source, 4096)
      writeText(writer, request.target, 4096)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationFilesHistory: HostOperation<'files.history'> = {
  name: 'files.history',
  op: 15,
  permission: 'files',
  right: 'read',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { path: reader.str(4096), limit: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.path, 4096)
      writeUint(writer, request.limit, 4294967295)
    }),
  decodeReply: (bytes) =>
    decodeWhole(bytes, (reader) => readList(reader, 1000, () => readVersionEntry(reader))),
  encodeReply: (reply) =>
    encodeWhole((writer) => writeList(writer, reply, 1000, (item) => writeVersionEntry(writer, item)))
}

const operationMessagesSend: HostOperation<'messages.send'> = {
  name: 'messages.send',
  op: 32,
  permission: 'messages',
  right: 'send',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(4)
      return {
        recipient: readAddress(reader),
        topic: reader.str(1024),
        content: reader.bin(16777216),
        replyWithin: reader.optional(() => reader.uint(86400000))
      }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(4)
      writeAddress(writer, request.recipient)
      writeText(writer, request.topic, 1024)
      writeBytes(writer, request.content, 0, 16777216)
      writer.optional(request.replyWithin, (some) => writeUint(writer, some, 86400000))
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint()),
  encodeReply: (reply) => encodeWhole((writer) => writer.uint(reply))
}

const operationMessagesReply: HostOperation<'messages.reply'> = {
  name: 'messages.reply',
  op: 33,
  permission: 'messages',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { message: reader.uint(4294967295), content: reader.bin(16777216) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.message, 4294967295)
      writeBytes(writer, request.content, 0, 16777216)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationLocksAcquire: HostOperation<'locks.acquire'> = {
  name: 'locks.acquire',
  op: 48,
  permission: 'files',
  right: 'lock',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { path: reader.str(4096), ttl: reader.uint(86400000), wait: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.path, 4096)
      writeUint(writer, request.ttl, 86400000)
      writeUint(writer, request.wait, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readLease(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeLease(writer, reply))
}

const operationLocksRenew: HostOperation<'locks.renew'> = {
  name: 'locks.renew',
  op: 49,
  permission: 'files',
  right: 'lock',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { lock: reader.uint(4294967295), ttl: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.lock, 4294967295)
      writeUint(writer, request.ttl, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readLease(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeLease(writer, reply))
}

const operationLocksRelease: HostOperation<'locks.release'> = {
  name: 'locks.release',
  op: 50,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { lock: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.lock, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationWatchStart: HostOperation<'watch.start'> = {
  name: 'watch.start',
  op: 64,
  permission: 'files',
  right: 'read',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { path: reader.str(4096), recursive: reader.boolean() }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.path, 4096)
      writer.boolean(request.recursive)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationWatchEnd: HostOperation<'watch.end'> = {
  name: 'watch.end',
  op: 65,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { watch: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.watch, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationHttpClientRequest: HostOperation<'http-client.request'> = {
  name: 'http-client.request',
  op: 80,
  permission: 'http-client',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { request: readOutgoingRequest(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeOutgoingRequest(writer, request.request)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readIncomingResponse(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeIncomingResponse(writer, reply))
}

const operationHttpClientRead: HostOperation<'http-client.read'> = {
  name: 'http-client.read',
  op: 81,
  permission: 'http-client',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { rest: reader.uint(4294967295), length: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.rest, 4294967295)
      writeUint(writer, request.length, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readBodyPart(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeBodyPart(writer, reply))
}

const operationHttpClientClose: HostOperation<'http-client.close'> = {
  name: 'http-client.close',
  op: 82,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { rest: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.rest, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationHttpServerRead: HostOperation<'http-server.read'> = {
  name: 'http-server.read',
  op: 96,
  permission: 'http-server',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { request: reader.uint(4294967295), length: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.request, 4294967295)
      writeUint(writer, request.length, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readBodyPart(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeBodyPart(writer, reply))
}

const operationHttpServerRespond: HostOperation<'http-server.respond'> = {
  name: 'http-server.respond',
  op: 97,
  permission: 'http-server',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { request: reader.uint(4294967295), response: readResponse(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.request, 4294967295)
      writeResponse(writer, request.response)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationHttpServerWrite: HostOperation<'http-server.write'> = {
  name: 'http-server.write',
  op: 98,
  permission: 'http-server',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { request: reader.uint(4294967295), content: reader.bin(16777216) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.request, 4294967295)
      writeBytes(writer, request.content, 0, 16777216)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationHttpServerFinish: HostOperation<'http-server.finish'> = {
  name: 'http-server.finish',
  op: 99,
  permission: 'http-server',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { request: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.request, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationSocketsTcpConnect: HostOperation<'sockets.tcp-connect'> = {
  name: 'sockets.tcp-connect',
  op: 112,
  permission: 'sockets',
  right: 'tcp-connect',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { remote: readEndpoint(reader), timeout: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeEndpoint(writer, request.remote)
      writeUint(writer, request.timeout, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationSocketsTcpListen: HostOperation<'sockets.tcp-listen'> = {
  name: 'sockets.tcp-listen',
  op: 113,
  permission: 'sockets',
  right: 'tcp-listen',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { local: readEndpoint(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeEndpoint(writer, request.local)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationSocketsAccept: HostOperation<'sockets.accept'> = {
  name: 'sockets.accept',
  op: 114,
  permission: 'sockets',
  right: 'tcp-listen',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { listener: reader.uint(4294967295), wait: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.listener, 4294967295)
      writeUint(writer, request.wait, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readAccepted(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeAccepted(writer, reply))
}

const operationSocketsSend: HostOperation<'sockets.send'> = {
  name: 'sockets.send',
  op: 115,
  permission: 'sockets',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { socket: reader.uint(4294967295), content: reader.bin(16777216) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.socket, 4294967295)
      writeBytes(writer, request.content, 0, 16777216)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationSocketsReceive: HostOperation<'sockets.receive'> = {
  name: 'sockets.receive',
  op: 116,
  permission: 'sockets',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return { socket: reader.uint(4294967295), length: reader.uint(4294967295), wait: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeUint(writer, request.socket, 4294967295)
      writeUint(writer, request.length, 4294967295)
      writeUint(writer, request.wait, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readReceived(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeReceived(writer, reply))
}

const operationSocketsShutdown: HostOperation<'sockets.shutdown'> = {
  name: 'sockets.shutdown',
  op: 117,
  permission: 'sockets',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { socket: reader.uint(4294967295), kind: readShutdownKind(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.socket, 4294967295)
      writeShutdownKind(writer, request.kind)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationSocketsUdpBind: HostOperation<'sockets.udp-bind'> = {
  name: 'sockets.udp-bind',
  op: 118,
  permission: 'sockets',
  right: 'udp',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { local: readEndpoint(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeEndpoint(writer, request.local)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationSocketsUdpSend: HostOperation<'sockets.udp-send'> = {
  name: 'sockets.udp-send',
  op: 119,
  permission: 'sockets',
  right: 'udp',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { socket: reader.uint(4294967295), datagram: readDatagram(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.socket, 4294967295)
      writeDatagram(writer, request.datagram)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationSocketsUdpReceive: HostOperation<'sockets.udp-receive'> = {
  name: 'sockets.udp-receive',
  op: 120,
  permission: 'sockets',
  right: 'udp',
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { socket: reader.uint(4294967295), wait: reader.uint(86400000) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.socket, 4294967295)
      writeUint(writer, request.wait, 86400000)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readDatagram(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeDatagram(writer, reply))
}

const operationSocketsLocalEndpoint: HostOperation<'sockets.local-endpoint'> = {
  name: 'sockets.local-endpoint',
  op: 121,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { socket: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.socket, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readEndpoint(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeEndpoint(writer, reply))
}

const operationSocketsNotify: HostOperation<'sockets.notify'> = {
  name: 'sockets.notify',
  op: 122,
  permission: 'sockets',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { socket: reader.uint(4294967295), wanted: reader.boolean() }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.socket, 4294967295)
      writer.boolean(request.wanted)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationSocketsClose: HostOperation<'sockets.close'> = {
  name: 'sockets.close',
  op: 123,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { socket: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.socket, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationTimersStart: HostOperation<'timers.start'> = {
  name: 'timers.start',
  op: 128,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { delay: reader.uint(86400000), repeat: reader.optional(() => reader.uint(86400000)) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeUint(writer, request.delay, 86400000)
      writer.optional(request.repeat, (some) => writeUint(writer, some, 86400000))
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationTimersCancel: HostOperation<'timers.cancel'> = {
  name: 'timers.cancel',
  op: 129,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { timer: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.timer, 4294967295)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationRandomBytes: HostOperation<'random.bytes'> = {
  name: 'random.bytes',
  op: 136,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { length: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.length, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.bin(16777216)),
  encodeReply: (reply) => encodeBytes(reply, 0, 16777216),
  encodeReplyHead: (reply) => encodeBytesHead(reply, 0, 16777216)
}

const operationClockNow: HostOperation<'clock.now'> = {
  name: 'clock.now',
  op: 140,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) => {
    decodeNothing(bytes)
    return {}
  },
  encodeRequest: encodeNothing,
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readClockTime(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeClockTime(writer, reply))
}

const operationLogWrite: HostOperation<'log.write'> = {
  name: 'log.write',
  op: 144,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { level: readLogLevel(reader), message: reader.str(16384) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeLogLevel(writer, request.level)
      writeText(writer, request.message, 16384)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationKvGet: HostOperation<'kv.get'> = {
  name: 'kv.get',
  op: 152,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { key: reader.str(512) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeText(writer, request.key, 512)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.optional(() => reader.bin(65536))),
  encodeReply: (reply) =>
    encodeWhole((writer) => writer.optional(reply, (some) => writeBytes(writer, some, 0, 65536)))
}

const operationKvSet: HostOperation<'kv.set'> = {
  name: 'kv.set',
  op: 153,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { key: reader.str(512), value: reader.bin(65536) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.key, 512)
      writeBytes(writer, request.value, 0, 65536)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationKvDelete: HostOperation<'kv.delete'> = {
  name: 'kv.delete',
  op: 154,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { key: reader.str(512) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeText(writer, request.key, 512)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.boolean()),
  encodeReply: (reply) => encodeWhole((writer) => writer.boolean(reply))
}

const operationKvListKeys: HostOperation<'kv.list-keys'> = {
  name: 'kv.list-keys',
  op: 155,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return {
        prefix: reader.str(512),
        after: reader.optional(() => reader.str(512)),
        limit: reader.uint(4294967295)
      }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.prefix, 512)
      writer.optional(request.after, (some) => writeText(writer, some, 512))
      writeUint(writer, request.limit, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readKeyPage(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeKeyPage(writer, reply))
}

const operationKvReplace: HostOperation<'kv.replace'> = {
  name: 'kv.replace',
  op: 156,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(3)
      return {
        key: reader.str(512),
        expected: reader.optional(() => reader.bin(65536)),
        value: reader.bin(65536)
      }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(3)
      writeText(writer, request.key, 512)
      writer.optional(request.expected, (some) => writeBytes(writer, some, 0, 65536))
      writeBytes(writer, request.value, 0, 65536)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const operationKvIncrement: HostOperation<'kv.increment'> = {
  name: 'kv.increment',
  op: 157,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(2)
      return { key: reader.str(512), amount: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(2)
      writeText(writer, request.key, 512)
      writeUint(writer, request.amount, 4294967295)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint()),
  encodeReply: (reply) => encodeWhole((writer) => writer.uint(reply))
}

const operationGrantsListGranted: HostOperation<'grants.list-granted'> = {
  name: 'grants.list-granted',
  op: 168,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) => {
    decodeNothing(bytes)
    return {}
  },
  encodeRequest: encodeNothing,
  decodeReply: (bytes) =>
    decodeWhole(bytes, (reader) => readList(reader, 256, () => readGrantedPermission(reader))),
  encodeReply: (reply) =>
    encodeWhole((writer) => writeList(writer, reply, 256, (item) => writeGrantedPermission(writer, item)))
}

const operationGrantsAsk: HostOperation<'grants.ask'> = {
  name: 'grants.ask',
  op: 169,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { question: readFileQuestion(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeFileQuestion(writer, request.question)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => reader.uint(4294967295)),
  encodeReply: (reply) => encodeWhole((writer) => writeUint(writer, reply, 4294967295))
}

const operationGrantsGiveBack: HostOperation<'grants.give-back'> = {
  name: 'grants.give-back',
  op: 170,
  permission: 'always',
  right: undefined,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { name: reader.str(255) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeText(writer, request.name, 255)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventInit: HostEvent<'init'> = {
  name: 'init',
  event: 1,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { launch: readLaunch(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeLaunch(writer, request.launch)
    }),
  decodeReply: (bytes) =>
    decodeWhole(bytes, (reader) =>
      readOutcome(
        reader,
        [false, true],
        () => undefined,
        () => reader.str(1024)
      )
    ),
  encodeReply: (reply) =>
    encodeWhole((writer) => writeOutcome(writer, reply, undefined, (item) => writeText(writer, item, 1024)))
}

const eventHttp: HostEvent<'http'> = {
  name: 'http',
  event: 2,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { request: readIncomingRequest(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeIncomingRequest(writer, request.request)
    }),
  decodeReply: (bytes) => decodeWhole(bytes, (reader) => readHttpAnswer(reader)),
  encodeReply: (reply) => encodeWhole((writer) => writeHttpAnswer(writer, reply))
}

const eventMessage: HostEvent<'message'> = {
  name: 'message',
  event: 3,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { message: readIncomingMessage(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeIncomingMessage(writer, request.message)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventChanged: HostEvent<'changed'> = {
  name: 'changed',
  event: 4,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { changes: readChanges(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeChanges(writer, request.changes)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventTimer: HostEvent<'timer'> = {
  name: 'timer',
  event: 5,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { tick: readTick(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeTick(writer, request.tick)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventStop: HostEvent<'stop'> = {
  name: 'stop',
  event: 6,
  decodeRequest: (bytes) => {
    decodeNothing(bytes)
    return {}
  },
  encodeRequest: encodeNothing,
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventMigrate: HostEvent<'migrate'> = {
  name: 'migrate',
  event: 7,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { fromVersion: reader.uint(4294967295) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeUint(writer, request.fromVersion, 4294967295)
    }),
  decodeReply: (bytes) =>
    decodeWhole(bytes, (reader) =>
      readOutcome(
        reader,
        [false, true],
        () => undefined,
        () => reader.str(1024)
      )
    ),
  encodeReply: (reply) =>
    encodeWhole((writer) => writeOutcome(writer, reply, undefined, (item) => writeText(writer, item, 1024)))
}

const eventHealth: HostEvent<'health'> = {
  name: 'health',
  event: 8,
  decodeRequest: (bytes) => {
    decodeNothing(bytes)
    return {}
  },
  encodeRequest: encodeNothing,
  decodeReply: (bytes) =>
    decodeWhole(bytes, (reader) =>
      readOutcome(
        reader,
        [false, true],
        () => undefined,
        () => reader.str(1024)
      )
    ),
  encodeReply: (reply) =>
    encodeWhole((writer) => writeOutcome(writer, reply, undefined, (item) => writeText(writer, item, 1024)))
}

const eventGranted: HostEvent<'granted'> = {
  name: 'granted',
  event: 9,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { answer: readQuestionAnswer(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeQuestionAnswer(writer, request.answer)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

const eventSocket: HostEvent<'socket'> = {
  name: 'socket',
  event: 10,
  decodeRequest: (bytes) =>
    decodeWhole(bytes, (reader) => {
      reader.arrayOf(1)
      return { readiness: readReadiness(reader) }
    }),
  encodeRequest: (request) =>
    encodeWhole((writer) => {
      writer.array(1)
      writeReadiness(writer, request.readiness)
    }),
  decodeReply: decodeNothing,
  encodeReply: encodeNothing
}

export type HostOperationTable = { readonly [Name in HostOperationName]: HostOperation<Name> }

/** Every operation by name. */
export const hostOperations: HostOperationTable = {
  'files.read-file': operationFilesReadFile,
  'files.write-file': operationFilesWriteFile,
  'files.open': operationFilesOpen,
  'files.open-version': operationFilesOpenVersion,
  'files.read': operationFilesRead,
  'files.write': operationFilesWrite,
  'files.set-size': operationFilesSetSize,
  'files.commit': operationFilesCommit,
  'files.close': operationFilesClose,
  'files.create-directory': operationFilesCreateDirectory,
  'files.list-directory': operationFilesListDirectory,
  'files.stat': operationFilesStat,
  'files.remove': operationFilesRemove,
  'files.move-entry': operationFilesMoveEntry,
  'files.history': operationFilesHistory,
  'messages.send': operationMessagesSend,
  'messages.reply': operationMessagesReply,
  'locks.acquire': operationLocksAcquire,
  'locks.renew': operationLocksRenew,
  'locks.release': operationLocksRelease,
  'watch.start': operationWatchStart,
  'watch.end': operationWatchEnd,
  'http-client.request': operationHttpClientRequest,
  'http-client.read': operationHttpClientRead,
  'http-client.close': operationHttpClientClose,
  'http-server.read': operationHttpServerRead,
  'http-server.respond': operationHttpServerRespond,
  'http-server.write': operationHttpServerWrite,
  'http-server.finish': operationHttpServerFinish,
  'sockets.tcp-connect': operationSocketsTcpConnect,
  'sockets.tcp-listen': operationSocketsTcpListen,
  'sockets.accept': operationSocketsAccept,
  'sockets.send': operationSocketsSend,
  'sockets.receive': operationSocketsReceive,
  'sockets.shutdown': operationSocketsShutdown,
  'sockets.udp-bind': operationSocketsUdpBind,
  'sockets.udp-send': operationSocketsUdpSend,
  'sockets.udp-receive': operationSocketsUdpReceive,
  'sockets.local-endpoint': operationSocketsLocalEndpoint,
  'sockets.notify': operationSocketsNotify,
  'sockets.close': operationSocketsClose,
  'timers.start': operationTimersStart,
  'timers.cancel': operationTimersCancel,
  'random.bytes': operationRandomBytes,
  'clock.now': operationClockNow,
  'log.write': operationLogWrite,
  'kv.get': operationKvGet,
  'kv.set': operationKvSet,
  'kv.delete': operationKvDelete,
  'kv.list-keys': operationKvListKeys,
  'kv.replace': operationKvReplace,
  'kv.increment': operationKvIncrement,
  'grants.list-granted': operationGrantsListGranted,
  'grants.ask': operationGrantsAsk,
  'grants.give-back': operationGrantsGiveBack
}

export type HostEventTable = { readonly [Name in HostEventName]: HostEvent<Name> }

/** Every event by name. */
export const hostEvents: HostEventTable = {
  init: eventInit,
  http: eventHttp,
  message: eventMessage,
  changed: eventChanged,
  timer: eventTimer,
  stop: eventStop,
  migrate: eventMigrate,
  health: eventHealth,
  granted: eventGranted,
  socket: eventSocket
}

const operationNames: ReadonlyMap<number, HostOperationName> = new Map<number, HostOperationName>([
  [1, 'files.read-file'],
  [2, 'files.write-file'],
  [3, 'files.open'],
  [4, 'files.open-version'],
  [5, 'files.read'],
  [6, 'files.write'],
  [7, 'files.set-size'],
  [8, 'files.commit'],
  [9, 'files.close'],
  [10, 'files.create-directory'],
  [11, 'files.list-directory'],
  [12, 'files.stat'],
  [13, 'files.remove'],
  [14, 'files.move-entry'],
  [15, 'files.history'],
  [32, 'messages.send'],
  [33, 'messages.reply'],
  [48, 'locks.acquire'],
  [49, 'locks.renew'],
  [50, 'locks.release'],
  [64, 'watch.start'],
  [65, 'watch.end'],
  [80, 'http-client.request'],
  [81, 'http-client.read'],
  [82, 'http-client.close'],
  [96, 'http-server.read'],
  [97, 'http-server.respond'],
  [98, 'http-server.write'],
  [99, 'http-server.finish'],
  [112, 'sockets.tcp-connect'],
  [113, 'sockets.tcp-listen'],
  [114, 'sockets.accept'],
  [115, 'sockets.send'],
  [116, 'sockets.receive'],
  [117, 'sockets.shutdown'],
  [118, 'sockets.udp-bind'],
  [119, 'sockets.udp-send'],
  [120, 'sockets.udp-receive'],
  [121, 'sockets.local-endpoint'],
  [122, 'sockets.notify'],
  [123, 'sockets.close'],
  [128, 'timers.start'],
  [129, 'timers.cancel'],
  [136, 'random.bytes'],
  [140, 'clock.now'],
  [144, 'log.write'],
  [152, 'kv.get'],
  [153, 'kv.set'],
  [154, 'kv.delete'],
  [155, 'kv.list-keys'],
  [156, 'kv.replace'],
  [157, 'kv.increment'],
  [168, 'grants.list-granted'],
  [169, 'grants.ask'],
  [170, 'grants.give-back']
])

/** The operation of a number; undefined for one that this version does not have. */
export function hostOperationName(op: number): HostOperationName | undefined {
  return operationNames.get(op)
}
