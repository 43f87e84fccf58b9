;; Counts requests: the interface of apps by hand (doc/spec/20-app-interface.md).
(module
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (memory (export "memory") 1)

  ;; 0: request of kv.increment, two parameters: "visits", 1
  (data (i32.const 0) "\92\a6visits\01")
  ;; 16: success, what init, migrate and health answer
  (data (i32.const 16) "\91\00")
  ;; 32: now(response): status 200, one header, content; its length stands at 72, the number begins at 83
  (data (i32.const 32) "\92\00\93\cc\c8\91\92\accontent-type\b0application/json\92\01\c4")
  (data (i32.const 73) "{\"visits\":")

  (func (export "bt_abi_version") (result i32) (i32.const 1))

  ;; The request of an event goes to 4096, in memory that grows as it has to.
  (func (export "bt_alloc") (param $length i32) (result i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (local.get $length) (i32.const 0x11000)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable)))))
    (i32.const 4096))

  (func (export "bt_event") (param $kind i32) (param $pointer i32) (param $length i32) (result i64)
    (if (i32.eq (local.get $kind) (i32.const 2)) (then (return (call $http))))
    (if (i32.or
          (i32.eq (local.get $kind) (i32.const 1))
          (i32.or (i32.eq (local.get $kind) (i32.const 7)) (i32.eq (local.get $kind) (i32.const 8))))
      (then (return (call $reply (i32.const 16) (i32.const 2)))))
    (i64.const 0))

  (func $reply (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))

  (func $http (result i64)
    (local $end i32)
    (local.set $end (call $decimal (call $increment)))
    (i32.store8 (local.get $end) (i32.const 0x7d))
    (local.set $end (i32.add (local.get $end) (i32.const 1)))
    (i32.store8 (i32.const 72) (i32.sub (local.get $end) (i32.const 73)))
    (call $reply (i32.const 32) (i32.sub (local.get $end) (i32.const 32))))

  ;; The sum that operation 157 replies: one byte below 128, or a byte that says how many follow.
  (func $increment (result i64)
    (local $sum i64) (local $at i32) (local $end i32) (local $head i32)
    (if (i64.ne (i64.shr_u (call $call (i32.const 157) (i32.const 0) (i32.const 9)) (i64.const 32)) (i64.const 0))
      (then (unreachable)))
    (call $take (i32.const 128))
    (local.set $head (i32.load8_u (i32.const 128)))
    (if (i32.lt_u (local.get $head) (i32.const 128))
      (then (return (i64.extend_i32_u (local.get $head)))))
    (local.set $at (i32.const 129))
    (local.set $end
      (i32.add (i32.const 129) (i32.shl (i32.const 1) (i32.sub (local.get $head) (i32.const 0xcc)))))
    (loop $next
      (local.set $sum
        (i64.or (i64.shl (local.get $sum) (i64.const 8)) (i64.extend_i32_u (i32.load8_u (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum))

  ;; Writes the number from 83 on; returns where it ends.
  (func $decimal (param $value i64) (result i32)
    (local $at i32) (local $count i32)
    (local.set $at (i32.const 256))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 0x30) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $value) (i64.const 0))))
    (local.set $count (i32.sub (i32.const 256) (local.get $at)))
    (memory.copy (i32.const 83) (local.get $at) (local.get $count))
    (i32.add (i32.const 83) (local.get $count))))
