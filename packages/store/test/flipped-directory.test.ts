/** One flipped bit at a random place of any file of a real data directory: noticed, nothing else lost. */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createStore, openStore } from '../src/open-store.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import { StoreError } from '../src/store-error.ts'
import type { Reindex } from '../src/store-parts.ts'
import { makeRecord, makeSector, sequence } from './memory-drivers.ts'

const rounds = process.env['SLOW'] === '1' ? 2000 : 40
const count = 400
const reindex: Reindex = (records) => records.map(({ id }) => ({ key: id, value: id }))
const options = { reindex, reserveBytes: 0, segmentBytes: 200_000 }

async function fill(directory: string): Promise<void> {
  const store = await createStore(nodeDrivers(directory), options)
  for (let seed = 0; seed < count; seed++) {
    const record = makeRecord(seed, 100)
    await store.commit({
      sectors: [makeSector(seed, 500)],
      records: [record],
      rows: [{ key: record.id, value: record.id }],
      local: [{ key: sequence(20, seed), value: sequence(300, seed) }]
    })
    // Opening again makes tables of the index.
    if (seed === count / 2) {
      await store.close()
      const again = await openStore(nodeDrivers(directory), options)
      await again.commit({ sectors: [makeSector(5000)] })
      await again.close()
      return fillRest(directory, seed + 1)
    }
  }
  await store.close()
}

async function fillRest(directory: string, from: number): Promise<void> {
  const store = await openStore(nodeDrivers(directory), options)
  for (let seed = from; seed < count; seed++) {
    const record = makeRecord(seed, 100)
    await store.commit({
      sectors: [makeSector(seed, 500)],
      records: [record],
      rows: [{ key: record.id, value: record.id }],
      local: [{ key: sequence(20, seed), value: sequence(300, seed) }]
    })
  }
  await store.close()
}

/** Files that carry data; the texts that LevelDB writes for people, and its empty lock, do not. */
function filesIn(directory: string): string[] {
  const all = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return all.filter((name) => {
    const path = join(directory, name)
    return statSync(path).isFile() && statSync(path).size > 0 && !/\/LOG(\.old)?$/.test(name)
  })
}

function flip(path: string, offset: number, bit: number): void {
  const descriptor = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] = (byte[0] ?? 0) ^ (1 << bit)
  writeSync(descriptor, byte, 0, 1, offset)
  closeSync(descriptor)
}

test(`${rounds} flipped bits in a data directory`, { timeout: rounds * 2000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'blocktree-flip-'))
  try {
    const original = join(root, 'original')
    await fill(original)
    const files = filesIn(original)
    expect(files.some((name) => name.endsWith('.ldb'))).toBe(true)
    for (let round = 0; round < rounds; round++) {
      const copy = join(root, `copy-${round}`)
      cpSync(original, copy, { recursive: true })
      const name = files[round % files.length] ?? ''
      const size = statSync(join(copy, name)).size
      const offset = Math.floor(size * ((round * 0.618_034 + 0.1) % 1))
      flip(join(copy, name), offset, round % 8)
      const where = `${name} at ${offset} of ${size}, bit ${round % 8}`
      const store = await openStore(nodeDrivers(copy), options)
      let lost = 0
      const attempt = (read: () => unknown): void => {
        try {
          if (read() === undefined) lost++
        } catch (error) {
          expect(error, where).toBeInstanceOf(StoreError)
          lost++
        }
      }
      for (let seed = 0; seed < count; seed++) {
        attempt(() => store.readSector(makeSector(seed, 500).reference))
        attempt(() => store.readRecord(makeRecord(seed).id))
        attempt(() => store.index.get(makeRecord(seed).id))
        attempt(() => store.local.get(sequence(20, seed)))
      }
      expect(lost, where).toBeLessThanOrEqual(1)
      const findings = [...store.recovery.findings, ...(await store.check()).findings]
      expect(findings.length + store.recovery.truncatedBytes, where).toBeGreaterThan(0)
      await store.close()
      rmSync(copy, { recursive: true })
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
