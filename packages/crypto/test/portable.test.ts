import { testCryptoProvider } from '../src/conformance.ts'
import { createPortableProvider } from '../src/portable.ts'

const sampleEvery = process.env['SLOW'] === '1' ? 1 : 3

testCryptoProvider('portable', () => createPortableProvider(), { sampleEvery })
