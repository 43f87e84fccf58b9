import { describe, expect, test } from 'vitest'
import { createTally, runScript } from '../wasm-spec/run-script.ts'

const script = `
;; a comment (; and another (; nested ;) one ;)
(module $m
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
  (func (export "swap") (param i32 v128) (result v128 i32) (local.get 1) (local.get 0))
  (func (export "fail") (unreachable)))
(assert_return (invoke "half" (f64.const 0x1p-1)) (f64.const 0.25))
(assert_return (invoke $m "nan") (f32.const nan:canonical))
(assert_return (invoke "swap" (i32.const -1) (v128.const i32x4 1 2 3 4)) (v128.const i64x2 0x200000001 0x400000003) (i32.const -1))
(assert_trap (invoke "fail") "unreachable")
(assert_invalid (module (func (result i32))) "type mismatch")
(module binary "\\00asm\\01\\00" "\\00\\00")
(module (memory 1 1 shared))
(assert_return (invoke "gone") (i32.const 0))
`

/** As long as unreachable and nop are one byte, one can stand for the other. */
function breakTraps(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  const place = changed.lastIndexOf(0x00)
  changed[place] = 0x01
  return changed
}

describe('runScript', () => {
  test('counts steps that give the same with and without rewriting', () => {
    const tally = createTally()
    runScript('script', script, tally)
    expect(tally).toMatchObject({ modules: 2, equal: 4, refused: 1, plainDiffers: 0, failures: [] })
    expect([...tally.excluded]).toEqual([['threads', 1]])
    expect(tally.skipped).toBe(1)
  })

  test('reports where a rewriter changes what a module does', () => {
    const tally = createTally()
    runScript('script', script, tally, breakTraps)
    expect(tally.failures[0]).toContain('script:11: trap "unreachable" became')
  })

  test('counts results that are not what the script expects', () => {
    const tally = createTally()
    runScript('script', script.replace('(f64.const 0.25)', '(f64.const 0.5)'), tally)
    expect(tally.plainDiffers).toBe(1)
  })
})
