/** Our subset of WASI preview 1, function by function, over a memory without a module. */
import { wasiImports } from '@blocktree/wasm-module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestFault } from '../src/engine.ts'
import { preview1Imports } from '../src/preview1.ts'
import { errno } from '../src/preview1-host.ts'

const runs = process.env['SLOW'] === '1' ? 20_000 : 500
const memoryBytes = 4096

interface Guest {
  readonly memory: DataView
  readonly said: string[]
  readonly slept: number[]
  /** The number that the function answers. */
  readonly call: (name: string, ...values: (number | bigint)[]) => number
}

function makeGuest(): Guest {
  const bytes = new Uint8Array(memoryBytes)
  const said: string[] = []
  const slept: number[] = []
  const imports = preview1Imports(() => bytes, {
    arguments: ['app', 'büro'],
    environment: [],
    log: (stream, text) => said.push(`${stream} ${new TextDecoder().decode(text)}`),
    randomFill: (target) => void target.fill(7),
    realTime: () => 1_700_000_000_000_000_000n,
    monotonicTime: () => 5_000_000_000n,
    sleep: (milliseconds) => slept.push(milliseconds)
  })
  return {
    memory: new DataView(bytes.buffer),
    said,
    slept,
    call(name, ...values) {
      const found = imports.find((one) => one.name === name)
      if (found === undefined) throw new Error(`no function ${name}`)
      return Number(found.run(...values))
    }
  }
}

function textAt(memory: DataView, start: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(memory.buffer, start, length))
}

describe('what is offered', () => {
  test('arguments, and an environment without anything in it', () => {
    const { memory, call } = makeGuest()
    expect(call('args_sizes_get', 0, 4)).toBe(errno.success)
    expect([memory.getUint32(0, true), memory.getUint32(4, true)]).toEqual([2, 10])
    expect(call('args_get', 8, 100)).toBe(errno.success)
    expect(textAt(memory, memory.getUint32(8, true), 4)).toBe('app\0')
    expect(textAt(memory, memory.getUint32(12, true), 6)).toBe('büro\0')
    expect(call('environ_sizes_get', 0, 4)).toBe(errno.success)
    expect([memory.getUint32(0, true), memory.getUint32(4, true)]).toEqual([0, 0])
  })

  test('two clocks, and no others', () => {
    const { memory, call } = makeGuest()
    expect(call('clock_time_get', 0, 0n, 0)).toBe(errno.success)
    expect(memory.getBigUint64(0, true)).toBe(1_700_000_000_000_000_000n)
    expect(call('clock_time_get', 1, 0n, 0)).toBe(errno.success)
    expect(memory.getBigUint64(0, true)).toBe(5_000_000_000n)
    expect(call('clock_time_get', 2, 0n, 0)).toBe(errno.inval)
    expect(call('clock_res_get', 1, 0)).toBe(errno.success)
    expect(call('clock_res_get', 9, 0)).toBe(errno.inval)
  })

  test('randomness, within the memory', () => {
    const { memory, call } = makeGuest()
    expect(call('random_get', 8, 4)).toBe(errno.success)
    expect([memory.getUint32(8, true), memory.getUint8(12)]).toEqual([0x07070707, 0])
    expect(call('random_get', memoryBytes - 1, 2)).toBe(errno.fault)
  })

  test('stdout and stderr as log, and nothing to write to beside them', () => {
    const { memory, said, call } = makeGuest()
    new Uint8Array(memory.buffer).set(new TextEncoder().encode('hello'), 100)
    memory.setUint32(0, 100, true)
    memory.setUint32(4, 2, true)
    memory.setUint32(8, 102, true)
    memory.setUint32(12, 3, true)
    expect(call('fd_write', 1, 0, 2, 16)).toBe(errno.success)
    expect(memory.getUint32(16, true)).toBe(5)
    expect(call('fd_write', 2, 8, 1, 16)).toBe(errno.success)
    expect(said).toEqual(['1 he', '1 llo', '2 llo'])
    expect([call('fd_write', 0, 0, 1, 16), call('fd_write', 3, 0, 1, 16)]).toEqual([errno.badf, errno.badf])
    expect(call('fd_write', 1, 0, 1025, 16)).toBe(errno.inval)
    memory.setUint32(4, memoryBytes, true)
    expect(call('fd_write', 1, 0, 1, 16)).toBe(errno.fault)
    expect(said).toHaveLength(3)
  })

  test('an end with a status', () => {
    const { call } = makeGuest()
    expect(() => call('proc_exit', 3)).toThrow(GuestFault)
    try {
      call('proc_exit', -1)
    } catch (error) {
      expect(error).toMatchObject({ fault: 'exit', exitStatus: 0xffffffff })
    }
  })

  test('waiting for the earliest clock, in both ways of saying when', () => {
    const { memory, slept, call } = makeGuest()
    const subscribe = (at: number, userData: bigint, nanoseconds: bigint, isAbsolute: boolean): void => {
      memory.setBigUint64(at, userData, true)
      memory.setUint32(at + 16, 1, true)
      memory.setBigUint64(at + 24, nanoseconds, true)
      memory.setUint16(at + 40, isAbsolute ? 1 : 0, true)
    }
    subscribe(0, 11n, 20_000_000n, false)
    subscribe(48, 22n, 5_010_000_000n, true)
    expect(call('poll_oneoff', 0, 200, 2, 400)).toBe(errno.success)
    expect([slept, memory.getUint32(400, true), memory.getBigUint64(200, true)]).toEqual([[10], 1, 22n])
    subscribe(48, 22n, 1n, true)
    expect(call('poll_oneoff', 0, 200, 2, 400)).toBe(errno.success)
    expect(slept).toEqual([10])
    subscribe(0, 11n, 1n << 62n, false)
    expect(call('poll_oneoff', 0, 200, 1, 400)).toBe(errno.success)
    expect(slept).toEqual([10, 60_000])
    expect([call('poll_oneoff', 0, 200, 0, 400), call('poll_oneoff', 0, 200, 65, 400)]).toEqual([
      errno.inval,
      errno.inval
    ])
    expect(call('poll_oneoff', memoryBytes - 8, 0, 1, 0)).toBe(errno.fault)
  })
})

