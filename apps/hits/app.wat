;; Hits: `GET /` counts one more and answers the count as a line of text. Written by hand against the interface of apps
;; (doc/spec/20-app-interface.md): values are canonical MessagePack, so the answers stand here nearly whole.
;;
;; Two requests at once never get the same number: `kv.increment` adds in the node, in one step, and the sum is stored
;; before it is told. A lock around reading and writing a file would say the same in four calls.
(module
  (import "blocktree" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "blocktree" "take" (func $take (param i32)))
  (memory (export "memory") 1)

  ;; 0: request of kv.increment (operation 157): "hits", 1
  (data (i32.const 0) "\92\a4hits\01")
  ;; 16: success, what the events init, migrate and health answer
  (data (i32.const 16) "\91\00")
  ;; 32: now(404, no headers, empty)   48: now(405, no headers, empty)   64: now(500, no headers, empty)
  (data (i32.const 32) "\92\00\93\cd\01\94\90\91\00")
  (data (i32.const 48) "\92\00\93\cd\01\95\90\91\00")
  (data (i32.const 64) "\92\00\93\cd\01\f4\90\91\00")
  ;; 96: now(200, two headers, content); the length of the content stands at 169, its digits begin at 170
  (data (i32.const 96) "\92\00\93\cc\c8\92")
  (data (i32.const 102) "\92\accontent-type\b9text/plain; charset=utf-8")
  (data (i32.const 142) "\92\adcache-control\a8no-store")
  (data (i32.const 166) "\92\01\c4")

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
    (if (i32.eq (local.get $kind) (i32.const 2)) (then (return (call $http (local.get $pointer)))))
    (if (i32.or
          (i32.eq (local.get $kind) (i32.const 1))
          (i32.or (i32.eq (local.get $kind) (i32.const 7)) (i32.eq (local.get $kind) (i32.const 8))))
      (then (return (call $reply (i32.const 16) (i32.const 2)))))
    (i64.const 0))

  (func $reply (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))

  ;; `[[handle, method, path, …]]`: the handle is skipped; method and path are looked at as they stand.
  (func $http (param $at i32) (result i64)
    (local $end i32)
    (local.set $at (call $after_uint (i32.add (local.get $at) (i32.const 2))))
    (if (i32.ne (i32.load align=1 (local.get $at)) (i32.const 0x544547a3)) ;; \a3GET
      (then (return (call $reply (i32.const 48) (i32.const 9)))))
    (if (i32.ne (i32.load16_u offset=4 align=1 (local.get $at)) (i32.const 0x2fa1)) ;; \a1/
      (then (return (call $reply (i32.const 32) (i32.const 9)))))
    (if (i64.ne
          (i64.shr_u (call $call (i32.const 157) (i32.const 0) (i32.const 7)) (i64.const 32))
          (i64.const 0))
      (then
        (call $take (i32.const 256)) ;; why it failed stands in the log of the node; nobody else needs it
        (return (call $reply (i32.const 64) (i32.const 9)))))
    (call $take (i32.const 256))
    (local.set $end (call $decimal (call $uint (i32.const 256))))
    (i32.store8 (local.get $end) (i32.const 10))
    (local.set $end (i32.add (local.get $end) (i32.const 1)))
    (i32.store8 (i32.const 169) (i32.sub (local.get $end) (i32.const 170)))
    (call $reply (i32.const 96) (i32.sub (local.get $end) (i32.const 96))))

  ;; Where the unsigned integer at $at ends: one byte below 128, or a head that says how many follow.
  (func $after_uint (param $at i32) (result i32)
    (local $head i32)
    (local.set $head (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.lt_u (local.get $head) (i32.const 128)) (then (return (local.get $at))))
    (i32.add (local.get $at) (i32.shl (i32.const 1) (i32.sub (local.get $head) (i32.const 0xcc)))))

  (func $uint (param $at i32) (result i64)
    (local $sum i64) (local $end i32)
    (local.set $end (call $after_uint (local.get $at)))
    (if (i32.lt_u (i32.load8_u (local.get $at)) (i32.const 128))
      (then (return (i64.load8_u (local.get $at)))))
    (loop $next
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $sum
        (i64.or (i64.shl (local.get $sum) (i64.const 8)) (i64.load8_u (local.get $at))))
      (br_if $next (i32.lt_u (i32.add (local.get $at) (i32.const 1)) (local.get $end))))
    (local.get $sum))

  ;; Writes the number from 170 on; returns where it ends.
  (func $decimal (param $value i64) (result i32)
    (local $at i32) (local $count i32)
    (local.set $at (i32.const 320))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 0x30) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $value) (i64.const 0))))
    (local.set $count (i32.sub (i32.const 320) (local.get $at)))
    (memory.copy (i32.const 170) (local.get $at) (local.get $count))
    (i32.add (i32.const 170) (local.get $count))))
