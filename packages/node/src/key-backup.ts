/**
 * All key files of a node in one file, sealed under a passphrase (doc/spec/13-configuration.md, section 6):
 * header of ./passphrase-header.ts with the magic "btkeys" CR LF, then ChaCha20-Poly1305 of JSON
 * `{ name: base64 of the key file }`, nonce zero, the header as associated data.
 * The root key inside stays sealed under its own passphrase.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { aead, type CryptoProvider, keyNamePattern, wipe } from '@blocktree/crypto'
import { writeFileDurably } from './data-directory.ts'
import { NodeError, reasonOf } from './node-error.ts'
import { createPassphraseHeader, openPassphraseHeader, passphraseHeaderBytes } from './passphrase-header.ts'

const magic: Uint8Array = new TextEncoder().encode('btkeys\r\n')
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
  if (!isAbsolute(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  if (existsSync(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" exists; choose another name or remove it first`)
}

function readBackup(file: string): Uint8Array {
  if (!isAbsolute(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
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
  const { header, key } = await createPassphraseHeader(crypto, magic, passphrase)
  const content = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.toBase64()]))
  const plaintext = new TextEncoder().encode(JSON.stringify(content))
  const sealed = crypto.aeadSeal(aead.chacha20Poly1305, key, new Uint8Array(12), header, plaintext)
  wipe(key)
  wipe(plaintext)
  return Buffer.concat([header, sealed])
}

/** @throws ERR_KEY_BACKUP for damage, an unknown version, or a wrong passphrase */
export async function openKeyFiles(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  passphrase: string
): Promise<ReadonlyMap<string, Uint8Array>> {
  const opened = await openPassphraseHeader(
    crypto,
    magic,
    bytes.subarray(0, passphraseHeaderBytes),
    passphrase
  )
  if (typeof opened === 'string') throw refusal(opened)
  const sealed = bytes.subarray(passphraseHeaderBytes)
  const plaintext = crypto.aeadOpen(
    aead.chacha20Poly1305,
    opened.key,
    new Uint8Array(12),
    opened.header,
    sealed
  )
  wipe(opened.key)
  if (plaintext === undefined) throw damaged('its content does not authenticate')
  try {
    return decodeContent(plaintext)
  } finally {
    wipe(plaintext)
  }
}

function refusal(problem: 'damaged' | 'version' | 'cost' | 'passphrase'): NodeError {
  const texts = {
    damaged: 'it does not begin like one',
    version: 'it has an unknown version; use a newer program',
    cost: 'it asks for more work than any key backup does',
    passphrase: 'the passphrase does not open it; check it and try again'
  }
  return damaged(texts[problem])
}

function decodeContent(plaintext: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const content: unknown = decoding((): unknown => JSON.parse(new TextDecoder().decode(plaintext)))
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw damaged('it holds no keys')
  const files = new Map<string, Uint8Array>()
  for (const [name, text] of Object.entries(content)) {
    if (!keyNamePattern.test(name) || typeof text !== 'string')
      throw damaged(`it names a key "${name.slice(0, 64)}"`)
    files.set(
      name,
      decoding(() => Uint8Array.fromBase64(text))
    )
  }
  return files
}

/** What is not JSON or base64 is damage; its message could show a part of a key. */
function decoding<Value>(decode: () => Value): Value {
  try {
    return decode()
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged('its content is malformed')
    throw error
  }
}

function damaged(problem: string): NodeError {
  return new NodeError('ERR_KEY_BACKUP', `the file is no usable key backup: ${problem}`)
}
