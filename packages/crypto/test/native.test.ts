import { testCryptoProvider } from '../src/conformance.ts'
import { createNativeProvider } from '../src/native.ts'

testCryptoProvider('native', () => createNativeProvider())
testCryptoProvider('native without libsodium', () => createNativeProvider({ sodium: false }))
