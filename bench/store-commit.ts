/**
 * How many durable writes a store takes with 64 in flight, what they cost the main thread, and how long opening
 * takes with a million records.
 * Run: node --conditions=source bench/store-commit.ts [--seconds 3] [--records 1000000]
 */
import { hash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createFrameBuilder, createStore, nodeDrivers, openStore } from '@blocktree/store'
import type { DiskStore } from '@blocktree/store'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, records: { type: 'string', default: '1000000' } }
})
const seconds = Number(values.seconds)
const records = Number(values.records)
const inFlight = 64

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'))
}

/** Runs `put` with 64 in flight for a while; rate, latencies and the processor time of this process. */
async function measure(label: string, put: (index: number) => Promise<void>): Promise<void> {
  const latencies: number[] = []
  let started = 0
  const until = performance.now() + seconds * 1000
  const loop = performance.eventLoopUtilization()
  const before = process.threadCpuUsage()
  const begin = performance.now()
  const lane = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now()
      await put(started++)
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const elapsed = performance.now() - begin
  const cpu = process.threadCpuUsage(before)
  const busy = performance.eventLoopUtilization(loop).utilization
  latencies.sort((left, right) => left - right)
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2)
  const rate = Math.round((latencies.length / elapsed) * 1000)
  const each = ((cpu.user + cpu.system) / latencies.length).toFixed(1)
  console.log(
    `${label}: ${rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, main thread ${each} us each (${Math.round(busy * 100)} % busy)`
  )
}

async function withStore(work: (store: DiskStore, directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'blocktree-bench-'))
  try {
    const store = await createStore(nodeDrivers(directory))
    await work(store, directory)
    await store.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const numbered = (base: Uint8Array, index: number): Uint8Array => {
  const bytes = new Uint8Array(base)
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes
}

const sector = new Uint8Array(randomBytes(4096))
const reference = new Uint8Array(randomBytes(32))
const record = new Uint8Array(randomBytes(700))

await withStore(async (store) => {
  await measure('sectors of 4 KiB', (index) =>
    store.commit({ sectors: [{ reference: numbered(reference, index), bytes: sector }] })
  )
})

await withStore(async (store) => {
  const large = new Uint8Array(randomBytes(65_536))
  await measure('sectors of 64 KiB', (index) =>
    store.commit({ sectors: [{ reference: numbered(reference, index), bytes: large }] })
  )
})

await withStore(async (store) => {
  await measure('records of 700 B with 4 KiB inline and 4 rows', (index) => {
    const id = numbered(reference, index)
    const rows = [1, 2, 3, 4].map((kind) => {
      const key = new Uint8Array(65)
      key[0] = kind
      key.set(id, 1)
      key.set(reference, 33)
      return { key, value: reference }
    })
    return store.commit({ records: [{ id, type: 10, bytes: record, inline: sector }], rows })
  })
})

await withStore(async (store) => {
  const count = 512
  const start = performance.now()
  const before = process.threadCpuUsage()
  const total = 4 * 1024
  let pending: Promise<void>[] = []
  let building = 0
  for (let index = 0; index < total; index += count / 64) {
    const from = performance.now()
    const builder = createFrameBuilder(store.frameSalt, new ArrayBuffer(8 * (131_072 + 128)))
    for (let item = 0; item < 8; item++)
      builder.addSector(numbered(reference, index + item), new Uint8Array(131_072))
    const prepared = builder.finish()
    building += performance.now() - from
    pending.push(store.appendPrepared(prepared))
    if (pending.length >= 8) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
  const elapsed = performance.now() - start
  const cpu = process.threadCpuUsage(before)
  const megabytes = (total * 131_072) / 1e6
  const own = (cpu.user + cpu.system) / 1000 - building
  console.log(
    `prepared sectors of 128 KiB: ${Math.round(megabytes / ((elapsed - building) / 1000))} MB/s, main thread ${((own * 1000) / total).toFixed(1)} us each`
  )
})

if (records > 0) {
  const directory = await mkdtemp(join(tmpdir(), 'blocktree-bench-'))
  try {
    const store = await createStore(nodeDrivers(directory))
    const small = new Uint8Array(randomBytes(300))
    const step = 2000
    for (let index = 0; index < records; index += step) {
      const batch = Array.from({ length: step }, (_, item) => {
        const id = sha256(numbered(reference, index + item))
        return { id, type: 10, bytes: small, inline: undefined }
      })
      await store.commit({ records: batch, rows: batch.map(({ id }) => ({ key: id, value: reference })) })
    }
    await store.close()
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      const opened = await openStore(nodeDrivers(directory))
      times.push(performance.now() - start)
      await opened.close()
    }
    times.sort((left, right) => left - right)
    console.log(
      `open with ${records} records: median ${(times[2] ?? 0).toFixed(0)} ms, resident ${Math.round(process.memoryUsage.rss() / 1e6)} MB`
    )
    sha256(sector)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
