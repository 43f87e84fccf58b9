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
