import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ModuleError,
  checkModule,
  clampModule,
  inspectModule,
  instrumentModule
} from '@blocktree/wasm-module'
import { kitchenSink } from './fixtures/kitchen-sink.ts'
import { header } from './fixtures/module-builder.ts'
import { encodeProgram, programs } from './fixtures/program.ts'
import { webAssembly } from './fixtures/web-assembly.ts'

const numRuns = process.env['SLOW'] === '1' ? 100_000 : 1000

/** What reading ends with; fails the test for anything but a result or a ModuleError. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    expect(error).toBeInstanceOf(ModuleError)
    return undefined
  }
}

/** Bytes changed, put in, cut out or repeated. */
const mutations = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    remove: fc.nat(3),
    insert: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x0b, 0x40, 0x7f, 0x80, 0xfc, 0xff)), {
      maxLength: 3
    })
  }),
  { minLength: 1, maxLength: 4 }
)

function mutate(
  bytes: Uint8Array,
  changes: readonly { place: number; remove: number; insert: number[] }[]
): Uint8Array {
  const changed = [...bytes]
  for (const { place, remove, insert } of changes) {
    changed.splice(8 + Math.floor(place * (changed.length - 8)), remove, ...insert)
  }
  return Uint8Array.from(changed)
}

/** The rewriter takes it: then the engine thinks of the result as it thinks of the module. */
function expectSameVerdict(bytes: Uint8Array): void {
  attempt(() => inspectModule(bytes))
  expect(Array.isArray(checkModule(bytes))).toBe(true)
  for (const rewrite of [instrumentModule, clampModule]) {
    const rewritten = attempt(() => rewrite(bytes))
    if (rewritten !== undefined) expect(webAssembly.validate(rewritten)).toBe(webAssembly.validate(bytes))
  }
}

describe('a hostile module', () => {
  test('is seeded from one that is valid and stays so', () => {
    expect(webAssembly.validate(kitchenSink)).toBe(true)
    expect(webAssembly.validate(instrumentModule(kitchenSink))).toBe(true)
  })

  test('of any bytes is refused with a ModuleError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectSameVerdict(bytes)
        expectSameVerdict(Uint8Array.from([...header, ...bytes]))
      }),
      { numRuns }
    )
  })

  test('made of a real one is refused, or is as valid after rewriting as before', () => {
    fc.assert(
      fc.property(mutations, (changes) => expectSameVerdict(mutate(kitchenSink, changes))),
      { numRuns: numRuns * 2 }
    )
  })

  test('made of a program is refused, or is as valid after rewriting as before', () => {
    fc.assert(
      fc.property(programs, mutations, (program, changes) =>
        expectSameVerdict(mutate(encodeProgram(program), changes))
      ),
      { numRuns }
    )
  })

  test('cut off anywhere is refused', () => {
    for (let length = 8; length < kitchenSink.length; length++) {
      const cut = kitchenSink.subarray(0, length)
      if (!webAssembly.validate(cut)) expectSameVerdict(cut)
    }
  })
})
