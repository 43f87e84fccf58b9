/**
 * KeyStorage over a folder of key files (`<name>.key`, doc/spec/04-key-files.md). Files have mode 0600 and are written
 * whole: temporary file, fsync, link under the final name (which never overwrites), fsync of the folder.
 */
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Argon2Cost } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import type { CryptoProvider } from './crypto-provider.ts'
import {
  decodeKeyFile,
  encodeKeyFile,
  isSealedKeyFile,
  keyFileBytesMax,
  keyFileCostDefault,
  verifyKeyFile
} from './key-file.ts'
import { type KeyStorage, expectKeyName, keyNamePattern } from './key-storage.ts'
import { wipe } from './wipe.ts'

export interface KeyFileStorageOptions {
  /** Made with mode 0700 at the first `create` when it is absent. */
  readonly folder: string
  readonly crypto: CryptoProvider
  /** Argon2id cost of new sealed files; default 64 MiB, 3 passes, 4 lanes. */
  readonly cost?: Argon2Cost
}

const suffix = '.key'
const checksModes: boolean = process.platform !== 'win32' // there the mode bits say nothing

/**
 * Besides the codes of the port: ERR_KEY_FILE_ACCESS when the system refuses, ERR_KEY_FILE_MODE when group or others may
 * touch a file, ERR_KEY_FILE_FORMAT and ERR_KEY_FILE_COST for damaged or hostile files.
 */
export function createKeyFileStorage(options: KeyFileStorageOptions): KeyStorage {
  const { folder, crypto, cost = keyFileCostDefault } = options
  const pathOf = (name: string): string => {
    expectKeyName(name)
    return join(folder, name + suffix)
  }
  return {
    list: () => listNames(folder),
    async create(name, secret, { password } = {}) {
      const path = pathOf(name)
      if (await exists(path)) throw alreadyExists(path)
      const file = await encodeKeyFile(crypto, secret, password, cost)
      try {
        await writeNewFile(folder, name, file, crypto.random.bytes(8).toHex())
      } finally {
        wipe(file)
      }
    },
    async open(name, { password } = {}) {
      const path = pathOf(name)
      const file = await readKeyFile(path)
      if (file === undefined) return undefined
      try {
        return await decodeKeyFile(crypto, file, password)
      } catch (error) {
        throw naming(path, error)
      } finally {
        wipe(file)
      }
    },
    async isSealed(name) {
      const path = pathOf(name)
      const file = await readKeyFile(path)
      if (file === undefined) return undefined
      try {
        return isSealedKeyFile(file)
      } catch (error) {
        throw naming(path, error)
      } finally {
        wipe(file)
      }
    },
    async verify(name) {
      const path = pathOf(name)
      const file = await readKeyFile(path)
      if (file === undefined) return false
      try {
        verifyKeyFile(crypto, file)
        return true
      } catch (error) {
        throw naming(path, error)
      } finally {
        wipe(file)
      }
    },
    remove: (name) => removeFile(folder, pathOf(name), name)
  }
}

async function listNames(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder))
    .filter((entry) => entry.endsWith(suffix))
    .map((entry) => entry.slice(0, -suffix.length))
    .filter((name) => keyNamePattern.test(name))
    .toSorted()
}

/** Names begin with a dot, so `list` and other programs pass over what a crash left. */
function temporaryPrefix(name: string): string {
  return `.${name}${suffix}.`
}

async function writeNewFile(folder: string, name: string, file: Uint8Array, unique: string): Promise<void> {
  const path = join(folder, name + suffix)
  const temporaryPath = join(folder, temporaryPrefix(name) + unique)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(temporaryPath, file)
    try {
      await publish(temporaryPath, path)
    } finally {
      await unlink(temporaryPath).catch(ignoreAbsence)
    }
    await syncFolder(folder)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw alreadyExists(path)
    throw error instanceof CryptoError ? error : refused('write', path, error)
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, 'wx', 0o600)
  await handle.writeFile(bytes)
  await handle.sync()
}

/** `link` fails when the name is taken; file systems without hard links get a check and a rename instead. */
async function publish(temporaryPath: string, path: string): Promise<void> {
  try {
    await link(temporaryPath, path)
  } catch (error) {
    const unsupported = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))
    if (!unsupported) throw error
    if (await exists(path)) throw alreadyExists(path)
    await rename(temporaryPath, path)
  }
}

async function removeFile(folder: string, path: string, name: string): Promise<boolean> {
  try {
    const leftovers = (await entriesOf(folder)).filter((entry) => entry.startsWith(temporaryPrefix(name)))
    for (const entry of leftovers) await unlink(join(folder, entry)).catch(ignoreAbsence)
    const removed = await unlink(path).then(() => true, ignoreAbsence)
    if (removed) await syncFolder(folder)
    return removed
  } catch (error) {
    throw refused('remove', path, error)
  }
}

/** undefined when there is no such file. */
async function readKeyFile(path: string): Promise<Uint8Array | undefined> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK) // a FIFO must not hang us
    await expectPrivateFile(handle, path)
    const buffer = new Uint8Array(keyFileBytesMax + 1)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error instanceof CryptoError ? error : refused('read', path, error)
  }
}

async function expectPrivateFile(handle: FileHandle, path: string): Promise<void> {
  const status = await handle.stat()
  if (!status.isFile())
    throw new CryptoError('ERR_KEY_FILE_ACCESS', `key file "${path}" is not a regular file`)
  const mode = status.mode & 0o777
  if (checksModes && (mode & 0o077) !== 0) {
    throw new CryptoError(
      'ERR_KEY_FILE_MODE',
      `key file "${path}" has mode 0${mode.toString(8)}, others may use it: run chmod 600, and replace the key if they could read it`
    )
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  await using handle = await open(folder, 'r')
  await handle.sync()
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw refused('list', folder, error)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw refused('read', path, error)
  }
}

function ignoreAbsence(error: unknown): false {
  if (codeOf(error) === 'ENOENT') return false
  throw error
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function alreadyExists(path: string): CryptoError {
  return new CryptoError('ERR_KEY_FILE_EXISTS', `key file "${path}" exists, remove it or take another name`)
}

function refused(action: string, path: string, cause: unknown): CryptoError {
  return new CryptoError(
    'ERR_KEY_FILE_ACCESS',
    `cannot ${action} "${path}": ${codeOf(cause) || 'unknown reason'}`,
    {
      cause
    }
  )
}

/** The same failure with the path in front. */
function naming(path: string, error: unknown): unknown {
  return error instanceof CryptoError
    ? new CryptoError(error.code, `${path}: ${error.message}`, { cause: error })
    : error
}
