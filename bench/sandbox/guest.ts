/** The guest of the benchmark, in WebAssembly text: one export that does what the kind of its event says. */
import wabt from 'wabt'

/** Kinds of event. `call` makes as many host calls of 64 bytes as the event's first four bytes say; `read` the same. */
export const kinds = { echo: 0, call: 1, read: 2, spin: 3, fill: 4 } as const

const text = `(module
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (memory (export "memory") 16)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "bt_event") (param $kind i32) (param $pointer i32) (param $length i32) (result i64)
    (local $left i32) (local $hash i32) (local $at i32)
    (block $echo (block $call (block $read (block $spin (block $fill
      (br_table $echo $call $read $spin $fill (local.get $kind)))
      (drop (memory.grow (i32.const 900)))
      (loop $again (memory.fill (i32.const 0) (i32.const 7) (i32.mul (memory.size) (i32.const 65536))) (br $again)))
      (loop $again (br $again)))
      (local.set $left (i32.load (local.get $pointer)))
      (loop $again
        (drop (call $call (i32.const 2) (local.get $pointer) (i32.const 64))) (call $take (i32.const 131072))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (return (i64.const 0)))
      (local.set $left (i32.load (local.get $pointer)))
      (loop $again
        (drop (call $call (i32.const 1) (local.get $pointer) (i32.const 64))) (call $take (i32.const 131072))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (return (i64.const 0)))
    ;; echo: a checksum (FNV-1a) over the event, then the event itself as the answer
    (local.set $hash (i32.const 0x811c9dc5))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
      (local.set $hash (i32.mul (i32.const 16777619)
        (i32.xor (local.get $hash) (i32.load8_u (i32.add (local.get $pointer) (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $pointer) (local.get $hash))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32)) (i64.extend_i32_u (local.get $length)))))`

export async function compileGuest(): Promise<Uint8Array> {
  const toolkit = await wabt()
  return toolkit.parseWat('guest.wat', text, { bulk_memory: true }).toBinary({}).buffer
}
