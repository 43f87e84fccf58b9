import type * as roomModule from '../src/room.ts'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'

/** A fresh module each time: the choice is for good. */
async function load(): Promise<typeof roomModule> {
  vi.resetModules()
  return await import('../src/room.ts')
}

describe('newBytes and copyBytes', () => {
  let room: typeof roomModule
  beforeEach(async () => {
    room = await load()
  })
  afterAll(() => vi.resetModules())

  test('give a buffer of its own to each, unless the thread chose otherwise', () => {
    const { newBytes, copyBytes } = room
    const source = Uint8Array.of(1, 2, 3, 4)
    expect(newBytes(32).buffer.byteLength).toBe(32)
    const copy = copyBytes(source, 1, 3)
    source.fill(9)
    expect(copy).toEqual(Uint8Array.of(2, 3))
    expect(copy.buffer.byteLength).toBe(2)
  })

  test('cut zeros that do not overlap from chunks, and copies that are no views', () => {
    const { newBytes, copyBytes, cutBytesFromChunks } = room
    cutBytesFromChunks()
    const made = Array.from({ length: 5000 }, (_unused, index) => newBytes(index % 97))
    for (const [index, bytes] of made.entries()) {
      expect(bytes.length).toBe(index % 97)
      expect(bytes.every((byte) => byte === 0)).toBe(true)
      bytes.fill(index % 251)
    }
    expect(made.every((bytes, index) => bytes.every((byte) => byte === index % 251))).toBe(true)
    expect(new Set(made.map(({ buffer }) => buffer)).size).toBeLessThan(10)
    const source = Uint8Array.of(1, 2, 3, 4)
    const copy = copyBytes(source, 1, 3)
    source.fill(9)
    expect(copy).toEqual(Uint8Array.of(2, 3))
  })

  test('never cut long ones', () => {
    room.cutBytesFromChunks()
    expect(room.newBytes(100_000).buffer.byteLength).toBe(100_000)
  })
})
