// The host interface blocktree:app@1.0.0 for AssemblyScript. Generated from doc/spec/blocktree.wit; do not edit.

@external('blocktree', 'call')
declare function hostCall(op: u32, pointer: usize, length: u32): u64
@external('blocktree', 'take')
declare function hostTake(pointer: usize): void

/** Status of the last operation but `log.write`; 0 is success. A function that failed returns null, false or 0. */
export let status: u32 = 0
/** What the node said about the last failure, but one of `log.write`: it is what one writes there. */
export let explanation: string = ''

const nothing = new ArrayBuffer(0)

/** Values in the canonical encoding (doc/spec/20-app-interface.md). */
class Writer {
  private buffer: ArrayBuffer = new ArrayBuffer(256)
  length: i32 = 0

  get pointer(): usize {
    return changetype<usize>(this.buffer)
  }

  finish(): ArrayBuffer {
    return this.buffer
  }

  nil(): void {
    this.byte(0xc0)
  }

  bool(value: bool): void {
    this.byte(value ? 0xc3 : 0xc2)
  }

  uint(value: u64): void {
    if (value < 0x80) this.byte(<u8>value)
    else if (value <= 0xffffffff) this.sized(0xcc, <u32>value)
    else {
      this.byte(0xcf)
      this.room(8)
      store<u64>(this.pointer + this.length, bswap<u64>(value))
      this.length += 8
    }
  }

  bin(value: Uint8Array): void {
    this.sized(0xc4, value.length)
    this.copy(value.dataStart, value.length)
  }

  str(value: string): void {
    const bytes = String.UTF8.encode(value)
    const length = bytes.byteLength
    if (length < 0x20) this.byte(0xa0 | <u8>length)
    else this.sized(0xd9, length)
    this.copy(changetype<usize>(bytes), length)
  }

  array(length: i32): void {
    if (length < 0x10) this.byte(0x90 | <u8>length)
    else if (length < 0x10000) this.sized(0xdb, length)
    else this.sized(0xdb, length)
  }

  private sized(head: u32, value: u32): void {
    this.room(5)
    const at = this.pointer + this.length
    if (value < 0x100 && head != 0xdb) {
      store<u8>(at, head)
      store<u8>(at + 1, value)
      this.length += 2
    } else if (value < 0x10000) {
      store<u8>(at, head + 1)
      store<u16>(at + 1, bswap<u16>(<u16>value))
      this.length += 3
    } else {
      store<u8>(at, head + 2)
      store<u32>(at + 1, bswap<u32>(value))
      this.length += 5
    }
  }

  private byte(value: u8): void {
    this.room(1)
    store<u8>(this.pointer + this.length++, value)
  }

  private copy(from: usize, length: i32): void {
    this.room(length)
    memory.copy(this.pointer + this.length, from, length)
    this.length += length
  }

  private room(count: i32): void {
    const needed = this.length + count
    if (needed <= this.buffer.byteLength) return
    const grown = new ArrayBuffer(max(needed, this.buffer.byteLength * 2))
    memory.copy(changetype<usize>(grown), this.pointer, this.length)
    this.buffer = grown
  }
}

/** Traps on bytes that the node never sends. */
class Reader {
  private at: i32 = 0

  constructor(private buffer: ArrayBuffer) {}

  /** True, and it is consumed, when an absent option stands here. */
  nil(): bool {
    if (this.peek() != 0xc0) return false
    this.at++
    return true
  }

  bool(): bool {
    return this.byte() == 0xc3
  }

  uint(): u64 {
    const head = this.byte()
    if (head < 0x80) return head
    assert(head >= 0xcc && head <= 0xcf)
    return this.bigEndian(1 << (head - 0xcc))
  }

  bin(): Uint8Array {
    const head = this.byte()
    assert(head >= 0xc4 && head <= 0xc6)
    const length = <i32>this.bigEndian(1 << (head - 0xc4))
    const bytes = new Uint8Array(length)
    memory.copy(bytes.dataStart, this.take(length), length)
    return bytes
  }

  str(): string {
    const head = this.byte()
    let length = <i32>(head & 0x1f)
    if ((head & 0xe0) != 0xa0) {
      assert(head >= 0xd9 && head <= 0xdb)
      length = <i32>this.bigEndian(1 << (head - 0xd9))
    }
    return String.UTF8.decodeUnsafe(this.take(length), length)
  }

  array(): i32 {
    const head = this.byte()
    if ((head & 0xf0) == 0x90) return head & 0x0f
    assert(head == 0xdc || head == 0xdd)
    return <i32>this.bigEndian(1 << (head - 0xdb))
  }

  private bigEndian(width: i32): u64 {
    let value: u64 = 0
    for (let index = 0; index < width; index++) value = (value << 8) | <u64>this.byte()
    return value
  }

  private peek(): u8 {
    assert(this.at < this.buffer.byteLength)
    return load<u8>(changetype<usize>(this.buffer) + this.at)
  }

  private byte(): u8 {
    const value = this.peek()
    this.at++
    return value
  }

  private take(length: i32): usize {
    assert(length >= 0 && length <= this.buffer.byteLength - this.at)
    const pointer = changetype<usize>(this.buffer) + this.at
    this.at += length
    return pointer
  }
}

const logWrite: u32 = 144

/** null when the operation failed. */
function call(op: u32, request: Writer | null): Reader | null {
  const result = request == null ? hostCall(op, 0, 0) : hostCall(op, request.pointer, request.length)
  const length = <i32>(<u32>result)
  const failure = <u32>(result >> 32)
  if (op != logWrite) status = failure
  const reply = length == 0 ? nothing : new ArrayBuffer(length)
  if (length > 0) hostTake(changetype<usize>(reply))
  if (failure == 0) return new Reader(reply)
  if (op != logWrite) explanation = length > 0 ? new Reader(reply).str() : ''
  return null
}

let input: ArrayBuffer = nothing
let output: ArrayBuffer = nothing

export function bt_abi_version(): u32 {
  return 1
}

export function bt_alloc(length: u32): usize {
  input = new ArrayBuffer(length)
  return changetype<usize>(input)
}

/** Keeps the reply until the next event. */
function answer(reply: Writer): u64 {
  output = reply.finish()
  return ((<u64>changetype<usize>(output)) << 32) | (<u64>reply.length)
}

