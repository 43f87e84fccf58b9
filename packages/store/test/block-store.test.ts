import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testBlockStore } from '@blocktree/tree/conformance'
import { createStore, openStore } from '../src/open-store.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import { memoryDrivers } from './memory-drivers.ts'

testBlockStore('segments and LevelDB on a real disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'blocktree-store-'))
  const drivers = nodeDrivers(join(directory, 'data'))
  const store = await createStore(drivers)
  return {
    store,
    reopen: async () => {
      await store.close()
      return openStore(drivers)
    },
    dispose: () => rm(directory, { recursive: true })
  }
})

testBlockStore('segments on a faulty disk in memory', async () => {
  const drivers = memoryDrivers()
  const store = await createStore(drivers)
  return {
    store,
    failNextCommit: () => {
      drivers.files.failWrites = 1
    },
    reopen: async () => {
      await store.close()
      return openStore(drivers)
    }
  }
})

testBlockStore('segments whose sync fails', async () => {
  const drivers = memoryDrivers()
  return {
    store: await createStore(drivers),
    failNextCommit: () => {
      drivers.files.failSyncs = 1
    }
  }
})
