/**
 * The guest of the benchmark of reads: opens `/files/large` at each request and reads it 1,024 times in blocks of
 * 64 KiB, all of it in order or, to a path of five characters, its first four blocks again and again. It answers the
 * exclusive or of the first eight bytes of what it read, so that an answer without the content does not count.
 */
import wabt from 'wabt'

export const pathOfAll = '/all'
export const pathOfFew = '/same'
export const blockBytes = 65_536
export const blocksRead = 1024
export const fewBlocks = 4
export const grantName = 'files'
export const fileName = 'large'

const text = String.raw`(module
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 16) "\91\00")
  ;; the answer: 200 without headers, eight bytes
  (data (i32.const 32) "\92\00\93\cc\c8\90\92\01\c4\08")
  ;; files.open: the path, for reading
  (data (i32.const 64) "\92\ac/files/large\01")
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 4096))
  ;; a call that has to succeed; its reply is taken to 65,536
  (func $ask (param $op i32) (param $at i32) (param $length i32)
    (if (i64.ne (i64.shr_u (call $call (local.get $op) (local.get $at) (local.get $length)) (i64.const 32)) (i64.const 0))
      (then (unreachable)))
    (call $take (i32.const 65536)))
  ;; bytes of the handle that is written at a place
  (func $handleBytes (param $at i32) (result i32)
    (local $head i32)
    (local.set $head (i32.load8_u (local.get $at)))
    (if (result i32) (i32.lt_u (local.get $head) (i32.const 128))
      (then (i32.const 1))
      (else (i32.add (i32.const 1) (i32.shl (i32.const 1) (i32.sub (local.get $head) (i32.const 0xcc)))))))
  (func $swap (param $value i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get $value) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotr (local.get $value) (i32.const 8)) (i32.const 0xff00ff00))))
  (func (export "bt_event") (param $kind i32) (param $at i32) (param $length i32) (result i64)
    (local $mask i32) (local $block i32) (local $end i32) (local $handle i32) (local $sum i64)
    (if (i32.ne (local.get $kind) (i32.const 2)) (then (return (i64.const 0x1000000002))))
    ;; [[handle, "GET", path …
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (local.set $at (i32.add (local.get $at) (call $handleBytes (local.get $at))))
    (local.set $mask (select (i32.const 3) (i32.const 1023) (i32.eq (i32.load8_u offset=4 (local.get $at)) (i32.const 0xa5))))
    (call $ask (i32.const 3) (i32.const 64) (i32.const 15))
    ;; files.read and files.close begin with what the reply brought
    (local.set $handle (call $handleBytes (i32.const 65537)))
    (i32.store8 (i32.const 1024) (i32.const 0x93))
    (memory.copy (i32.const 1025) (i32.const 65537) (local.get $handle))
    (loop $next
      (local.set $end (i32.add (i32.const 1025) (local.get $handle)))
      (if (i32.and (local.get $block) (local.get $mask))
        (then
          (i32.store8 (local.get $end) (i32.const 0xce))
          (i32.store offset=1 (local.get $end)
            (call $swap (i32.shl (i32.and (local.get $block) (local.get $mask)) (i32.const 16))))
          (local.set $end (i32.add (local.get $end) (i32.const 5))))
        (else
          (i32.store8 (local.get $end) (i32.const 0))
          (local.set $end (i32.add (local.get $end) (i32.const 1)))))
      (i32.store8 (local.get $end) (i32.const 0xce))
      (i32.store offset=1 (local.get $end) (call $swap (i32.const 65536)))
      (call $ask (i32.const 5) (i32.const 1024) (i32.sub (i32.add (local.get $end) (i32.const 5)) (i32.const 1024)))
      ;; the reply has a head of five bytes
      (local.set $sum (i64.xor (i64.rotl (local.get $sum) (i64.const 1)) (i64.load (i32.const 65541))))
      (br_if $next (i32.lt_u (local.tee $block (i32.add (local.get $block) (i32.const 1))) (i32.const 1024))))
    (i32.store8 (i32.const 1024) (i32.const 0x91))
    (call $ask (i32.const 9) (i32.const 1024) (i32.add (i32.const 1) (local.get $handle)))
    (i64.store (i32.const 42) (local.get $sum))
    (i64.const 0x2000000012)))`

export async function compileReadingGuest(): Promise<Uint8Array> {
  const toolkit = await wabt()
  const features = { bulk_memory: true }
  return toolkit.parseWat('reading-guest.wat', text, features).toBinary({}).buffer
}

/** What the guest answers when it was given the bytes of `content`. */
export function expectedSum(content: Uint8Array, blocks: number): bigint {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  let sum = 0n
  for (let index = 0; index < blocksRead; index++) {
    const rotated = BigInt.asUintN(64, (sum << 1n) | (sum >> 63n))
    sum = rotated ^ view.getBigUint64((index % blocks) * blockBytes, true)
  }
  return sum
}
