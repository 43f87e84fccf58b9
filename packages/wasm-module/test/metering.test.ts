import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instrumentModule, rewriteLimitsDefault } from '@blocktree/wasm-module'
import type { ChargeRules } from '../src/charge-plan.ts'
import { rewriteModule } from '../src/rewrite-module.ts'
import { type Bytes, singleFunction } from './fixtures/module-builder.ts'
import { encodeProgram, interpretProgram, programs } from './fixtures/program.ts'
import { type Guest, instantiate } from './fixtures/web-assembly.ts'

const numRuns = process.env['SLOW'] === '1' ? 20_000 : 300
const plenty = 1n << 40n
const unitsMax = 200_000
const alone: ChargeRules = { mergedUnitsMax: 0, entryUnitsMax: 0 } // every span is charged alone

/** What a call takes from a full counter. */
function spend(
  guest: Guest,
  left: number,
  right: number
): { readonly result: unknown; readonly units: number } {
  guest.memory().fill(0)
  guest.fuel = plenty
  const result = guest.call('run', left, right)
  return { result, units: Number(plenty - guest.fuel) }
}

/** Units that `code` in a function (i32) -> () takes; the entry takes one more. */
function unitsOf(code: Bytes, rules: ChargeRules = alone): number {
  const bytes = rewriteModule(singleFunction('i', '', code), rewriteLimitsDefault, rules)
  return spend(instantiate(bytes), 1, 0).units
}

describe('charges', () => {
  test('leave out what a branch passes over, from however deep it comes', () => {
    const work = [0x20, 0, 0x1a] // one unit
    const nested = [0x02, 0x40, 0x02, 0x40, 0x02, 0x40, 0x0c, 2, 0x0b, ...work, 0x0b, ...work, 0x0b, ...work]
    expect(unitsOf(nested)).toBe(1 + 1 + 1)
    const conditional = [0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0d, 1, ...work, 0x0b, ...work, 0x0b, ...work]
    expect(unitsOf(conditional)).toBe(1 + 2 + 1)
    const through = [0x02, 0x40, 0x02, 0x40, 0x0c, 0, 0x0b, ...work, 0x0b, ...work]
    expect(unitsOf(through)).toBe(1 + 1 + 2)
  })

  test('merge a conditional piece of 16 units and not one of 17', () => {
    const piece = (units: number): number[] => Array.from({ length: units }, () => [0x20, 0, 0x1a]).flat()
    const passedOver = (units: number): number[] => [0x41, 0, 0x04, 0x40, ...piece(units), 0x0b]
    const rules = { mergedUnitsMax: 16, entryUnitsMax: 0 }
    expect(unitsOf(passedOver(16), rules)).toBe(1 + 2 + 16)
    expect(unitsOf(passedOver(17), rules)).toBe(1 + 2)
  })

  test('count locals that are cleared', () => {
    const bytes = singleFunction('i', '', [], { locals: [[33, 'I']] })
    expect(spend(instantiate(rewriteModule(bytes, rewriteLimitsDefault, alone)), 1, 0).units).toBe(1 + 2)
  })

  test('of spans by themselves are the number of instructions that ran', () => {
    fc.assert(
      fc.property(programs, fc.integer(), fc.integer(), (program, left, right) => {
        const wanted = interpretProgram(program, left, right, unitsMax)
        fc.pre(wanted !== undefined)
        const bytes = encodeProgram(program)
        expect(instantiate(bytes).call('run', left, right)).toBe(wanted?.result)
        const guest = instantiate(rewriteModule(bytes, rewriteLimitsDefault, alone))
        expect(spend(guest, left, right)).toEqual({ result: wanted?.result, units: wanted?.units })
      }),
      { numRuns }
    )
  })

  test('drawn together are at least that, but for the first entry, and little more', () => {
    fc.assert(
      fc.property(programs, fc.integer(), fc.integer(), (program, left, right) => {
        const wanted = interpretProgram(program, left, right, unitsMax)
        fc.pre(wanted !== undefined)
        if (wanted === undefined) return
        const { result, units } = spend(instantiate(instrumentModule(encodeProgram(program))), left, right)
        expect(result).toBe(wanted.result)
        expect(units).toBeGreaterThanOrEqual(wanted.units - 64)
        expect(units).toBeLessThanOrEqual(wanted.units + 16 * (2 * wanted.choices + wanted.units))
      }),
      { numRuns }
    )
  })

  test('are the same for every amount of fuel: enough changes nothing, less ends below zero', () => {
    fc.assert(
      fc.property(
        programs,
        fc.integer(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (program, left, share) => {
          fc.pre(interpretProgram(program, left, 0, unitsMax) !== undefined)
          const bytes = instrumentModule(encodeProgram(program))
          const { result, units } = spend(instantiate(bytes), left, 0)
          const guest = instantiate(bytes)
          guest.fuel = BigInt(units)
          expect(guest.call('run', left, 0)).toBe(result)
          expect(guest.fuel).toBe(0n)
          if (units === 0) return
          guest.memory().fill(0)
          guest.fuel = BigInt(Math.floor(units * share))
          try {
            guest.call('run', left, 0)
          } catch (error) {
            expect(String(error)).toContain('unreachable')
          }
          expect(guest.fuel).toBeLessThan(0n)
        }
      ),
      { numRuns }
    )
  })
})