/** Why an operation failed. Its status code is the position here plus one; 0 is success. New ones are only appended. */
export enum Failure {
  /** No grant covers the call. */
  Denied = 1,
  /** Nothing is there under this name or number. */
  NotFound = 2,
  /** Something is there already. */
  Exists = 3,
  /** It was changed since it was read, or somebody else holds it. */
  Conflict = 4,
  /** More bytes or entries than the operation takes. */
  TooLarge = 5,
  /** A budget of the app is used up: host calls, bytes, handles, outstanding requests. */
  Budget = 6,
  /** The request breaks a rule of the operation. */
  Invalid = 7,
  /** Not now; try again later. */
  Busy = 8,
  /** The grant was taken back, or the lease ran out. */
  Revoked = 9,
  /** The handle is closed, or the other side went away. */
  Closed = 10,
  /** The deadline passed. */
  Timeout = 11,
  /** The other side cannot be reached. */
  Unreachable = 12,
  /** This node does not offer the operation. */
  Unsupported = 13,
  /** No room on the disk of the node, or in the quota of the app. */
  NoSpace = 14,
  /** The node failed; its log says how. */
  Internal = 15
}

export class Header {
  constructor(
    /** Lower case. */
    public name: string,
    public value: string
  ) {}
}

function readHeader(r: Reader): Header {
  r.array()
  const name_: string = r.str()
  const value_: string = r.str()
  return new Header(name_, value_)
}

function writeHeader(w: Writer, value: Header): void {
  w.array(2)
  w.str(value.name)
  w.str(value.value)
}

export enum EntryKind {
  File = 0,
  Directory = 1,
  Other = 2
}

export class Entry {
  constructor(
    public name: string,
    public kind: u32,
    public size: u64,
    public modified: i64
  ) {}
}

function readEntry(r: Reader): Entry {
  r.array()
  const name_: string = r.str()
  const kind_: u32 = <u32>r.uint()
  const size_: u64 = r.uint()
  const modified_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  return new Entry(name_, kind_, size_, modified_)
}

function writeEntry(w: Writer, value: Entry): void {
  w.array(4)
  w.str(value.name)
  w.uint(value.kind)
  w.uint(value.size)
  if (value.modified < 0) w.nil()
  else {
    w.uint(<u64>value.modified)
  }
}

export class EntryPage {
  constructor(
    public entries: Array<Entry>,
    /** Give it as `after` for the next page; absent after the last. */
    public next: string | null
  ) {}
}

function readEntryPage(r: Reader): EntryPage {
  r.array()
  const entries_: Array<Entry> = readList<Entry>(r, (r: Reader) => readEntry(r))
  const next_: string | null = r.nil() ? null : r.str()
  return new EntryPage(entries_, next_)
}

function writeEntryPage(w: Writer, value: EntryPage): void {
  w.array(2)
  w.array(value.entries.length)
  for (let index = 0; index < value.entries.length; index++) {
    writeEntry(w, value.entries[index])
  }
  if (value.next == null) w.nil()
  else {
    w.str(value.next!)
  }
}

export class Details {
  constructor(
    public kind: u32,
    public size: u64,
    public modified: i64,
    public mediaType: string | null,
    public block: Uint8Array,
    /** Counts up with every change; `version` names the change itself. */
    public sequence: u64,
    public version: Uint8Array,
    /** Bytes of a sector: reads and writes of whole sectors are the cheapest. */
    public sectorSize: u32,
    /** Two writers changed it at once, and one version is shown. */
    public conflict: bool
  ) {}
}

function readDetails(r: Reader): Details {
  r.array()
  const kind_: u32 = <u32>r.uint()
  const size_: u64 = r.uint()
  const modified_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  const mediaType_: string | null = r.nil() ? null : r.str()
  const block_: Uint8Array = r.bin()
  const sequence_: u64 = r.uint()
  const version_: Uint8Array = r.bin()
  const sectorSize_: u32 = <u32>r.uint()
  const conflict_: bool = r.bool()
  return new Details(kind_, size_, modified_, mediaType_, block_, sequence_, version_, sectorSize_, conflict_)
}

function writeDetails(w: Writer, value: Details): void {
  w.array(9)
  w.uint(value.kind)
  w.uint(value.size)
  if (value.modified < 0) w.nil()
  else {
    w.uint(<u64>value.modified)
  }
  if (value.mediaType == null) w.nil()
  else {
    w.str(value.mediaType!)
  }
  w.bin(value.block)
  w.uint(value.sequence)
  w.bin(value.version)
  w.uint(value.sectorSize)
  w.bool(value.conflict)
}

export enum OpenMode {
  Read = 1,
  Write = 2,
  /** Make the file when it is absent. */
  Create = 4,
  /** Fail with `exists` when it is there. */
  Exclusive = 8,
  /** Begin empty. */
  Truncate = 16
}

export class Opened {
  constructor(
    public handle: u32,
    public size: u64,
    public version: Uint8Array | null
  ) {}
}

function readOpened(r: Reader): Opened {
  r.array()
  const handle_: u32 = <u32>r.uint()
  const size_: u64 = r.uint()
  const version_: Uint8Array | null = r.nil() ? null : r.bin()
  return new Opened(handle_, size_, version_)
}

function writeOpened(w: Writer, value: Opened): void {
  w.array(3)
  w.uint(value.handle)
  w.uint(value.size)
  if (value.version == null) w.nil()
  else {
    w.bin(value.version!)
  }
}

/** What must be there for a write to succeed, else `conflict`. */
export class Expectation {
  /** 0 anything, 1 absent, 2 version. */
  constructor(public kind: u32) {}

  version: Uint8Array | null = null

  /** Whatever is there is replaced. */
  static ofAnything(): Expectation {
    const made = new Expectation(0)
    return made
  }
  /** Nothing may be there. */
  static ofAbsent(): Expectation {
    const made = new Expectation(1)
    return made
  }
  /** This version must be the one shown. */
  static ofVersion(value: Uint8Array): Expectation {
    const made = new Expectation(2)
    made.version = value
    return made
  }
}

function readExpectation(r: Reader): Expectation {
  r.array()
  const made = new Expectation(<u32>r.uint())
  if (made.kind == 2) made.version = r.bin()
  return made
}

function writeExpectation(w: Writer, value: Expectation): void {
  if (value.kind == 0) {
    w.array(1)
    w.uint(0)
  }
  if (value.kind == 1) {
    w.array(1)
    w.uint(1)
  }
  if (value.kind == 2) {
    w.array(2)
    w.uint(2)
    w.bin(value.version!)
  }
}

export class WriteOptions {
  constructor(
    public expected: Expectation,
    /** Of a lock on the file: a write under an older token than the newest given out fails with `revoked`. */
    public token: i64,
    public mediaType: string | null
  ) {}
}

