import { describe, expect, test } from 'vitest'
import { createSpaceGuard } from '../src/space-guard.ts'

function setUp(reserveBytes: number, freeBytes: number) {
  const disk = { freeBytes, looks: 0 }
  const clock = { ms: 0 }
  const timers: (() => void)[] = []
  const guard = createSpaceGuard({
    reserveBytes,
    now: () => clock.ms,
    freeBytes() {
      disk.looks++
      return disk.freeBytes
    },
    startTimer(_milliseconds, callback) {
      timers.push(callback)
      return () => void timers.splice(timers.indexOf(callback), 1)
    }
  })
  return { guard, disk, clock, timers }
}

const full = expect.objectContaining({ code: 'ERR_STORE_FULL' })

describe('expectRoom', () => {
  test('lets through what leaves the reserve', () => {
    const { guard } = setUp(1_000_000, 2_000_000)
    guard.expectRoom(900_000)
  })

  test('refuses what would take from it, and says how much is free', () => {
    const { guard } = setUp(1_000_000, 2_000_000)
    expect(() => guard.expectRoom(1_000_000)).toThrow(full)
    expect(() => guard.expectRoom(1_000_000)).toThrow(/1 MiB are free/)
  })

  test('counts what it let through without asking the system again', () => {
    const { guard, disk } = setUp(0x100_000, 0x500_000)
    for (let count = 0; count < 100; count++) guard.expectRoom(1000)
    expect(disk.looks).toBe(1)
  })

  test('asks again before it refuses, so that space that was freed counts at once', () => {
    const { guard, disk } = setUp(1_000_000, 2_000_000)
    expect(() => guard.expectRoom(1_500_000)).toThrow(full)
    disk.freeBytes = 4_000_000
    guard.expectRoom(1_500_000)
  })

  test('asks again after a while: others write to the disk too', () => {
    const { guard, disk, clock } = setUp(1_000_000, 9_000_000)
    guard.expectRoom(1)
    disk.freeBytes = 1_000_000
    guard.expectRoom(1)
    clock.ms = 1000
    expect(() => guard.expectRoom(1)).toThrow(full)
  })

  test('without a reserve never refuses', () => {
    setUp(0, 0).guard.expectRoom(1e12)
  })
})

describe('guarded', () => {
  test('passes chunks on until there is no room', async () => {
    const { guard, disk } = setUp(1_000_000, 1_050_000)
    function* source() {
      for (let count = 0; count < 100; count++) yield new Uint8Array(10_000)
    }
    let passed = 0
    const take = async (): Promise<void> => {
      for await (const chunk of guard.guarded(chunksOf(source()))) {
        passed += chunk.length
        disk.freeBytes -= chunk.length
      }
    }
    await expect(take()).rejects.toThrow(full)
    expect(passed).toBe(40_000)
  })
})

async function* chunksOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

describe('during', () => {
  test('aborts long work with the reason when space runs short', async () => {
    const { guard, disk, clock, timers } = setUp(1_000_000, 9_000_000)
    const work = guard.during(
      new AbortController().signal,
      (signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        )
    )
    timers.shift()?.()
    disk.freeBytes = 0
    clock.ms = 1000
    timers.shift()?.()
    await expect(work).rejects.toThrow(full)
  })

  test('stops looking when the work has ended', async () => {
    const { guard, timers } = setUp(1_000_000, 9_000_000)
    expect(await guard.during(new AbortController().signal, async () => 'done')).toBe('done')
    expect(timers).toHaveLength(0)
  })
})
