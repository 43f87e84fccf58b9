/**
 * Guests of the conformance and abuse suites as WebAssembly text, so that anybody can read what is run. `event` chooses
 * by its kind. The suites are given a compiler; fuel is added as for any module.
 */

const head = `
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (table $table 1 funcref)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32)
    (local $missing i32)
    (local.set $missing (i32.sub (i32.add (i32.const 65536) (local.get 0)) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $missing) (i32.const 65536)) (i32.const 1))))))
    (i32.const 65536))
  (func $pack (param $pointer i32) (param $length i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32)) (i64.extend_i32_u (local.get $length))))
  (func $pack32 (param $value i32) (result i64)
    (i32.store (i32.const 1024) (local.get $value)) (call $pack (i32.const 1024) (i32.const 4)))`

/** Kinds of `politeGuest`. */
export const polite = {
  echo: 0,
  relay: 1,
  status: 2,
  print: 3,
  count: 4,
  random: 5,
  open: 6,
  calls: 7
} as const

/** Answers every kind of event as the suite expects. */
export const politeGuest: string = `(module ${head}
  (data (i32.const 512) "hello from the guest\\n")
  (global $counter (mut i32) (i32.const 0))
  (func (export "bt_event") (param $kind i32) (param $pointer i32) (param $length i32) (result i64)
    (local $reply i64) (local $left i32)
    (block $echo (block $relay (block $status (block $print (block $count (block $random (block $open (block $calls
      (br_table $echo $relay $status $print $count $random $open $calls $echo (local.get $kind)))
      ;; calls: as many host calls as the event's first four bytes say
      (local.set $left (i32.load (local.get $pointer)))
      (loop $again
        (local.set $reply (call $call (i32.const 7) (local.get $pointer) (i32.const 64)))
        (call $take (i32.const 2048))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (return (call $pack32 (i32.const 1))))
      ;; open: the error number of path_open
      (return (call $pack32 (call $open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 0)
        (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 600)))))
      ;; random: 16 bytes
      (drop (call $random (i32.const 700) (i32.const 16)))
      (return (call $pack (i32.const 700) (i32.const 16))))
      ;; count: how often this instance was asked
      (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
      (return (call $pack32 (global.get $counter))))
      ;; print: one line to stdout
      (i32.store (i32.const 560) (i32.const 512)) (i32.store (i32.const 564) (i32.const 21))
      (return (call $pack32 (call $write (i32.const 1) (i32.const 560) (i32.const 1) (i32.const 568)))))
      ;; status: of a host call
      (return (call $pack32 (i32.wrap_i64 (i64.shr_u
        (call $call (i32.const 9) (local.get $pointer) (local.get $length)) (i64.const 32))))))
      ;; relay: the reply of a host call, written behind the event
      (local.set $reply (call $call (i32.const 7) (local.get $pointer) (local.get $length)))
      (drop (memory.grow (i32.const 32)))
      (call $take (i32.const 131072))
      (return (call $pack (i32.const 131072) (i32.wrap_i64 (local.get $reply)))))
    (call $pack (local.get $pointer) (local.get $length))))`

/** Kinds of `hostileGuest`. */
export const hostile = {
  spin: 0,
  fill: 1,
  grow: 2,
  tables: 3,
  recurse: 4,
  unreachable: 5,
  outside: 6,
  hugeAnswer: 7,
  exit: 8,
  flood: 9,
  wideRequest: 10,
  healthy: 11
} as const

/** Each kind of event is an attack; the last one is none. */
export const hostileGuest: string = `(module ${head}
  (func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func (export "bt_event") (param $kind i32) (param $pointer i32) (param $length i32) (result i64)
    (block $spin (block $fill (block $grow (block $tables (block $recurse (block $unreachable (block $outside
    (block $hugeAnswer (block $exit (block $flood (block $wideRequest (block $healthy
      (br_table $spin $fill $grow $tables $recurse $unreachable $outside $hugeAnswer $exit $flood $wideRequest $healthy
        (local.get $kind)))
      (return (call $pack32 (i32.const 42))))
      (drop (call $call (i32.const 1) (i32.const 65536) (i32.const -1))) (return (i64.const 0)))
      (i32.store (i32.const 560) (i32.const 0)) (i32.store (i32.const 564) (i32.const 65536))
      (loop $again (drop (call $write (i32.const 1) (i32.const 560) (i32.const 1) (i32.const 568))) (br $again)))
      (call $exit (i32.const 3)) (unreachable))
      (return (i64.const 0x0001000070000000)))
      (return (call $pack (i32.const -16) (i32.const 64))))
      (unreachable))
      (return (call $pack32 (call $deeper (i32.const 0)))))
      (loop $again (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 4096)) (i32.const -1))))
      (return (call $pack32 (table.size $table))))
      (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (return (call $pack32 (memory.size))))
      (drop (memory.grow (i32.const 900)))
      (loop $again
        (memory.fill (i32.const 0) (i32.const 7) (i32.mul (memory.size) (i32.const 65536))) (br $again)))
    (loop $again (br $again)) (unreachable)))`

/** Works before anybody has asked: a start function that never returns. */
export const busyStartGuest: string = `(module ${head}
  (func $start (loop $again (br $again)))
  (start $start)
  (func (export "bt_event") (param i32 i32 i32) (result i64) (i64.const 0)))`

export const busyInitializeGuest: string = `(module ${head}
  (func (export "_initialize") (loop $again (br $again)))
  (func (export "bt_event") (param i32 i32 i32) (result i64) (i64.const 0)))`

/** A polite guest with many functions that do nothing, and one br_table with many targets. */
export function wideGuest(functions: number, targets: number): string {
  const wide = `(func (param i32) (block (br_table ${'0 '.repeat(targets)} (local.get 0))))`
  return politeGuest.replace(/\)$/, `${'(func)'.repeat(functions)}${wide})`)
}

/** As bytes, since no compiler takes it as text: functions that do nothing, and nothing else. */
export function functionsModule(count: number): Uint8Array {
  const number = (value: number): readonly number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...number(Math.floor(value / 128))]
  const section = (id: number, body: readonly number[]): readonly number[] => [
    id,
    ...number(body.length),
    ...body
  ]
  const types = Array.from({ length: count }, () => 0)
  const bodies = Array.from({ length: count * 3 }, (_, index) => [2, 0, 0x0b][index % 3] ?? 0)
  const parts = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 0, 0]),
    section(3, number(count).concat(types)),
    section(10, number(count).concat(bodies))
  ]
  return Uint8Array.from(parts.flat())
}

export const unknownImportGuest: string = `(module
  (import "env" "system" (func $system (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "bt_event") (param i32 i32 i32) (result i64) (i64.const 0)))`

export const otherVersionGuest: string = `(module
  (memory (export "memory") 1)
  (func (export "bt_abi_version") (result i32) (i32.const 2))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "bt_event") (param i32 i32 i32) (result i64) (i64.const 0)))`

export const wrongSignatureGuest: string = `(module
  (memory (export "memory") 1)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "bt_event") (param i64) (result i32) (i32.const 0)))`
