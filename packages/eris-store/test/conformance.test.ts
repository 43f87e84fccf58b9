/** Every driver keeps the contract of the port. */
import { testBlockStore } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import {
  type BlockStore,
  allPermissions,
  referenceKey,
  referenceOfKey,
  type ReferenceKey
} from '@blocktree/eris'
import {
  type BlockKeeper,
  createCoapStore,
  createFallbackStore,
  createHttpStore,
  createPortStore,
  createRestrictedStore,
  createVerifiedStore,
  openBlockStore,
  openCborStore,
  openDirectoryStore,
  openSqliteStore,
  storePathDefault
} from '@blocktree/eris-store'
import { createRecentStore } from '../src/recent-store.ts'
import { makeScratch, serveMemory } from './scratch.ts'

testBlockStore('directory', async () => {
  const scratch = makeScratch()
  const path = scratch.path('blocks')
  return {
    store: await openDirectoryStore(path),
    openWith: (permissions) => openDirectoryStore(path, { permissions }),
    reopen: () => openDirectoryStore(path),
    cleanUp: async () => scratch[Symbol.dispose]()
  }
})

testBlockStore('SQLite', async () => {
  const scratch = makeScratch()
  const path = scratch.path('blocks.sqlite')
  return {
    store: await openSqliteStore(path),
    openWith: (permissions) => openSqliteStore(path, { permissions }),
    reopen: () => openSqliteStore(path),
    cleanUp: async () => scratch[Symbol.dispose]()
  }
})

testBlockStore('CBOR file', async () => {
  const scratch = makeScratch()
  const path = scratch.path('blocks.cbor')
  const store = await openCborStore(path)
  return {
    store,
    openWith: async (permissions) =>
      createRestrictedStore(store, { permissions: { ...allPermissions, ...permissions } }),
    reopen: () => openCborStore(path),
    cleanUp: async () => scratch[Symbol.dispose]()
  }
})

for (const listen of ['coap+tcp://127.0.0.1:0', 'coap://127.0.0.1:0', 'unix'])
  testBlockStore(`CoAP, ${listen}`, async () => {
    const scratch = makeScratch()
    const server = await serveMemory(listen === 'unix' ? `coap+unix://${scratch.path('socket')}` : listen)
    const [url = ''] = server.urls
    return {
      store: createCoapStore(url, storePathDefault),
      openWith: async (permissions) => createCoapStore(url, storePathDefault, { permissions }),
      reopen: async () => createCoapStore(url, storePathDefault),
      cleanUp: async () => {
        await server.close()
        scratch[Symbol.dispose]()
      }
    }
  })

testBlockStore('HTTP', async () => {
  const server = await serveMemory('http://127.0.0.1:0')
  const url = new URL(server.urls[0] ?? '')
  return {
    store: createHttpStore(url),
    openWith: async (permissions) => createHttpStore(url, { permissions }),
    reopen: async () => createHttpStore(url),
    cleanUp: () => server.close()
  }
})

function createKeeper(): BlockKeeper {
  const blocks = new Map<ReferenceKey, Uint8Array>()
  return {
    read: async (reference) => blocks.get(referenceKey(reference)),
    write: async (written) => {
      for (const { reference, bytes } of written) blocks.set(referenceKey(reference), bytes)
    },
    sizeOf: async (reference) => blocks.get(referenceKey(reference))?.length,
    remove: async (reference) => blocks.delete(referenceKey(reference)),
    async *list() {
      for (const [key, { length }] of blocks)
        if (length === 1024 || length === 32_768) yield { reference: referenceOfKey(key), size: length }
    }
  }
}

testBlockStore('port of a keeper', async () => {
  const keeper = createKeeper()
  return {
    store: createPortStore(keeper, { name: 'a keeper' }),
    openWith: async (permissions) => createPortStore(keeper, { name: 'a keeper', permissions }),
    reopen: async () => createPortStore(keeper, { name: 'a keeper' })
  }
})

testBlockStore('verified', async () => ({ store: createVerifiedStore(createMemoryStore()) }))

testBlockStore('fallback with a cache', async () => ({
  store: createFallbackStore([{ store: createMemoryStore(), isCache: true }, { store: createMemoryStore() }])
}))

testBlockStore('recent blocks', async () => ({ store: createRecentStore({ bytesMax: 10_000_000 }) }))

testBlockStore('restricted', async () => {
  const inner = createMemoryStore()
  const restrict = (permissions: Partial<BlockStore['permissions']>): BlockStore =>
    createRestrictedStore(inner, { permissions: { ...allPermissions, ...permissions } })
  return {
    store: restrict({}),
    openWith: async (permissions) => restrict(permissions),
    reopen: async () => restrict({})
  }
})

testBlockStore('opened by URLs', async () => {
  const scratch = makeScratch()
  return {
    store: await openBlockStore(
      `memory:?cache sqlite:${scratch.path('a.sqlite')} dir+file://${scratch.path('b')}`
    ),
    cleanUp: async () => scratch[Symbol.dispose]()
  }
})