function readWriteOptions(r: Reader): WriteOptions {
  r.array()
  const expected_: Expectation = readExpectation(r)
  const token_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  const mediaType_: string | null = r.nil() ? null : r.str()
  return new WriteOptions(expected_, token_, mediaType_)
}

function writeWriteOptions(w: Writer, value: WriteOptions): void {
  w.array(3)
  writeExpectation(w, value.expected)
  if (value.token < 0) w.nil()
  else {
    w.uint(<u64>value.token)
  }
  if (value.mediaType == null) w.nil()
  else {
    w.str(value.mediaType!)
  }
}

export class VersionEntry {
  constructor(
    public version: Uint8Array,
    public sequence: u64,
    public size: i64,
    public signer: Uint8Array,
    public modified: i64
  ) {}
}

function readVersionEntry(r: Reader): VersionEntry {
  r.array()
  const version_: Uint8Array = r.bin()
  const sequence_: u64 = r.uint()
  const size_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  const signer_: Uint8Array = r.bin()
  const modified_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  return new VersionEntry(version_, sequence_, size_, signer_, modified_)
}

function writeVersionEntry(w: Writer, value: VersionEntry): void {
  w.array(5)
  w.bin(value.version)
  w.uint(value.sequence)
  if (value.size < 0) w.nil()
  else {
    w.uint(<u64>value.size)
  }
  w.bin(value.signer)
  if (value.modified < 0) w.nil()
  else {
    w.uint(<u64>value.modified)
  }
}

/** Where a message goes to or comes from. */
export class Address {
  constructor(
    /** The principal of the node; absent for this one. */
    public node: Uint8Array | null,
    /** The name under which the app is installed there. */
    public app: string
  ) {}
}

function readAddress(r: Reader): Address {
  r.array()
  const node_: Uint8Array | null = r.nil() ? null : r.bin()
  const app_: string = r.str()
  return new Address(node_, app_)
}

function writeAddress(w: Writer, value: Address): void {
  w.array(2)
  if (value.node == null) w.nil()
  else {
    w.bin(value.node!)
  }
  w.str(value.app)
}

export class IncomingMessage {
  constructor(
    /** Give it to `reply`; absent when no reply is awaited. */
    public replyHandle: i64,
    public sender: Address,
    public topic: string,
    public content: Uint8Array,
    /** Of a reply: the number that `send` returned. */
    public inReplyTo: i64
  ) {}
}

function readIncomingMessage(r: Reader): IncomingMessage {
  r.array()
  const replyHandle_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  const sender_: Address = readAddress(r)
  const topic_: string = r.str()
  const content_: Uint8Array = r.bin()
  const inReplyTo_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  return new IncomingMessage(replyHandle_, sender_, topic_, content_, inReplyTo_)
}

function writeIncomingMessage(w: Writer, value: IncomingMessage): void {
  w.array(5)
  if (value.replyHandle < 0) w.nil()
  else {
    w.uint(<u64>value.replyHandle)
  }
  writeAddress(w, value.sender)
  w.str(value.topic)
  w.bin(value.content)
  if (value.inReplyTo < 0) w.nil()
  else {
    w.uint(<u64>value.inReplyTo)
  }
}

export class Lease {
  constructor(
    public lock: u32,
    public token: u64,
    /** Renew before it has passed. The lock is released by itself then, and when the app ends. */
    public expiresIn: u32
  ) {}
}

function readLease(r: Reader): Lease {
  r.array()
  const lock_: u32 = <u32>r.uint()
  const token_: u64 = r.uint()
  const expiresIn_: u32 = <u32>r.uint()
  return new Lease(lock_, token_, expiresIn_)
}

function writeLease(w: Writer, value: Lease): void {
  w.array(3)
  w.uint(value.lock)
  w.uint(value.token)
  w.uint(value.expiresIn)
}

export enum ChangeKind {
  Created = 0,
  Changed = 1,
  Moved = 2,
  Removed = 3,
  Restored = 4,
  /** Written apart, on two nodes: one version is shown and the other kept (`stat` says `conflict`). What is shown may have changed with it. */
  Conflicted = 5
}

export class Change {
  constructor(
    public kind: u32,
    public path: string
  ) {}
}

function readChange(r: Reader): Change {
  r.array()
  const kind_: u32 = <u32>r.uint()
  const path_: string = r.str()
  return new Change(kind_, path_)
}

function writeChange(w: Writer, value: Change): void {
  w.array(2)
  w.uint(value.kind)
  w.str(value.path)
}

export class Changes {
  constructor(
    public watch: u32,
    public changes: Array<Change>,
    /** More happened than is told here: read anew what the app depends on. */
    public overrun: bool
  ) {}
}

function readChanges(r: Reader): Changes {
  r.array()
  const watch_: u32 = <u32>r.uint()
  const changes_: Array<Change> = readList<Change>(r, (r: Reader) => readChange(r))
  const overrun_: bool = r.bool()
  return new Changes(watch_, changes_, overrun_)
}

function writeChanges(w: Writer, value: Changes): void {
  w.array(3)
  w.uint(value.watch)
  w.array(value.changes.length)
  for (let index = 0; index < value.changes.length; index++) {
    writeChange(w, value.changes[index])
  }
  w.bool(value.overrun)
}

export class OutgoingRequest {
  constructor(
    /** Upper case. */
    public method: string,
    /** `http` or `https`. Scheme, host and port decide whether the grant covers it; a header `host` is refused. */
    public url: string,
    public headers: Array<Header>,
    public content: Uint8Array,
    public timeout: u32,
    /** Followed while every target is covered by the grant too. */
    public redirectsMax: u32
  ) {}
}

function readOutgoingRequest(r: Reader): OutgoingRequest {
  r.array()
  const method_: string = r.str()
  const url_: string = r.str()
  const headers_: Array<Header> = readList<Header>(r, (r: Reader) => readHeader(r))
  const content_: Uint8Array = r.bin()
  const timeout_: u32 = <u32>r.uint()
  const redirectsMax_: u32 = <u32>r.uint()
  return new OutgoingRequest(method_, url_, headers_, content_, timeout_, redirectsMax_)
}

function writeOutgoingRequest(w: Writer, value: OutgoingRequest): void {
  w.array(6)
  w.str(value.method)
  w.str(value.url)
  w.array(value.headers.length)
  for (let index = 0; index < value.headers.length; index++) {
    writeHeader(w, value.headers[index])
  }
  w.bin(value.content)
  w.uint(value.timeout)
  w.uint(value.redirectsMax)
}

