/** Small programs in WebAssembly text whose time is spent in the guest alone. */

export interface Kernel {
  readonly name: string
  readonly argument: number
  readonly text: string
}

const fib = `(module
  (func $fib (export "run") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2))))))))`

const xorshift = `(module
  (func (export "run") (param $rounds i32) (result i32) (local $x i32)
    (local.set $x (i32.const 2463534242))
    (loop $next
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $x)))`

const sieve = `(module
  (memory 1)
  (func (export "run") (param $rounds i32) (result i32) (local $i i32) (local $j i32) (local $count i32)
    (loop $round
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))
      (local.set $count (i32.const 0))
      (local.set $i (i32.const 2))
      (block $done
        (loop $outer
          (br_if $done (i32.ge_u (local.get $i) (i32.const 65536)))
          (if (i32.load8_u (local.get $i))
            (then
              (local.set $count (i32.add (local.get $count) (i32.const 1)))
              (local.set $j (i32.shl (local.get $i) (i32.const 1)))
              (block $crossed
                (loop $cross
                  (br_if $crossed (i32.ge_u (local.get $j) (i32.const 65536)))
                  (i32.store8 (local.get $j) (i32.const 0))
                  (local.set $j (i32.add (local.get $j) (local.get $i)))
                  (br $cross)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $outer)))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $count)))`

export const kernels: readonly Kernel[] = [
  { name: 'fib(35)', argument: 35, text: fib },
  { name: 'xorshift, 100 million rounds', argument: 100_000_000, text: xorshift },
  { name: 'sieve of 64 Ki, 300 times', argument: 300, text: sieve }
]
