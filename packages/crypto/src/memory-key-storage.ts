/** KeyStorage in memory, for tests: the same bytes as key files, sealed the same way, gone with the process. */
import type { Argon2Cost } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import type { CryptoProvider } from './crypto-provider.ts'
import {
  decodeKeyFile,
  encodeKeyFile,
  isSealedKeyFile,
  keyFileCostDefault,
  verifyKeyFile
} from './key-file.ts'
import { type KeyStorage, expectKeyName } from './key-storage.ts'
import { wipe } from './wipe.ts'

export function createMemoryKeyStorage(deps: { crypto: CryptoProvider; cost?: Argon2Cost }): KeyStorage {
  const files = new Map<string, Uint8Array>()
  return {
    list: async () => [...files.keys()].toSorted(),
    async create(name, secret, options = {}) {
      expectKeyName(name)
      const file = await encodeKeyFile(deps.crypto, secret, options.password, deps.cost ?? keyFileCostDefault)
      if (files.has(name)) {
        wipe(file)
        throw new CryptoError('ERR_KEY_FILE_EXISTS', `key "${name}" exists, remove it or take another name`)
      }
      files.set(name, file)
    },
    async open(name, options = {}) {
      expectKeyName(name)
      const file = files.get(name)
      return file && (await decodeKeyFile(deps.crypto, file, options.password))
    },
    async isSealed(name) {
      expectKeyName(name)
      const file = files.get(name)
      return file && isSealedKeyFile(file)
    },
    async verify(name) {
      expectKeyName(name)
      const file = files.get(name)
      if (file !== undefined) verifyKeyFile(deps.crypto, file)
      return file !== undefined
    },
    async remove(name) {
      expectKeyName(name)
      files.get(name)?.fill(0)
      return files.delete(name)
    }
  }
}