export class IncomingResponse {
  constructor(
    public status: u32,
    public headers: Array<Header>,
    /** What came at once. */
    public content: Uint8Array,
    /** Where to read the rest; absent when `content` is all of it. */
    public rest: i64
  ) {}
}

function readIncomingResponse(r: Reader): IncomingResponse {
  r.array()
  const status_: u32 = <u32>r.uint()
  const headers_: Array<Header> = readList<Header>(r, (r: Reader) => readHeader(r))
  const content_: Uint8Array = r.bin()
  const rest_: i64 = r.nil() ? <i64>-1 : <i64>r.uint()
  return new IncomingResponse(status_, headers_, content_, rest_)
}

function writeIncomingResponse(w: Writer, value: IncomingResponse): void {
  w.array(4)
  w.uint(value.status)
  w.array(value.headers.length)
  for (let index = 0; index < value.headers.length; index++) {
    writeHeader(w, value.headers[index])
  }
  w.bin(value.content)
  if (value.rest < 0) w.nil()
  else {
    w.uint(<u64>value.rest)
  }
}

/** A part of a body. */
export class BodyPart {
  constructor(
    public content: Uint8Array,
    /** Nothing follows. */
    public last: bool
  ) {}
}

function readBodyPart(r: Reader): BodyPart {
  r.array()
  const content_: Uint8Array = r.bin()
  const last_: bool = r.bool()
  return new BodyPart(content_, last_)
}

function writeBodyPart(w: Writer, value: BodyPart): void {
  w.array(2)
  w.bin(value.content)
  w.bool(value.last)
}

export class IncomingRequest {
  constructor(
    public request: u32,
    public method: string,
    /** Decoded and normalised: no `.`, `..` or empty component inside. */
    public path: string,
    /** Without the question mark; absent when there is none. */
    public query: string | null,
    public headers: Array<Header>,
    /** What has come of the body. */
    public content: Uint8Array,
    /** More is to be read with `read`. */
    public more: bool,
    /** Of the client, as text, when the grant lets the app see it. */
    public client: string | null
  ) {}
}

function readIncomingRequest(r: Reader): IncomingRequest {
  r.array()
  const request_: u32 = <u32>r.uint()
  const method_: string = r.str()
  const path_: string = r.str()
  const query_: string | null = r.nil() ? null : r.str()
  const headers_: Array<Header> = readList<Header>(r, (r: Reader) => readHeader(r))
  const content_: Uint8Array = r.bin()
  const more_: bool = r.bool()
  const client_: string | null = r.nil() ? null : r.str()
  return new IncomingRequest(request_, method_, path_, query_, headers_, content_, more_, client_)
}

function writeIncomingRequest(w: Writer, value: IncomingRequest): void {
  w.array(8)
  w.uint(value.request)
  w.str(value.method)
  w.str(value.path)
  if (value.query == null) w.nil()
  else {
    w.str(value.query!)
  }
  w.array(value.headers.length)
  for (let index = 0; index < value.headers.length; index++) {
    writeHeader(w, value.headers[index])
  }
  w.bin(value.content)
  w.bool(value.more)
  if (value.client == null) w.nil()
  else {
    w.str(value.client!)
  }
}

export class FileRange {
  constructor(
    public file: u32,
    public offset: u64,
    public length: u64
  ) {}
}

function readFileRange(r: Reader): FileRange {
  r.array()
  const file_: u32 = <u32>r.uint()
  const offset_: u64 = r.uint()
  const length_: u64 = r.uint()
  return new FileRange(file_, offset_, length_)
}

function writeFileRange(w: Writer, value: FileRange): void {
  w.array(3)
  w.uint(value.file)
  w.uint(value.offset)
  w.uint(value.length)
}

export class ResponseBody {
  /** 0 empty, 1 content, 2 file, 3 streamed. */
  constructor(public kind: u32) {}

  content: Uint8Array | null = null
  file: FileRange | null = null

  static ofEmpty(): ResponseBody {
    const made = new ResponseBody(0)
    return made
  }
  static ofContent(value: Uint8Array): ResponseBody {
    const made = new ResponseBody(1)
    made.content = value
    return made
  }
  /** The node sends it from an open file; the bytes never enter the app. The node closes the handle. */
  static ofFile(value: FileRange): ResponseBody {
    const made = new ResponseBody(2)
    made.file = value
    return made
  }
  /** The app goes on with `write` and ends with `finish`, in this event or a later one. */
  static ofStreamed(): ResponseBody {
    const made = new ResponseBody(3)
    return made
  }
}

function readResponseBody(r: Reader): ResponseBody {
  r.array()
  const made = new ResponseBody(<u32>r.uint())
  if (made.kind == 1) made.content = r.bin()
  if (made.kind == 2) made.file = readFileRange(r)
  return made
}

function writeResponseBody(w: Writer, value: ResponseBody): void {
  if (value.kind == 0) {
    w.array(1)
    w.uint(0)
  }
  if (value.kind == 1) {
    w.array(2)
    w.uint(1)
    w.bin(value.content!)
  }
  if (value.kind == 2) {
    w.array(2)
    w.uint(2)
    writeFileRange(w, value.file!)
  }
  if (value.kind == 3) {
    w.array(1)
    w.uint(3)
  }
}

export class Response {
  constructor(
    public status: u32,
    public headers: Array<Header>,
    public body: ResponseBody
  ) {}
}

function readResponse(r: Reader): Response {
  r.array()
  const status_: u32 = <u32>r.uint()
  const headers_: Array<Header> = readList<Header>(r, (r: Reader) => readHeader(r))
  const body_: ResponseBody = readResponseBody(r)
  return new Response(status_, headers_, body_)
}

function writeResponse(w: Writer, value: Response): void {
  w.array(3)
  w.uint(value.status)
  w.array(value.headers.length)
  for (let index = 0; index < value.headers.length; index++) {
    writeHeader(w, value.headers[index])
  }
  writeResponseBody(w, value.body)
}

/** What an event `http` answers. */
export class HttpAnswer {
  /** 0 now, 1 later. */
  constructor(public kind: u32) {}

  now: Response | null = null

  static ofNow(value: Response): HttpAnswer {
    const made = new HttpAnswer(0)
    made.now = value
    return made
  }
  /** Answered by `respond` in a later event. */
  static ofLater(): HttpAnswer {
    const made = new HttpAnswer(1)
    return made
  }
}

function readHttpAnswer(r: Reader): HttpAnswer {
  r.array()
  const made = new HttpAnswer(<u32>r.uint())
  if (made.kind == 0) made.now = readResponse(r)
  return made
}

