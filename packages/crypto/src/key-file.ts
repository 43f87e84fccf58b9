/**
 * The bytes of a key file, plain or sealed under a password: doc/spec/04-key-files.md. Pure, so that the drivers for
 * files and memory share it. A file is checked from the outside in: length, magic, version, checksum, costs, password.
 */
import { type Argon2Cost, expectLength } from './argument-check.ts'
import { CryptoError } from './crypto-error.ts'
import { type CryptoProvider, aead } from './crypto-provider.ts'
import type { OpenedPrincipalSecret, PrincipalSecret } from './key-storage.ts'
import { createPrincipalSecret } from './principal-secret.ts'
import { wipe } from './wipe.ts'

const magic: Uint8Array = Uint8Array.of(0x62, 0x74, 0x6b, 0x65, 0x79, 0x0d, 0x0a, 0x1a) // "btkey" CR LF SUB
const version = 1
const sealing = { none: 0, argon2idChaCha: 1 } as const

const offset = {
  version: 8,
  sealing: 9,
  reserved: 10,
  body: 12,
  salt: 24,
  commitment: 40,
  sealed: 72
} as const
const seedsBytes = 64
const saltBytes = 16
const checksumBytes = 32
const plainFileBytes = offset.body + seedsBytes + checksumBytes
const sealedFileBytes = offset.sealed + seedsBytes + 16 + checksumBytes

/** No key file is longer; a driver reads at most one byte more. */
export const keyFileBytesMax: number = sealedFileBytes

/** What a hostile file can make a reader spend: 1 GiB, and 4 GiB of memory traffic in passes. */
export const keyFileCostMax: {
  readonly memoryKib: number
  readonly memoryKibPasses: number
  readonly parallelism: number
} = {
  memoryKib: 1 << 20,
  memoryKibPasses: 1 << 22,
  parallelism: 64
}

/** RFC 9106, section 4, second recommended option: about a tenth of a second on two cores. */
export const keyFileCostDefault: Argon2Cost = { memoryKib: 65_536, passes: 3, parallelism: 4 }

const derivationLabel: Uint8Array = new TextEncoder().encode('blocktree/key-file/1\0')
const zeroNonce: Uint8Array = new Uint8Array(12) // each file has a salt, so a key of its own

/** @throws ERR_KEY_INVALID when a seed has not 32 bytes, ERR_KEY_FILE_COST when no reader would take the cost */
export async function encodeKeyFile(
  crypto: CryptoProvider,
  secret: PrincipalSecret,
  password: Uint8Array | undefined,
  cost: Argon2Cost
): Promise<Uint8Array> {
  const seeds = joinSeeds(secret)
  const file = password === undefined ? writePlain(seeds) : await writeSealed(crypto, seeds, password, cost)
  wipe(seeds)
  file.set(crypto.sha256(file.subarray(0, -checksumBytes)), file.length - checksumBytes)
  return file
}

/**
 * @throws ERR_KEY_FILE_FORMAT for damage or an unknown version, ERR_KEY_FILE_COST for a file that asks too much,
 * ERR_KEY_FILE_PASSWORD when the password is missing or wrong
 */
export async function decodeKeyFile(
  crypto: CryptoProvider,
  file: Uint8Array,
  password: Uint8Array | undefined
): Promise<OpenedPrincipalSecret> {
  expectIntact(crypto, file)
  if (!isSealedKeyFile(file)) return splitSeeds(file.slice(offset.body, offset.body + seedsBytes))
  const cost = readCost(file)
  expectCost(cost)
  if (password === undefined) {
    throw new CryptoError('ERR_KEY_FILE_PASSWORD', 'key file is sealed, give its password')
  }
  const { key, commitment } = await deriveKey(crypto, password, file.subarray(0, offset.commitment), cost)
  if (!isEqual(commitment, file.subarray(offset.commitment, offset.sealed))) {
    wipe(key)
    throw new CryptoError(
      'ERR_KEY_FILE_PASSWORD',
      'password does not open the key file, check it and try again'
    )
  }
  const header = file.subarray(0, offset.sealed)
  const sealed = file.subarray(offset.sealed, -checksumBytes)
  const seeds = crypto.aeadOpen(aead.chacha20Poly1305, key, zeroNonce, header, sealed)
  wipe(key)
  if (seeds === undefined) throw damaged('its sealed part does not authenticate')
  return splitSeeds(seeds)
}

/** What `decodeKeyFile` checks before it needs a password, with its errors. */
export function verifyKeyFile(crypto: CryptoProvider, file: Uint8Array): void {
  expectIntact(crypto, file)
  if (isSealedKeyFile(file)) expectCost(readCost(file))
}