describe('what is not offered', () => {
  test('is no file: there is no directory to begin at', () => {
    const { call } = makeGuest()
    expect(call('fd_prestat_get', 3, 0)).toBe(errno.badf)
    expect(call('fd_fdstat_get', 3, 0)).toBe(errno.badf)
  })

  test.each([...wasiImports.keys()].filter((name) => /^(path|sock)_|^fd_(p?read|readdir|pwrite)/.test(name)))(
    '%s answers ENOSYS',
    (name) => {
      const parameters = wasiImports.get(name)?.parameters ?? []
      expect(makeGuest().call(name, ...parameters.map((type) => (type === 'i64' ? 0n : 0)))).toBe(errno.nosys)
    }
  )
})

test('whatever a guest passes, the answer is an error number or its own end', () => {
  const anyCall = fc.constantFrom(...wasiImports.keys()).chain((name) =>
    fc.record({
      name: fc.constant(name),
      values: fc.tuple(
        ...(wasiImports.get(name)?.parameters ?? []).map((type) =>
          type === 'i64' ? fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }) : fc.integer()
        )
      )
    })
  )
  const known = new Set<number>(Object.values(errno))
  fc.assert(
    fc.property(fc.array(anyCall, { maxLength: 5 }), fc.uint8Array({ maxLength: 256 }), (calls, content) => {
      const guest = makeGuest()
      new Uint8Array(guest.memory.buffer).set(content)
      for (const { name, values } of calls) {
        try {
          expect(known).toContain(guest.call(name, ...values))
        } catch (error) {
          if (!(error instanceof GuestFault)) throw error
        }
      }
    }),
    { numRuns: runs }
  )
})