function writeHttpAnswer(w: Writer, value: HttpAnswer): void {
  if (value.kind == 0) {
    w.array(2)
    w.uint(0)
    writeResponse(w, value.now!)
  }
  if (value.kind == 1) {
    w.array(1)
    w.uint(1)
  }
}

/** An address as text, or a name that the node resolves. */
export class Endpoint {
  constructor(
    public host: string,
    public port: u32
  ) {}
}

function readEndpoint(r: Reader): Endpoint {
  r.array()
  const host_: string = r.str()
  const port_: u32 = <u32>r.uint()
  return new Endpoint(host_, port_)
}

function writeEndpoint(w: Writer, value: Endpoint): void {
  w.array(2)
  w.str(value.host)
  w.uint(value.port)
}

export enum ShutdownKind {
  Receive = 0,
  Send = 1,
  Both = 2
}

export class Accepted {
  constructor(
    public socket: u32,
    public peer: Endpoint
  ) {}
}

function readAccepted(r: Reader): Accepted {
  r.array()
  const socket_: u32 = <u32>r.uint()
  const peer_: Endpoint = readEndpoint(r)
  return new Accepted(socket_, peer_)
}

function writeAccepted(w: Writer, value: Accepted): void {
  w.array(2)
  w.uint(value.socket)
  writeEndpoint(w, value.peer)
}

export class Received {
  constructor(
    public content: Uint8Array,
    /** The other side sends nothing any more. */
    public last: bool
  ) {}
}

function readReceived(r: Reader): Received {
  r.array()
  const content_: Uint8Array = r.bin()
  const last_: bool = r.bool()
  return new Received(content_, last_)
}

function writeReceived(w: Writer, value: Received): void {
  w.array(2)
  w.bin(value.content)
  w.bool(value.last)
}

export class Datagram {
  constructor(
    public peer: Endpoint,
    public content: Uint8Array
  ) {}
}

function readDatagram(r: Reader): Datagram {
  r.array()
  const peer_: Endpoint = readEndpoint(r)
  const content_: Uint8Array = r.bin()
  return new Datagram(peer_, content_)
}

function writeDatagram(w: Writer, value: Datagram): void {
  w.array(2)
  writeEndpoint(w, value.peer)
  w.bin(value.content)
}

export enum ReadinessKind {
  Readable = 0,
  Acceptable = 1,
  Closed = 2
}

export class Readiness {
  constructor(
    public socket: u32,
    public kind: u32
  ) {}
}

function readReadiness(r: Reader): Readiness {
  r.array()
  const socket_: u32 = <u32>r.uint()
  const kind_: u32 = <u32>r.uint()
  return new Readiness(socket_, kind_)
}

function writeReadiness(w: Writer, value: Readiness): void {
  w.array(2)
  w.uint(value.socket)
  w.uint(value.kind)
}

export class Tick {
  constructor(
    public timer: u32,
    /** Ticks of a repeating timer that were left out because the app was busy. */
    public missed: u32
  ) {}
}

function readTick(r: Reader): Tick {
  r.array()
  const timer_: u32 = <u32>r.uint()
  const missed_: u32 = <u32>r.uint()
  return new Tick(timer_, missed_)
}

function writeTick(w: Writer, value: Tick): void {
  w.array(2)
  w.uint(value.timer)
  w.uint(value.missed)
}

export class ClockTime {
  constructor(
    public now: u64,
    /** Microseconds since the app was started; never goes back. */
    public monotonic: u64
  ) {}
}

function readClockTime(r: Reader): ClockTime {
  r.array()
  const now_: u64 = r.uint()
  const monotonic_: u64 = r.uint()
  return new ClockTime(now_, monotonic_)
}

function writeClockTime(w: Writer, value: ClockTime): void {
  w.array(2)
  w.uint(value.now)
  w.uint(value.monotonic)
}

export enum LogLevel {
  Debug = 0,
  Info = 1,
  Warning = 2,
  Error = 3
}

export class KeyPage {
  constructor(
    public keys: Array<string>,
    /** Give it as `after` for the next page; absent after the last. */
    public next: string | null
  ) {}
}

function readKeyPage(r: Reader): KeyPage {
  r.array()
  const keys_: Array<string> = readList<string>(r, (r: Reader) => r.str())
  const next_: string | null = r.nil() ? null : r.str()
  return new KeyPage(keys_, next_)
}

function writeKeyPage(w: Writer, value: KeyPage): void {
  w.array(2)
  w.array(value.keys.length)
  for (let index = 0; index < value.keys.length; index++) {
    w.str(value.keys[index])
  }
  if (value.next == null) w.nil()
  else {
    w.str(value.next!)
  }
}

export enum PermissionKind {
  Files = 0,
  Messages = 1,
  HttpClient = 2,
  HttpServer = 3,
  Sockets = 4
}

export enum FileRights {
  Read = 1,
  Write = 2,
  Create = 4,
  List = 8,
  Remove = 16,
  Lock = 32
}

export enum ObjectKind {
  Folder = 0,
  File = 1
}

export class GrantedPermission {
  constructor(
    /** The name in the manifest, or the one given to `ask`; of a files permission also the first component of its paths. */
    public name: string,
    public kind: u32,
    /** Of a files permission. */
    public rights: u32,
    /** Asked for at run time. */
    public asked: bool
  ) {}
}

function readGrantedPermission(r: Reader): GrantedPermission {
  r.array()
  const name_: string = r.str()
  const kind_: u32 = <u32>r.uint()
  const rights_: u32 = <u32>r.uint()
  const asked_: bool = r.bool()
  return new GrantedPermission(name_, kind_, rights_, asked_)
}

function writeGrantedPermission(w: Writer, value: GrantedPermission): void {
  w.array(4)
  w.str(value.name)
  w.uint(value.kind)
  w.uint(value.rights)
  w.bool(value.asked)
}

/** The person picks the object; the app names none. */
export class FileQuestion {
  constructor(
    /** Under which name the grant is to be used: lower-case letters, digits and hyphens. */
    public name: string,
    public object: u32,
    public rights: u32,
    /** Shown to the person as the app's own words. */
    public reason: string
  ) {}
}

function readFileQuestion(r: Reader): FileQuestion {
  r.array()
  const name_: string = r.str()
  const object_: u32 = <u32>r.uint()
  const rights_: u32 = <u32>r.uint()
  const reason_: string = r.str()
  return new FileQuestion(name_, object_, rights_, reason_)
}

function writeFileQuestion(w: Writer, value: FileQuestion): void {
  w.array(4)
  w.str(value.name)
  w.uint(value.object)
  w.uint(value.rights)
  w.str(value.reason)
}

