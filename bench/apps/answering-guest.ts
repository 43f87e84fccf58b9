/** The guest of the benchmark of web requests: answers `hello` at once, or, to a path of five characters, after a host call. */
import wabt from 'wabt'

export const pathAtOnce = '/at-once'
export const pathWithCall = '/call' // asks the node for the time first

const text = String.raw`(module
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 16) "\91\00")
  (data (i32.const 32) "\92\00\93\cc\c8\91\92\accontent-type\aatext/plain\92\01\c4\05hello")
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "bt_event") (param $kind i32) (param $at i32) (param $length i32) (result i64)
    (if (i32.ne (local.get $kind) (i32.const 2)) (then (return (i64.const 0x1000000002))))
    ;; [[handle, "GET", path …: the handle takes one byte, or as many as its head says
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (if (i32.ge_u (i32.load8_u (local.get $at)) (i32.const 128))
      (then (local.set $at (i32.add (local.get $at)
        (i32.shl (i32.const 1) (i32.sub (i32.load8_u (local.get $at)) (i32.const 0xcc)))))))
    (if (i32.eq (i32.load8_u offset=5 (local.get $at)) (i32.const 0xa5))
      (then
        (drop (call $call (i32.const 140) (i32.const 0) (i32.const 0)))
        (call $take (i32.const 1024))))
    (i64.const 0x2000000028)))`

export async function compileAnsweringGuest(): Promise<Uint8Array> {
  const toolkit = await wabt()
  return toolkit.parseWat('answering-guest.wat', text, { bulk_memory: true }).toBinary({}).buffer
}
