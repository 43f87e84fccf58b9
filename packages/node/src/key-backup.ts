/**
 * All key files of a node in one file, sealed under a passphrase (doc/spec/13-configuration.md, section 6):
 *
 *   magic "btkeys" CR LF (8) | version u8 = 1 | memory KiB u32 | passes u16 | lanes u8 | salt (16) | commitment (32)
 *   | ChaCha20-Poly1305 of JSON { name: base64 of the key file }, key from Argon2id, nonce zero, everything before as
 *   associated data
 *
 * The root key inside stays sealed under its own passphrase.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import {
  aead,
  type Argon2Cost,
  type CryptoProvider,
  keyFileCostDefault,
  keyFileCostMax,
  keyNamePattern,
  passwordBytes,
  wipe
} from '@blocktree/crypto'
import { writeFileDurably } from './data-directory.ts'
import { NodeError, reasonOf } from './node-error.ts'

const magic: Uint8Array = new TextEncoder().encode('btkeys\r\n')
const version = 1
const headerBytes = 8 + 1 + 4 + 2 + 1 + 16
const commitmentBytes = 32
const backupBytesMax = 1024 * 1024 // hundreds of keys
const suffix = '.key'

export interface KeyBackupDeps {
  readonly crypto: CryptoProvider
  /** Where the key files lie. */
  readonly folder: string
}

/** @throws ERR_PATH_LOCAL when the file exists or cannot be written */
export async function backUpKeys(
  deps: KeyBackupDeps,
  file: string,
  passphrase: string
): Promise<{ readonly keys: readonly string[]; readonly bytes: number }> {
  expectNewFile(file)
  const files = readKeyFiles(deps.folder)
  const sealed = await sealKeyFiles(deps.crypto, files, passphrase)
  try {
    writeFileDurably(file, sealed)
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `cannot write "${file}": ${reasonOf(cause)}`, { cause })
  }
  return { keys: [...files.keys()], bytes: sealed.length }
}

/** Keys that are there already stay as they are. @throws ERR_PATH_LOCAL, ERR_KEY_BACKUP */
export async function restoreKeys(
  deps: KeyBackupDeps,
  file: string,
  passphrase: string
): Promise<{ readonly restored: readonly string[]; readonly kept: readonly string[] }> {
  const files = await openKeyFiles(deps.crypto, readBackup(file), passphrase)
  const restored: string[] = []
  const kept: string[] = []
  for (const [name, bytes] of files) {
    const target = join(deps.folder, name + suffix)
    if (existsSync(target)) kept.push(name)
    else {
      writeFileDurably(target, bytes)
      restored.push(name)
    }
    wipe(bytes)
  }
  return { restored, kept }
}

export function expectNewFile(file: string): void {
  if (!isAbsolute(file)) throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  if (existsSync(file)) throw new NodeError('ERR_PATH_LOCAL', `"${file}" exists; choose another name or remove it first`)
}

function readBackup(file: string): Uint8Array {
  if (!isAbsolute(file)) throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  try {
    const bytes = readFileSync(file)
    if (bytes.length > backupBytesMax) throw new Error('it is too large for a key backup')
    return bytes
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `cannot read "${file}": ${reasonOf(cause)}`, { cause })
  }
}

/** Key files by name, as they lie in the folder. */
export function readKeyFiles(folder: string): ReadonlyMap<string, Uint8Array> {
  const names = readdirSync(folder)
    .filter((entry) => entry.endsWith(suffix))
    .map((entry) => entry.slice(0, -suffix.length))
  return new Map(names.toSorted().map((name) => [name, readFileSync(join(folder, name + suffix))]))
}