export class QuestionOutcome {
  /** 0 granted, 1 declined, 2 unanswered. */
  constructor(public kind: u32) {}


  /** May be used at once, under the name that was asked for. */
  static ofGranted(): QuestionOutcome {
    const made = new QuestionOutcome(0)
    return made
  }
  static ofDeclined(): QuestionOutcome {
    const made = new QuestionOutcome(1)
    return made
  }
  /** Nobody answered in time. */
  static ofUnanswered(): QuestionOutcome {
    const made = new QuestionOutcome(2)
    return made
  }
}

function readQuestionOutcome(r: Reader): QuestionOutcome {
  r.array()
  const made = new QuestionOutcome(<u32>r.uint())

  return made
}

function writeQuestionOutcome(w: Writer, value: QuestionOutcome): void {
  if (value.kind == 0) {
    w.array(1)
    w.uint(0)
  }
  if (value.kind == 1) {
    w.array(1)
    w.uint(1)
  }
  if (value.kind == 2) {
    w.array(1)
    w.uint(2)
  }
}

export class QuestionAnswer {
  constructor(
    public question: u32,
    public outcome: QuestionOutcome
  ) {}
}

function readQuestionAnswer(r: Reader): QuestionAnswer {
  r.array()
  const question_: u32 = <u32>r.uint()
  const outcome_: QuestionOutcome = readQuestionOutcome(r)
  return new QuestionAnswer(question_, outcome_)
}

function writeQuestionAnswer(w: Writer, value: QuestionAnswer): void {
  w.array(2)
  w.uint(value.question)
  writeQuestionOutcome(w, value.outcome)
}

export enum StartReason {
  Installed = 0,
  Started = 1,
  Upgraded = 2,
  RestartedAfterFailure = 3
}

export class Launch {
  constructor(
    public reason: u32,
    public version: u32,
    /** The name under which the app is installed here. */
    public installation: string,
    public granted: Array<GrantedPermission>
  ) {}
}

function readLaunch(r: Reader): Launch {
  r.array()
  const reason_: u32 = <u32>r.uint()
  const version_: u32 = <u32>r.uint()
  const installation_: string = r.str()
  const granted_: Array<GrantedPermission> = readList<GrantedPermission>(r, (r: Reader) => readGrantedPermission(r))
  return new Launch(reason_, version_, installation_, granted_)
}

function writeLaunch(w: Writer, value: Launch): void {
  w.array(4)
  w.uint(value.reason)
  w.uint(value.version)
  w.str(value.installation)
  w.array(value.granted.length)
  for (let index = 0; index < value.granted.length; index++) {
    writeGrantedPermission(w, value.granted[index])
  }
}

/** Files and the blocks they are made of. */
export namespace files {
  /** Reads a range of a file in one call. */
  export function readFile(path: string, offset: u64, length: u32): Uint8Array | null {
    const w = new Writer()
    w.array(3)
    w.str(path)
    w.uint(offset)
    w.uint(length)
    const r = call(1, w)
    if (r == null) return null
    return r.bin()
  }

  /** Writes a whole file in one call; durable when it returns. The version is the new one. */
  export function writeFile(path: string, content: Uint8Array, options: WriteOptions): Uint8Array | null {
    const w = new Writer()
    w.array(3)
    w.str(path)
    w.bin(content)
    writeWriteOptions(w, options)
    const r = call(2, w)
    if (r == null) return null
    return r.bin()
  }

  export function open(path: string, mode: u32): Opened | null {
    const w = new Writer()
    w.array(2)
    w.str(path)
    w.uint(mode)
    const r = call(3, w)
    if (r == null) return null
    return readOpened(r)
  }

  /** Opens an older version for reading. */
  export function openVersion(path: string, version: Uint8Array): Opened | null {
    const w = new Writer()
    w.array(2)
    w.str(path)
    w.bin(version)
    const r = call(4, w)
    if (r == null) return null
    return readOpened(r)
  }

  /** Fewer bytes than asked for only at the end of the file. */
  export function read(handle: u32, offset: u64, length: u32): Uint8Array | null {
    const w = new Writer()
    w.array(3)
    w.uint(handle)
    w.uint(offset)
    w.uint(length)
    const r = call(5, w)
    if (r == null) return null
    return r.bin()
  }

  /** Kept with the handle until `commit`. Beyond the end the gap reads as zeros. */
  export function write(handle: u32, offset: u64, content: Uint8Array): bool {
    const w = new Writer()
    w.array(3)
    w.uint(handle)
    w.uint(offset)
    w.bin(content)
    return call(6, w) != null
  }

  export function setSize(handle: u32, size: u64): bool {
    const w = new Writer()
    w.array(2)
    w.uint(handle)
    w.uint(size)
    return call(7, w) != null
  }

  /** Makes all that was written through the handle one new version; durable when it returns. */
  export function commit(handle: u32, options: WriteOptions): Uint8Array | null {
    const w = new Writer()
    w.array(2)
    w.uint(handle)
    writeWriteOptions(w, options)
    const r = call(8, w)
    if (r == null) return null
    return r.bin()
  }

  /** Writes that were not committed are dropped. */
  export function close(handle: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(handle)
    return call(9, w) != null
  }

  export function createDirectory(path: string): bool {
    const w = new Writer()
    w.array(1)
    w.str(path)
    return call(10, w) != null
  }

  /** In the order of the names' bytes. */
  export function listDirectory(path: string, after: string | null, limit: u32): EntryPage | null {
    const w = new Writer()
    w.array(3)
    w.str(path)
    if (after == null) w.nil()
    else {
      w.str(after!)
    }
    w.uint(limit)
    const r = call(11, w)
    if (r == null) return null
    return readEntryPage(r)
  }

  export function stat(path: string): Details | null {
    const w = new Writer()
    w.array(1)
    w.str(path)
    const r = call(12, w)
    if (r == null) return null
    return readDetails(r)
  }

  /** A file, or an empty directory; with `recursive` whatever is in it. */
  export function remove(path: string, recursive: bool, expected: Expectation): bool {
    const w = new Writer()
    w.array(3)
    w.str(path)
    w.bool(recursive)
    writeExpectation(w, expected)
    return call(13, w) != null
  }

  /** Within one grant. Needs the rights `remove` and `create`. */
  export function moveEntry(source: string, target: string): bool {
    const w = new Writer()
    w.array(2)
    w.str(source)
    w.str(target)
    return call(14, w) != null
  }

