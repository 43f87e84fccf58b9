import { describe, expect, test } from 'vitest'
import { clampModule, instrumentModule } from '@blocktree/wasm-module'
import {
  body,
  buildModule,
  exported,
  guestModule,
  name,
  section,
  signatureType,
  signed,
  singleFunction
} from './fixtures/module-builder.ts'
import { instantiate, webAssembly } from './fixtures/web-assembly.ts'

const limits = { memoryPages: 16, tableEntries: 100, startFuel: 1000 }

/** Counts its parameter down: 5 units for each round. */
const countdown = singleFunction(
  'i',
  'i',
  [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 0]
)

/** `memory.fill` of (0, 7, parameter). */
const filler = singleFunction('i', '', [0x41, 0, 0x41, 7, 0x20, 0, 0xfc, 11, 0], { memories: [[0, 64]] })

describe('instrumentModule', () => {
  test('gives a module that is valid and returns what it returned before', () => {
    const instrumented = instrumentModule(countdown, limits)
    expect(webAssembly.validate(instrumented)).toBe(true)
    expect(instantiate(instrumented).call('run', 10)).toBe(instantiate(countdown).call('run', 10))
  })

  test('writes what the specification says', () => {
    const charge = [
      0x20, 1, 0x42, 5, 0x7d, 0x21, 1, 0x20, 1, 0x42, 0, 0x53, 0x04, 0x40, 0x20, 1, 0x24, 0, 0x00, 0x0b
    ]
    const round = [0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0]
    const code = [0x23, 0, 0x21, 1, 0x03, 0x40, ...charge, ...round, 0x0b, 0x20, 0, 0x20, 1, 0x24, 0]
    const wanted = singleFunction('i', 'i', code, {
      locals: [[1, 'I']],
      tables: [[0x70, 1, 10, 100]],
      memories: [[1, 1, 16]],
      globals: [[0x7e, 1, 0x42, ...signed(1000), 0x0b]],
      exports: [
        exported('run', 'function', 0),
        exported('memory', 'memory', 0),
        exported('__bt_fuel', 'global', 0)
      ]
    })
    expect(instrumentModule(countdown, limits)).toEqual(wanted)
  })

  test('copies and fills across stretches as before', () => {
    const pages = { ...limits, memoryPages: 64 }
    const copy = [0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 10, 0, 0]
    const bytes = singleFunction('iii', '', copy, { memories: [[0, 64]] })
    const plain = instantiate(bytes)
    const counted = instantiate(instrumentModule(bytes, pages))
    const size = 64 * 65_536
    const stretch = 1 << 20
    for (const [target, source, length] of [
      [0, 1000, 3 * stretch + 17],
      [1000, 0, 3 * stretch + 17],
      [stretch, 0, 2 * stretch],
      [0, stretch, 2 * stretch],
      [5, 5, size - 5],
      [1, 0, size - 1],
      [0, 0, stretch + 1],
      [1, 0, size],
      [0, 1, size],
      [size, 0, stretch + 1]
    ] as const) {
      const outcomes = [plain, counted].map((guest) => {
        const memory = guest.memory()
        for (let offset = 0; offset < size; offset += 997) memory[offset] = (offset * 31) & 0xff
        if (guest === counted) guest.fuel = 1n << 40n
        try {
          guest.call('run', target, source, length)
          return undefined
        } catch (error) {
          return String(error)
        }
      })
      expect(outcomes[1]).toBe(outcomes[0])
      expect(Buffer.compare(counted.memory(), plain.memory())).toBe(0)
    }
  })

  test('refuses a shared memory, which would not be one afterwards', () => {
    expect(() => instrumentModule(guestModule({ memories: [[3, 1, 2]] }))).toThrow(
      expect.objectContaining({ code: 'ERR_MODULE_FEATURE' })
    )
  })

  test('ends recursion, in one function and in a circle, when the fuel is used up', () => {
    const circle = buildModule({
      types: [signatureType('', ''), signatureType('i', '')],
      functions: [1, 1],
      exports: [exported('run', 'function', 0)],
      bodies: [
        body([0x20, 0, 0x04, 0x40, 0x41, 1, 0x10, 1, 0x41, 1, 0x10, 1, 0x0b]),
        body([0x20, 0, 0x04, 0x40, 0x20, 0, 0x10, 0, 0x0b])
      ]
    })
    const guest = instantiate(instrumentModule(circle, limits))
    guest.fuel = 5000n
    expect(() => guest.call('run', 1)).toThrow('unreachable')
    expect(guest.fuel).toBeGreaterThan(-100n)
  })

  test('counts every round of a loop', () => {
    const guest = instantiate(instrumentModule(countdown, limits))
    const spent = (rounds: number): bigint => {
      guest.fuel = 1_000_000n
      guest.call('run', rounds)
      return 1_000_000n - guest.fuel
    }
    expect(spent(1001) - spent(1)).toBe(5000n)
  })

  test('ends a loop when the fuel is used up', () => {
    const guest = instantiate(instrumentModule(countdown, limits))
    guest.fuel = 100n
    expect(() => guest.call('run', 0)).toThrow('unreachable')
    expect(guest.fuel).toBeLessThan(0n)
  })

  test('puts the fuel of the start function into the counter', () => {
    expect(instantiate(instrumentModule(guestModule(), limits)).fuel).toBe(1000n)
  })

  test('charges a fill by its length before it runs', () => {
    const guest = instantiate(instrumentModule(filler, { ...limits, memoryPages: 64 }))
    guest.fuel = 10_000n
    expect(() => guest.call('run', 65_536 * 64)).toThrow('unreachable')
    expect(guest.memory()[0]).toBe(0)
    guest.fuel = 2_000_000n
    guest.call('run', 65_536 * 64)
    expect(guest.memory()[65_536 * 64 - 1]).toBe(7)
    expect(guest.fuel).toBe(2_000_000n - (65_536n * 64n) / 4n)
  })

  test('gives the same bytes for the same module', () => {
    expect(instrumentModule(filler)).toEqual(instrumentModule(filler))
  })

  test('refuses a module that exports a name of the host', () => {
    const taken = buildModule({
      globals: [[0x7e, 1, 0x42, 0, 0x0b]],
      exports: [exported('__bt_fuel', 'global', 0)]
    })
    expect(() => instrumentModule(taken)).toThrow(
      expect.objectContaining({ code: 'ERR_MODULE_RESERVED_NAME' })
    )
  })

  test('refuses an index that would come to mean the counter', () => {
    const sets = singleFunction('', '', [0x42, ...signed(1n << 40n), 0x24, 0])
    expect(() => instrumentModule(sets)).toThrow(expect.objectContaining({ code: 'ERR_MODULE_INDEX' }))
  })

  test('clamps how far memory and tables may grow', () => {
    const grows = singleFunction('i', 'i', [0x20, 0, 0x40, 0])
    const guest = instantiate(instrumentModule(grows, limits))
    guest.fuel = 1_000_000n
    expect(guest.call('run', 16)).toBe(-1)
    expect(guest.fuel).toBe(1_000_000n)
    expect(guest.call('run', 15)).toBe(1)
    expect(guest.fuel).toBe(1_000_000n - 15n * 16_384n)
  })

  test('refuses a memory that begins above the limit', () => {
    expect(() => instrumentModule(guestModule({ memories: [[0, 17]] }), limits)).toThrow(
      expect.objectContaining({ code: 'ERR_MODULE_LIMIT' })
    )
  })

  test('keeps function names and drops other custom sections', () => {
    const rest = [
      ...section(0, [...name('name'), 1, 1, 0]),
      ...section(0, [...name('.debug_info'), 1, 2, 3]),
      ...section(0, [...name('metadata.code.branch_hint'), 0])
    ]
    const text = new TextDecoder('latin1').decode(instrumentModule(guestModule({ rest })))
    expect(text).toContain('name')
    expect(text).not.toContain('.debug_info')
    expect(text).not.toContain('branch_hint')
  })
})

describe('clampModule', () => {
  test('bounds the memory and counts no fuel', () => {
    const guest = instantiate(clampModule(singleFunction('i', 'i', [0x20, 0, 0x40, 0]), limits))
    expect(guest.call('run', 16)).toBe(-1)
    expect(guest.exports['__bt_fuel']).toBeUndefined()
  })
})