/** Reads the one byte that says so; the rest is judged by `decodeKeyFile`. ERR_KEY_FILE_FORMAT for other files. */
export function isSealedKeyFile(file: Uint8Array): boolean {
  if (file.length < plainFileBytes || !isEqual(file.subarray(0, magic.length), magic)) {
    throw damaged('it does not begin like a key file')
  }
  if (file[offset.version] !== version) {
    throw new CryptoError(
      'ERR_KEY_FILE_FORMAT',
      `key file has version ${file[offset.version] ?? 0}, this program reads version ${version}: upgrade it`
    )
  }
  const code = file[offset.sealing]
  if (code !== sealing.none && code !== sealing.argon2idChaCha) throw damaged('its sealing code is unknown')
  return code === sealing.argon2idChaCha
}

function expectIntact(crypto: CryptoProvider, file: Uint8Array): void {
  const expectedBytes = isSealedKeyFile(file) ? sealedFileBytes : plainFileBytes
  if (file.length !== expectedBytes) throw damaged(`it has ${file.length} bytes instead of ${expectedBytes}`)
  const checksum = crypto.sha256(file.subarray(0, -checksumBytes))
  if (!isEqual(checksum, file.subarray(-checksumBytes))) throw damaged('its checksum does not match')
  if (file[offset.reserved] !== 0 || file[offset.reserved + 1] !== 0)
    throw damaged('its reserved bytes are set')
}

function writePlain(seeds: Uint8Array): Uint8Array {
  const file = new Uint8Array(plainFileBytes)
  writePrefix(file, sealing.none)
  file.set(seeds, offset.body)
  return file
}

async function writeSealed(
  crypto: CryptoProvider,
  seeds: Uint8Array,
  password: Uint8Array,
  cost: Argon2Cost
): Promise<Uint8Array> {
  expectCost(cost)
  const file = new Uint8Array(sealedFileBytes)
  writePrefix(file, sealing.argon2idChaCha)
  const view = new DataView(file.buffer)
  view.setUint32(offset.body, cost.memoryKib)
  view.setUint32(offset.body + 4, cost.passes)
  view.setUint32(offset.body + 8, cost.parallelism)
  file.set(crypto.random.bytes(saltBytes), offset.salt)
  const { key, commitment } = await deriveKey(crypto, password, file.subarray(0, offset.commitment), cost)
  file.set(commitment, offset.commitment)
  const header = file.subarray(0, offset.sealed)
  file.set(crypto.aeadSeal(aead.chacha20Poly1305, key, zeroNonce, header, seeds), offset.sealed)
  wipe(key)
  return file
}

function writePrefix(file: Uint8Array, sealingCode: number): void {
  file.set(magic)
  file[offset.version] = version
  file[offset.sealing] = sealingCode
}

/** The commitment makes one file open under one password only; the AEAD alone would not. */
async function deriveKey(
  crypto: CryptoProvider,
  password: Uint8Array,
  header: Uint8Array,
  cost: Argon2Cost
): Promise<{ key: Uint8Array; commitment: Uint8Array }> {
  const stretched = await crypto.argon2id(password, header.subarray(offset.salt), cost, 32)
  const info = new Uint8Array([...derivationLabel, ...header])
  const derived = crypto.hkdfSha256(stretched, new Uint8Array(0), info, 64)
  const keys = { key: derived.slice(0, 32), commitment: derived.slice(32) }
  wipe(stretched)
  wipe(derived)
  return keys
}

function readCost(file: Uint8Array): Argon2Cost {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  return {
    memoryKib: view.getUint32(offset.body),
    passes: view.getUint32(offset.body + 4),
    parallelism: view.getUint32(offset.body + 8)
  }
}

function expectCost(cost: Argon2Cost): void {
  const { memoryKib, passes, parallelism } = cost
  const sane = parallelism >= 1 && passes >= 1 && memoryKib >= 8 * parallelism
  const bounded =
    memoryKib <= keyFileCostMax.memoryKib &&
    memoryKib * passes <= keyFileCostMax.memoryKibPasses &&
    passes <= 65_535 &&
    parallelism <= keyFileCostMax.parallelism
  if (!sane || !bounded) {
    throw new CryptoError(
      'ERR_KEY_FILE_COST',
      `key file costs ${memoryKib} KiB, ${passes} passes, parallelism ${parallelism}; allowed are 1 GiB, 4 GiB over all passes, 64`
    )
  }
}

function joinSeeds(secret: PrincipalSecret): Uint8Array {
  expectLength('signing seed', secret.signSeed, 32, 'ERR_KEY_INVALID')
  expectLength('encryption seed', secret.kemSeed, 32, 'ERR_KEY_INVALID')
  const seeds = new Uint8Array(seedsBytes)
  seeds.set(secret.signSeed)
  seeds.set(secret.kemSeed, 32)
  return seeds
}

/** Wipes its argument. */
function splitSeeds(seeds: Uint8Array): OpenedPrincipalSecret {
  const secret = createPrincipalSecret(seeds.slice(0, 32), seeds.slice(32))
  wipe(seeds)
  return secret
}

/** Without a branch on the contents. */
function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}

function damaged(reason: string): CryptoError {
  return new CryptoError('ERR_KEY_FILE_FORMAT', `key file is damaged: ${reason}; restore it from a backup`)
}
