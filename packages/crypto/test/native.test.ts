import { testCryptoProvider } from '../src/conformance.ts'
import { createNativeProvider } from '../src/native.ts'

testCryptoProvider('native', () => createNativeProvider())
testCryptoProvider('native with results in shared chunks', () => {
  let chunk = new ArrayBuffer(4096)
  let used = 0
  return createNativeProvider({
    newBytes: (length) => {
      if (length > 4096) return new Uint8Array(length)
      if (used + length > chunk.byteLength) {
        chunk = new ArrayBuffer(4096)
        used = 0
      }
      used += length
      return new Uint8Array(chunk, used - length, length)
    }
  })
})
testCryptoProvider('native without libsodium', () => createNativeProvider({ sodium: false }))
