/**
 * A process that writes until it is killed: every batch in a store in the directory given, and a line on stdout
 * once it is acknowledged. Run by kill.test.ts.
 */
import { createStore, openStore } from '../src/open-store.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import { StoreError } from '../src/store-error.ts'
import { killedBatch } from './killed-batch.ts'
import { makeSector } from './memory-drivers.ts'

const [directory = '', from = '0', mode = 'write'] = process.argv.slice(2)
const drivers = nodeDrivers(directory)
const options = { segmentBytes: 400_000 }
const store = await openStore(drivers, options).catch((error: unknown) => {
  if (error instanceof StoreError && error.code === 'ERR_STORE_MISSING') return createStore(drivers, options)
  throw error
})

async function lane(first: number): Promise<void> {
  for (let seed = first; ; seed += 16) {
    await store.commit(killedBatch(seed))
    process.stdout.write(`${seed}\n`)
  }
}

async function collectOften(): Promise<void> {
  for (let round = 0; ; round++) {
    await store.commit({ sectors: [makeSector(round, 30_000)] })
    await store.collect([])
  }
}

const lanes = Array.from({ length: 16 }, (_, index) => lane(Number(from) + index))
await Promise.all(mode === 'collect' ? [...lanes, collectOften()] : lanes)
