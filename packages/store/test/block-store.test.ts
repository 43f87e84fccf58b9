import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FailingStore,
  type LastingStore,
  testBlockStore,
  testFailingBlockStore,
  testLastingBlockStore
} from '@blocktree/tree/conformance'
import { createStore, openStore } from '../src/open-store.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import { type MemoryDrivers, memoryDrivers } from './memory-drivers.ts'

async function onRealDisk(): Promise<LastingStore> {
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
}

async function inMemory(failNext: (drivers: MemoryDrivers) => void): Promise<LastingStore & FailingStore> {
  const drivers = memoryDrivers()
  const store = await createStore(drivers)
  return {
    store,
    failNextCommit: () => failNext(drivers),
    reopen: async () => {
      await store.close()
      return openStore(drivers)
    }
  }
}

const failsToWrite = (): Promise<LastingStore & FailingStore> =>
  inMemory(({ files }) => {
    files.failWrites = 1
  })
const failsToSync = (): Promise<LastingStore & FailingStore> =>
  inMemory(({ files }) => {
    files.failSyncs = 1
  })

testBlockStore('segments and LevelDB on a real disk', onRealDisk)
testLastingBlockStore('segments and LevelDB on a real disk', onRealDisk)

testBlockStore('segments on a disk in memory', failsToWrite)
testLastingBlockStore('segments on a disk in memory', failsToWrite)
testFailingBlockStore('segments whose write fails', failsToWrite)
testFailingBlockStore('segments whose sync fails', failsToSync)