  /** Newest first. */
  export function history(path: string, limit: u32): Array<VersionEntry> | null {
    const w = new Writer()
    w.array(2)
    w.str(path)
    w.uint(limit)
    const r = call(15, w)
    if (r == null) return null
    return readList<VersionEntry>(r, (r: Reader) => readVersionEntry(r))
  }
}

/** Messages to and from other apps, on this node or another. */
export namespace messages {
  /** Queues a message; it is delivered at most once. Returns its number. */
  export function send(recipient: Address, topic: string, content: Uint8Array, replyWithin: i64): u64 {
    const w = new Writer()
    w.array(4)
    writeAddress(w, recipient)
    w.str(topic)
    w.bin(content)
    if (replyWithin < 0) w.nil()
    else {
      w.uint(<u64>replyWithin)
    }
    const r = call(32, w)
    if (r == null) return 0
    return r.uint()
  }

  export function reply(message: u32, content: Uint8Array): bool {
    const w = new Writer()
    w.array(2)
    w.uint(message)
    w.bin(content)
    return call(33, w) != null
  }
}

/** Exclusive locks on files, as leases with fencing tokens. */
export namespace locks {
  /** Waits up to `wait`, then fails with `conflict`. */
  export function acquire(path: string, ttl: u32, wait: u32): Lease | null {
    const w = new Writer()
    w.array(3)
    w.str(path)
    w.uint(ttl)
    w.uint(wait)
    const r = call(48, w)
    if (r == null) return null
    return readLease(r)
  }

  /** Fails with `revoked` when the lease has run out. */
  export function renew(lock: u32, ttl: u32): Lease | null {
    const w = new Writer()
    w.array(2)
    w.uint(lock)
    w.uint(ttl)
    const r = call(49, w)
    if (r == null) return null
    return readLease(r)
  }

  export function release(lock: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(lock)
    return call(50, w) != null
  }
}