export async function sealKeyFiles(
  crypto: CryptoProvider,
  files: ReadonlyMap<string, Uint8Array>,
  passphrase: string
): Promise<Uint8Array> {
  const header = encodeHeader(keyFileCostDefault, crypto.random.bytes(16))
  const { key, commitment } = await derive(crypto, passphrase, header, keyFileCostDefault)
  const content = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toBase64()]))
  const plaintext = new TextEncoder().encode(JSON.stringify(content))
  const associated = Buffer.concat([header, commitment])
  const sealed = crypto.aeadSeal(aead.chacha20Poly1305, key, new Uint8Array(12), associated, plaintext)
  wipe(key)
  wipe(plaintext)
  return Buffer.concat([associated, sealed])
}

/** @throws ERR_KEY_BACKUP for damage, an unknown version, or a wrong passphrase */
export async function openKeyFiles(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  passphrase: string
): Promise<ReadonlyMap<string, Uint8Array>> {
  const header = bytes.subarray(0, headerBytes)
  const cost = decodeHeader(header)
  const { key, commitment } = await derive(crypto, passphrase, header, cost)
  const associated = bytes.subarray(0, headerBytes + commitmentBytes)
  if (!Buffer.from(commitment).equals(associated.subarray(headerBytes))) {
    wipe(key)
    throw new NodeError('ERR_KEY_BACKUP', 'the passphrase does not open the key backup; check it and try again')
  }
  const plaintext = crypto.aeadOpen(aead.chacha20Poly1305, key, new Uint8Array(12), associated, bytes.subarray(associated.length))
  wipe(key)
  if (plaintext === undefined) throw damaged('its content does not authenticate')
  try {
    return decodeContent(plaintext)
  } finally {
    wipe(plaintext)
  }
}

function decodeContent(plaintext: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const content: unknown = JSON.parse(new TextDecoder().decode(plaintext))
  if (typeof content !== 'object' || content === null) throw damaged('it holds no keys')
  const files = new Map<string, Uint8Array>()
  for (const [name, text] of Object.entries(content)) {
    if (!keyNamePattern.test(name) || typeof text !== 'string') throw damaged(`it names a key "${name.slice(0, 64)}"`)
    files.set(name, Uint8Array.fromBase64(text))
  }
  return files
}

function encodeHeader(cost: Argon2Cost, salt: Uint8Array): Uint8Array {
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  header.set(magic)
  view.setUint8(8, version)
  view.setUint32(9, cost.memoryKib)
  view.setUint16(13, cost.passes)
  view.setUint8(15, cost.parallelism)
  header.set(salt, 16)
  return header
}

function decodeHeader(header: Uint8Array): Argon2Cost {
  if (header.length < headerBytes || !magic.every((byte, index) => byte === header[index])) {
    throw damaged('it does not begin like one')
  }
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  if (view.getUint8(8) !== version) throw damaged(`it has version ${view.getUint8(8)}; use a newer program`)
  const cost = { memoryKib: view.getUint32(9), passes: view.getUint16(13), parallelism: view.getUint8(15) }
  const isSane =
    cost.memoryKib >= 8 * cost.parallelism &&
    cost.memoryKib <= keyFileCostMax.memoryKib &&
    cost.memoryKib * cost.passes <= keyFileCostMax.memoryKibPasses &&
    cost.passes >= 1 &&
    cost.parallelism >= 1 &&
    cost.parallelism <= keyFileCostMax.parallelism
  if (!isSane) throw damaged('it asks for more work than any key backup does')
  return cost
}

async function derive(
  crypto: CryptoProvider,
  passphrase: string,
  header: Uint8Array,
  cost: Argon2Cost
): Promise<{ readonly key: Uint8Array; readonly commitment: Uint8Array }> {
  const password = passwordBytes(passphrase)
  const salt = crypto.sha256(header) // the header holds the salt: cost and version are bound with it
  const derived = await crypto.argon2id(password, salt, cost, 64)
  wipe(password)
  return { key: derived.subarray(0, 32), commitment: derived.subarray(32) }
}

function damaged(problem: string): NodeError {
  return new NodeError('ERR_KEY_BACKUP', `the file is no usable key backup: ${problem}`)
}
