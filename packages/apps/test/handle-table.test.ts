import { describe, expect, test } from 'vitest'
import { type Held, HandleTable } from '../src/handle-table.ts'
import { failureOf } from './memory-ports.ts'

type Kinds = { readonly file: Held & { readonly name: string }; readonly lock: Held }

function make(): {
  readonly table: HandleTable<Kinds>
  readonly released: string[]
  readonly file: (name: string) => Kinds['file']
} {
  const released: string[] = []
  const file = (name: string): Kinds['file'] => ({ name, release: () => void released.push(name) })
  return { table: new HandleTable<Kinds>({ file: 2, lock: 1 }), released, file }
}

describe('HandleTable', () => {
  test('gives back what stands behind a number, of its kind only', async () => {
    const { table, file } = make()
    const handle = table.add('file', 1, file('a'))
    expect(table.get('file', handle).name).toBe('a')
    expect(await failureOf(() => table.get('lock', handle))).toBe('closed')
    expect(await failureOf(() => table.get('file', handle + 1))).toBe('closed')
  })

  test('never uses a number twice, and releases once', async () => {
    const { table, file, released } = make()
    const handle = table.add('file', 1, file('a'))
    table.close(handle)
    table.close(handle)
    expect(released).toEqual(['a'])
    expect(table.add('file', 1, file('b'))).not.toBe(handle)
    expect(await failureOf(() => table.get('file', handle))).toBe('closed')
  })

  test('holds no more of a kind than allowed', async () => {
    const { table, file } = make()
    const first = table.add('file', 1, file('a'))
    table.add('file', 1, file('b'))
    expect(await failureOf(() => table.expectRoom('file'))).toBe('budget')
    expect(await failureOf(() => table.expectRoom('lock'))).toBeUndefined()
    table.close(first)
    expect(await failureOf(() => table.expectRoom('file'))).toBeUndefined()
  })

  test('takes nothing for a process that has ended, and makes room by closing the oldest', async () => {
    const { table, file, released } = make()
    const first = table.add('file', 1, file('a'))
    table.endProcess(2)
    expect(await failureOf(() => table.add('file', 2, file('late')))).toBe('closed')
    expect(released).toEqual(['late'])
    table.makeRoom('file')
    table.add('file', 1, file('b'))
    table.makeRoom('file')
    expect(released).toEqual(['late', 'a'])
    expect(await failureOf(() => table.get('file', first))).toBe('closed')
    expect([...table.heldOf('file')].map(({ name }) => name)).toEqual(['b'])
  })

  test('releases what a process held when it ends, and the rest when the app stops', () => {
    const { table, file, released } = make()
    table.add('file', 1, file('a'))
    table.add('file', 2, file('b'))
    expect([table.isHolding(1), table.isHolding(3)]).toEqual([true, false])
    table.closeAll(1)
    expect(released).toEqual(['a'])
    table.closeAll()
    expect(released).toEqual(['a', 'b'])
    expect(table.open).toBe(0)
  })

  test('keeps what is open under its number while many come and go, and more than it began with', () => {
    const table = new HandleTable<Kinds>({ file: 1000, lock: 1 })
    const held = Array.from({ length: 300 }, (_, index) => `file ${index}`)
    const kept = held.map((name) => {
      const handle = table.add('file', 1, { name, release: () => undefined })
      for (let index = 0; index < 20; index++) {
        const passing = table.add('file', 2, { name: 'passing', release: () => undefined })
        table.close(passing)
      }
      return handle
    })
    expect(new Set(kept).size).toBe(300)
    expect(kept.map((handle) => table.get('file', handle).name)).toEqual(held)
    expect([...table.heldOf('file')].map(({ name }) => name)).toEqual(held)
    expect(table.open).toBe(300)
  })

  test('knows nothing under a number that shares its place with an open one', async () => {
    const { table, file } = make()
    const handle = table.add('file', 1, file('a'))
    for (const other of [handle + 64, handle + 2 ** 32, handle - 64, handle + 0.5, Number.NaN]) {
      expect(await failureOf(() => table.get('file', other))).toBe('closed')
    }
  })
})