/** Being told about changes. */
export namespace watch {
  /** Changes come as the event `changed`. */
  export function start(path: string, recursive: bool): u32 {
    const w = new Writer()
    w.array(2)
    w.str(path)
    w.bool(recursive)
    const r = call(64, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  export function end(watch: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(watch)
    return call(65, w) != null
  }
}

/** HTTP requests to other servers. */
export namespace httpClient {
  export function request(request: OutgoingRequest): IncomingResponse | null {
    const w = new Writer()
    w.array(1)
    writeOutgoingRequest(w, request)
    const r = call(80, w)
    if (r == null) return null
    return readIncomingResponse(r)
  }

  export function read(rest: u32, length: u32): BodyPart | null {
    const w = new Writer()
    w.array(2)
    w.uint(rest)
    w.uint(length)
    const r = call(81, w)
    if (r == null) return null
    return readBodyPart(r)
  }

  export function close(rest: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(rest)
    return call(82, w) != null
  }
}

/** HTTP requests that the app answers. They come as the event `http`. */
export namespace httpServer {
  /** More of a request's body. */
  export function read(request: u32, length: u32): BodyPart | null {
    const w = new Writer()
    w.array(2)
    w.uint(request)
    w.uint(length)
    const r = call(96, w)
    if (r == null) return null
    return readBodyPart(r)
  }

  /** Answers a request whose event was answered with `later`, or early, from within the event; the event's own answer is then `later`. */
  export function respond(request: u32, response: Response): bool {
    const w = new Writer()
    w.array(2)
    w.uint(request)
    writeResponse(w, response)
    return call(97, w) != null
  }

  /** More of a streamed body. Waits while the client takes it slowly; `closed` when it is gone. */
  export function write(request: u32, content: Uint8Array): bool {
    const w = new Writer()
    w.array(2)
    w.uint(request)
    w.bin(content)
    return call(98, w) != null
  }

  /** Ends a streamed body. */
  export function finish(request: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(request)
    return call(99, w) != null
  }
}

/** Sockets, shaped after wasi:sockets. Every one needs an explicit grant. */
export namespace sockets {
  export function tcpConnect(remote: Endpoint, timeout: u32): u32 {
    const w = new Writer()
    w.array(2)
    writeEndpoint(w, remote)
    w.uint(timeout)
    const r = call(112, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  export function tcpListen(local: Endpoint): u32 {
    const w = new Writer()
    w.array(1)
    writeEndpoint(w, local)
    const r = call(113, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  /** Fails with `timeout` when nobody came. */
  export function accept(listener: u32, wait: u32): Accepted | null {
    const w = new Writer()
    w.array(2)
    w.uint(listener)
    w.uint(wait)
    const r = call(114, w)
    if (r == null) return null
    return readAccepted(r)
  }

  export function send(socket: u32, content: Uint8Array): bool {
    const w = new Writer()
    w.array(2)
    w.uint(socket)
    w.bin(content)
    return call(115, w) != null
  }

  /** Fails with `timeout` when nothing came. */
  export function receive(socket: u32, length: u32, wait: u32): Received | null {
    const w = new Writer()
    w.array(3)
    w.uint(socket)
    w.uint(length)
    w.uint(wait)
    const r = call(116, w)
    if (r == null) return null
    return readReceived(r)
  }

  export function shutdown(socket: u32, kind: u32): bool {
    const w = new Writer()
    w.array(2)
    w.uint(socket)
    w.uint(kind)
    return call(117, w) != null
  }

  export function udpBind(local: Endpoint): u32 {
    const w = new Writer()
    w.array(1)
    writeEndpoint(w, local)
    const r = call(118, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  export function udpSend(socket: u32, datagram: Datagram): bool {
    const w = new Writer()
    w.array(2)
    w.uint(socket)
    writeDatagram(w, datagram)
    return call(119, w) != null
  }

  export function udpReceive(socket: u32, wait: u32): Datagram | null {
    const w = new Writer()
    w.array(2)
    w.uint(socket)
    w.uint(wait)
    const r = call(120, w)
    if (r == null) return null
    return readDatagram(r)
  }

  export function localEndpoint(socket: u32): Endpoint | null {
    const w = new Writer()
    w.array(1)
    w.uint(socket)
    const r = call(121, w)
    if (r == null) return null
    return readEndpoint(r)
  }

  /** Asks for the event `socket` when there is something to receive or accept. */
  export function notify(socket: u32, wanted: bool): bool {
    const w = new Writer()
    w.array(2)
    w.uint(socket)
    w.bool(wanted)
    return call(122, w) != null
  }

  export function close(socket: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(socket)
    return call(123, w) != null
  }
}

export namespace timers {
  /** Comes as the event `timer`, once, or again after every `repeat`. */
  export function start(delay: u32, repeat: i64): u32 {
    const w = new Writer()
    w.array(2)
    w.uint(delay)
    if (repeat < 0) w.nil()
    else {
      w.uint(<u64>repeat)
    }
    const r = call(128, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  export function cancel(timer: u32): bool {
    const w = new Writer()
    w.array(1)
    w.uint(timer)
    return call(129, w) != null
  }
}

export namespace random {
  /** Bytes from the generator of the operating system; at most 65,536. */
  export function bytes(length: u32): Uint8Array | null {
    const w = new Writer()
    w.array(1)
    w.uint(length)
    const r = call(136, w)
    if (r == null) return null
    return r.bin()
  }
}

export namespace clock {
  export function now(): ClockTime | null {
    const r = call(140, null)
    if (r == null) return null
    return readClockTime(r)
  }
}

/** Lines in the app's log, which the person reads with `blocktree app logs`. */
export namespace log {
  /** Control characters are escaped. Lines over the budget are dropped and counted. */
  export function write(level: u32, message: string): bool {
    const w = new Writer()
    w.array(2)
    w.uint(level)
    w.str(message)
    return call(144, w) != null
  }
}

/** A small private store of values, of this installation alone. It goes with the app's data into snapshots and backups. */
export namespace kv {
  export function get(key: string): Uint8Array | null {
    const w = new Writer()
    w.array(1)
    w.str(key)
    const r = call(152, w)
    if (r == null) return null
    return r.nil() ? null : r.bin()
  }

  export function set(key: string, value: Uint8Array): bool {
    const w = new Writer()
    w.array(2)
    w.str(key)
    w.bin(value)
    return call(153, w) != null
  }

  /** True when it was there. */
  export function remove(key: string): bool {
    const w = new Writer()
    w.array(1)
    w.str(key)
    const r = call(154, w)
    if (r == null) return false
    return r.bool()
  }

  /** In the order of the keys' bytes. */
  export function listKeys(prefix: string, after: string | null, limit: u32): KeyPage | null {
    const w = new Writer()
    w.array(3)
    w.str(prefix)
    if (after == null) w.nil()
    else {
      w.str(after!)
    }
    w.uint(limit)
    const r = call(155, w)
    if (r == null) return null
    return readKeyPage(r)
  }

  /** Sets it if it is `expected` now (absent: if it is not there), else fails with `conflict`. */
  export function replace(key: string, expected: Uint8Array | null, value: Uint8Array): bool {
    const w = new Writer()
    w.array(3)
    w.str(key)
    if (expected == null) w.nil()
    else {
      w.bin(expected!)
    }
    w.bin(value)
    return call(156, w) != null
  }

  /** Adds to a counter, a value of eight bytes, big-endian, up to 2^53-1; absent counts as 0. Returns the sum. */
  export function increment(key: string, amount: u32): u64 {
    const w = new Writer()
    w.array(2)
    w.str(key)
    w.uint(amount)
    const r = call(157, w)
    if (r == null) return 0
    return r.uint()
  }
}

/** What the app may do, and asking for more. */
export namespace grants {
  export function listGranted(): Array<GrantedPermission> | null {
    const r = call(168, null)
    if (r == null) return null
    return readList<GrantedPermission>(r, (r: Reader) => readGrantedPermission(r))
  }

  /** Asks the person for a file or folder; the answer comes as the event `granted`. */
  export function ask(question: FileQuestion): u32 {
    const w = new Writer()
    w.array(1)
    writeFileQuestion(w, question)
    const r = call(169, w)
    if (r == null) return 0
    return <u32>r.uint()
  }

  /** Gives a grant back that was asked for at run time. */
  export function giveBack(name: string): bool {
    const w = new Writer()
    w.array(1)
    w.str(name)
    return call(170, w) != null
  }
}

/** What the node calls; override what the app needs. A text that is returned says what went wrong. */
export class App {
  /** First event of every run; an error stops the start. */
  init(launch: Launch): string | null {
    return null
  }

  http(request: IncomingRequest): HttpAnswer {
    return HttpAnswer.ofNow(new Response(404, [], ResponseBody.ofEmpty()))
  }

  message(message: IncomingMessage): void {}

  changed(changes: Changes): void {}

  timer(tick: Tick): void {}

  /** Last event of a run that ends in order; the process ends when it returns or its deadline passes. */
  stop(): void {}

  /** Before `init` of the first run after an upgrade: brings the data of an older version up. An error rolls back. */
  migrate(fromVersion: u32): string | null {
    return null
  }

  /** After an upgrade, and when asked. An error after an upgrade rolls back. */
  health(): string | null {
    return null
  }

  granted(answer: QuestionAnswer): void {}

  socket(readiness: Readiness): void {}
}

let app: App = new App()

/** Call it once at the top level. */
export function run(own: App): void {
  app = own
}

function readList<T>(r: Reader, read: (r: Reader) => T): Array<T> {
  const length = r.array()
  const items: Array<T> = []
  for (let index = 0; index < length; index++) items.push(read(r))
  return items
}

export function bt_event(kind: u32, pointer: usize, length: u32): u64 {
  const r = new Reader(input)
  const w = new Writer()
  if (kind == 1) {
    r.array()
    const launch = readLaunch(r)
    const answered = app.init(launch)
    if (answered == null) {
      w.array(1)
      w.uint(0)
    } else {
      w.array(2)
      w.uint(1)
      w.str(answered)
    }
  }
  if (kind == 2) {
    r.array()
    const request = readIncomingRequest(r)
    const answered = app.http(request)
    writeHttpAnswer(w, answered)
  }
  if (kind == 3) {
    r.array()
    const message = readIncomingMessage(r)
    app.message(message)
  }
  if (kind == 4) {
    r.array()
    const changes = readChanges(r)
    app.changed(changes)
  }
  if (kind == 5) {
    r.array()
    const tick = readTick(r)
    app.timer(tick)
  }
  if (kind == 6) {
    app.stop()
  }
  if (kind == 7) {
    r.array()
    const fromVersion = <u32>r.uint()
    const answered = app.migrate(fromVersion)
    if (answered == null) {
      w.array(1)
      w.uint(0)
    } else {
      w.array(2)
      w.uint(1)
      w.str(answered)
    }
  }
  if (kind == 8) {
    const answered = app.health()
    if (answered == null) {
      w.array(1)
      w.uint(0)
    } else {
      w.array(2)
      w.uint(1)
      w.str(answered)
    }
  }
  if (kind == 9) {
    r.array()
    const answer = readQuestionAnswer(r)
    app.granted(answer)
  }
  if (kind == 10) {
    r.array()
    const readiness = readReadiness(r)
    app.socket(readiness)
  }
  return answer(w)
}
