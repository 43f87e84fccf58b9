import { testBlockStore } from '../src/conformance.ts'
import { createMemoryStore } from '../src/memory-store.ts'

testBlockStore('memory', () => Promise.resolve({ store: createMemoryStore() }))
