/**
 * Stops a store at every write, sync, truncation, creation and removal of short histories, loses an arbitrary part
 * of what was not synced (and of the index), opens it again, and proves: what was acknowledged is there, what was
 * not is absent or complete, and the check is clean.
 */
import { describe, expect, test } from 'vitest'
import type { StoreBatch } from '@blocktree/tree'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import { isClosedByStop } from './stopped-disk.ts'
import { chances, makeRecord, makeSector, memoryDrivers, text } from './memory-drivers.ts'
import type { MemoryDrivers } from './memory-drivers.ts'
import type { Reindex } from '../src/store-parts.ts'

const slow = process.env['SLOW'] === '1'
const losses = slow ? 12 : 2

const reindex: Reindex = (records) => records.map(({ id, type }) => ({ key: id, value: Uint8Array.of(type) }))

function batchOf(seed: number): StoreBatch {
  const record = makeRecord(seed, seed % 2 === 0 ? 700 : undefined)
  return {
    sectors: [makeSector(seed, 900), makeSector(seed + 500, 40)],
    records: [record],
    rows: [{ key: record.id, value: Uint8Array.of(record.type) }],
    local: [{ key: text('last'), value: text(String(seed)) }]
  }
}

/** Whether all of a batch is there (true), or nothing of it (false); anything else fails. */
function isComplete(store: DiskStore, seed: number): boolean {
  const { sectors = [], records = [] } = batchOf(seed)
  const [record = makeRecord(seed)] = records
  const parts = [
    ...sectors.map(({ reference, bytes }) => {
      const found = store.readSector(reference)
      if (found !== undefined) expect(found).toEqual(bytes)
      return found !== undefined
    }),
    store.readRecord(record.id) !== undefined,
    store.index.get(record.id) !== undefined
  ]
  if (parts[0] === true) expect(store.readRecord(record.id)).toEqual(record)
  expect(new Set(parts).size, `batch ${seed} is torn: ${parts.join(' ')}`).toBe(1)
  return parts[0] === true
}

interface Progress {
  readonly begun: number[]
  readonly acknowledged: number[]
}

type History = (drivers: MemoryDrivers, progress: Progress) => Promise<void>

async function put(store: DiskStore, seed: number, progress: Progress): Promise<void> {
  progress.begun.push(seed)
  await store.commit(batchOf(seed))
  progress.acknowledged.push(seed)
}

const small = { segmentBytes: 2500, reserveBytes: 0, reindex }

const histories: Record<string, History> = {
  'three batches one after another': async (drivers, progress) => {
    const store = await openStore(drivers, small)
    for (const seed of [1, 2, 3]) await put(store, seed, progress)
    await store.close()
  },
  'a group of three batches': async (drivers, progress) => {
    const store = await openStore(drivers, small)
    await Promise.all([1, 2, 3].map((seed) => put(store, seed, progress)))
    await store.close()
  },
  'writing, closing, opening and writing': async (drivers, progress) => {
    for (const seed of [1, 2, 3]) {
      const store = await openStore(drivers, small)
      await put(store, seed, progress)
      await store.close()
      drivers.processes.nextProcess()
    }
  },
  'a collection between writes': async (drivers, progress) => {
    const store = await openStore(drivers, small)
    for (const seed of [1, 2, 3]) await put(store, seed, progress)
    const dead = Array.from({ length: 6 }, (_, index) => makeSector(index + 100, 800))
    await store.commit({ sectors: dead })
    await store.commit({ sectors: dead.slice(1) })
    const live = [1, 2, 3].flatMap((seed) => (batchOf(seed).sectors ?? []).map(({ reference }) => reference))
    await store.collect(live, { minimumLive: 1 })
    await put(store, 4, progress)
    await store.close()
  }
}

async function runUntil(
  stopAt: number,
  history: History
): Promise<{ drivers: MemoryDrivers; progress: Progress; stopped: boolean }> {
  const drivers = memoryDrivers()
  await (await createStore(drivers, small)).close()
  drivers.processes.nextProcess()
  const progress: Progress = { begun: [], acknowledged: [] }
  const base = drivers.files.operations
  drivers.files.stopAt = base + stopAt
  try {
    await history(drivers, progress)
  } catch (error) {
    if (!isClosedByStop(error)) throw error
  }
  return { drivers, progress, stopped: drivers.files.operations >= base + stopAt }
}

async function verify(drivers: MemoryDrivers, progress: Progress, where: string): Promise<void> {
  drivers.processes.nextProcess()
  const store = await openStore(drivers, small)
  expect(store.recovery.findings, where).toEqual([])
  for (const seed of progress.acknowledged)
    expect(isComplete(store, seed), `${where}: batch ${seed} is lost`).toBe(true)
  const present = progress.begun.filter((seed) => isComplete(store, seed))
  expect(present, `${where}: not in order`).toEqual(progress.begun.slice(0, present.length))
  const last = store.local.get(text('last'))
  expect(last === undefined ? undefined : Buffer.from(last).toString(), where).toBe(
    present.at(-1)?.toString()
  )
  expect((await store.check()).findings, where).toEqual([])
  // It can be written to, and the index can be made again from the segments alone.
  await store.commit(batchOf(77))
  await store.close()
  drivers.processes.nextProcess()
  drivers.index.remove()
  const rebuilt = await openStore(drivers, small)
  expect(rebuilt.recovery.rebuilt).toBe('it was missing')
  expect(rebuilt.recovery.findings, where).toEqual([])
  for (const seed of [...present, 77])
    expect(isComplete(rebuilt, seed), `${where}: batch ${seed} after a rebuild`).toBe(true)
  expect((await rebuilt.check()).findings, where).toEqual([])
  await rebuilt.close()
}

let cases = 0

describe('stopping at every operation', () => {
  for (const [name, history] of Object.entries(histories)) {
    test(`${name}: acknowledged is present, the rest absent or complete`, { timeout: 120_000 }, async () => {
      for (let stopAt = 1; ; stopAt++) {
        let stopped = false
        for (let loss = 0; loss <= losses; loss++) {
          const run = await runUntil(stopAt, history)
          stopped = run.stopped
          const { drivers, progress } = run
          const choose = chances(stopAt * 100 + loss)
          if (loss === 0) drivers.files.kill()
          else {
            const keep = Array.from({ length: drivers.index.writes - 1 }, () => choose(0.8)).indexOf(false)
            drivers.files.crash(loss === 1 ? () => false : choose)
            drivers.index.rewind(keep < 0 ? drivers.index.writes : keep + 1)
          }
          await verify(drivers, progress, `${name}, stop ${stopAt}, loss ${loss}`)
          cases++
        }
        if (!stopped) break
      }
    })
  }

  test('a stop in the middle of creating a store leaves nothing in the way of another attempt', async () => {
    for (let stopAt = 1; stopAt < 40; stopAt++) {
      const drivers = memoryDrivers()
      drivers.files.stopAt = stopAt
      const created = await createStore(drivers, small).catch((error: unknown) => {
        if (!isClosedByStop(error)) throw error
        return undefined
      })
      if (created !== undefined) await created.close().catch(() => undefined)
      drivers.files.crash(chances(stopAt))
      drivers.processes.nextProcess()
      const again = await createStore(drivers, small).catch(() => openStore(drivers, small))
      await again.commit(batchOf(1))
      await again.close()
      cases++
    }
  })

  test('more than 200 cases were run', () => {
    expect(cases).toBeGreaterThan(200)
  })
})
