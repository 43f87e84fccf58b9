import { describe, expect, test } from 'vitest'
import { LockTable } from '../src/lock-table.ts'
import { ManualTimers, failureOf } from './memory-ports.ts'

function makeTable(): { readonly table: LockTable; readonly timers: ManualTimers } {
  const timers = new ManualTimers()
  let token = 100
  return { timers, table: new LockTable({ timers, nextToken: () => (token += 1) }) }
}

const { signal } = new AbortController()
const at = (ttlMs: number, waitMs = 0): { ttlMs: number; waitMs: number; signal: AbortSignal } => ({
  ttlMs,
  waitMs,
  signal
})

describe('a lock', () => {
  test('is given once, and to another caller only after its release', async () => {
    const { table } = makeTable()
    const first = await table.acquire('a', at(1000))
    expect(await failureOf(() => table.acquire('a', at(1000)))).toBe('conflict')
    expect((await table.acquire('b', at(1000))).token).toBeGreaterThan(first.token)
    table.release(first)
    expect((await table.acquire('a', at(1000))).token).toBeGreaterThan(first.token)
  })

  test('passes to who waited longest, with a higher token', async () => {
    const { table } = makeTable()
    const first = await table.acquire('a', at(1000))
    const second = table.acquire('a', at(1000, 5000))
    const third = table.acquire('a', at(1000, 5000))
    table.release(first)
    const given = await second
    expect(given.token).toBeGreaterThan(first.token)
    table.release(given)
    expect((await third).token).toBeGreaterThan(given.token)
  })

  test('waits no longer than asked, and not for who has gone', async () => {
    const { table, timers } = makeTable()
    const held = await table.acquire('a', at(100_000))
    const waiting = failureOf(() => table.acquire('a', at(1, 500)))
    const gone = new AbortController()
    const left = failureOf(() => table.acquire('a', { ttlMs: 1, waitMs: 500, signal: gone.signal }))
    gone.abort()
    expect(await left).toBe('conflict')
    timers.move(500)
    expect(await waiting).toBe('conflict')
    table.release(held)
    expect(table.size).toBe(0)
  })

  test('refuses more waiters than its bound', async () => {
    const { table } = makeTable()
    await table.acquire('a', at(1000))
    const waiting = Array.from({ length: 64 }, () => table.acquire('a', at(1, 10)).catch(() => undefined))
    expect(await failureOf(() => table.acquire('a', at(1, 10)))).toBe('busy')
    expect(waiting).toHaveLength(64)
  })

  test('ends by itself; its holder can neither renew nor write', async () => {
    const { table, timers } = makeTable()
    const lease = await table.acquire('a', at(1000))
    table.expectToken('a', lease.token)
    timers.move(1000)
    expect(await failureOf(() => table.renew(lease, 1000))).toBe('revoked')
    expect(await failureOf(() => table.expectToken('a', lease.token))).toBe('revoked')
    const next = await table.acquire('a', at(1000))
    table.release(lease)
    expect(table.size).toBe(1)
    table.expectToken('a', next.token)
    expect(await failureOf(() => table.expectToken('a', lease.token))).toBe('revoked')
  })

  test('lasts as long as it is renewed', async () => {
    const { table, timers } = makeTable()
    let lease = await table.acquire('a', at(1000))
    for (let round = 0; round < 5; round++) {
      timers.move(900)
      lease = table.renew(lease, 1000)
    }
    expect(await failureOf(() => table.acquire('a', at(1)))).toBe('conflict')
    timers.move(1000)
    expect(table.size).toBe(0)
  })

  test('a token of a file that was never locked is refused', async () => {
    const { table } = makeTable()
    expect(await failureOf(() => table.expectToken('a', 1))).toBe('revoked')
  })
})
