import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openStore } from '../src/open-store.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import type { Reindex } from '../src/store-parts.ts'
import { killedBatch } from './killed-batch.ts'
import { sequence } from './memory-drivers.ts'

const rounds = process.env['SLOW'] === '1' ? 500 : 25
const writer = fileURLToPath(new URL('./killed-writer.ts', import.meta.url))
const seedOf = new Map<string, number>()
const reindex: Reindex = (records) =>
  records.map(({ id }) => ({
    key: id,
    value: sequence(32, seedOf.get(Buffer.from(id).toString('hex')) ?? -1)
  }))

/** Lets the writer run for a moment, kills it, and returns what it said was durable. */
async function writeAndKill(
  directory: string,
  from: number,
  mode: string,
  delayMs: number
): Promise<number[]> {
  const child = spawn(process.execPath, ['--conditions=source', writer, directory, String(from), mode], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (!child.stdout.readableEnded) await once(child.stdout, 'close').catch(() => undefined)
  return output.split('\n').slice(0, -1).map(Number)
}

test(
  `${rounds} times: what a killed writer had acknowledged is there`,
  { timeout: rounds * 4000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'blocktree-kill-'))
    const acknowledged: number[] = []
    try {
      for (let round = 0; round < rounds; round++) {
        const from = round * 1_000_000
        const mode = round % 3 === 2 ? 'collect' : 'write'
        const seeds = await writeAndKill(directory, from, mode, (round * 37) % 150)
        acknowledged.push(...seeds)
        for (const seed of seeds)
          seedOf.set(Buffer.from(killedBatch(seed).records[0].id).toString('hex'), seed)
        // Unacknowledged ones may be in the log as well.
        for (let seed = from; seed < from + seeds.length + 64; seed++) {
          seedOf.set(Buffer.from(killedBatch(seed).records[0].id).toString('hex'), seed)
        }
        const store = await openStore(nodeDrivers(directory), { reindex })
        expect(store.recovery.findings).toEqual([])
        expect(store.recovery.rebuilt).toBeUndefined()
        for (const seed of seeds) {
          const { records, rows = [] } = killedBatch(seed)
          expect(store.readRecord(records[0].id), `batch ${seed}`).toEqual(records[0])
          expect(store.index.get(records[0].id), `row ${seed}`).toEqual(rows[0]?.value)
          expect(store.local.get(sequence(8, seed))).toEqual(records[0].id)
        }
        await store.close()
      }
      const store = await openStore(nodeDrivers(directory), { reindex })
      for (const seed of acknowledged) expect(store.hasRecord(killedBatch(seed).records[0].id)).toBe(true)
      expect((await store.check()).findings).toEqual([])
      await store.close()
      expect(acknowledged.length).toBeGreaterThan(rounds)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
)
