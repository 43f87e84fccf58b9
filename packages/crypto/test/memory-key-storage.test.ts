import { testKeyStorage } from '../src/conformance.ts'
import { createMemoryKeyStorage } from '../src/memory-key-storage.ts'
import { createNativeProvider } from '../src/native.ts'
import { createPortableProvider } from '../src/portable.ts'

const cost = { memoryKib: 32, passes: 1, parallelism: 1 }

testKeyStorage('memory', async () => createMemoryKeyStorage({ crypto: createNativeProvider(), cost }))
testKeyStorage('memory, portable provider', async () =>
  createMemoryKeyStorage({ crypto: createPortableProvider(), cost })
)
