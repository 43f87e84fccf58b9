import { testCryptoProvider } from '../src/conformance.ts'
import { createPortableProvider } from '../src/portable.ts'

testCryptoProvider('portable', () => createPortableProvider())
