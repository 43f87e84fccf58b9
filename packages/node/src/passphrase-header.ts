/**
 * The head of a file that is sealed under a passphrase (doc/spec/13-configuration.md, section 6): what Argon2id needs,
 * and a commitment, so that a wrong passphrase is told from damage.
 *
 *   magic (8) | version u8 = 1 | memory KiB u32 | passes u16 | lanes u8 | random (16) | commitment (32)
 */
import {
  type Argon2Cost,
  type CryptoProvider,
  keyFileCostDefault,
  keyFileCostMax,
  passwordBytes,
  wipe
} from '@blocktree/crypto'

const version = 1
const commitmentOffset = 32
export const passphraseHeaderBytes = 64

export interface OpenedHeader {
  readonly header: Uint8Array
  /** 32 bytes; the caller wipes it. */
  readonly key: Uint8Array
}

/** @param magic 8 bytes */
export async function createPassphraseHeader(
  crypto: CryptoProvider,
  magic: Uint8Array,
  passphrase: string
): Promise<OpenedHeader> {
  const header = new Uint8Array(passphraseHeaderBytes)
  const view = new DataView(header.buffer)
  header.set(magic)
  view.setUint8(8, version)
  view.setUint32(9, keyFileCostDefault.memoryKib)
  view.setUint16(13, keyFileCostDefault.passes)
  view.setUint8(15, keyFileCostDefault.parallelism)
  header.set(crypto.random.bytes(16), 16)
  const { key, commitment } = await derive(crypto, passphrase, header, keyFileCostDefault)
  header.set(commitment, commitmentOffset)
  return { header, key }
}

/** @returns the key, or what is wrong */
export async function openPassphraseHeader(
  crypto: CryptoProvider,
  magic: Uint8Array,
  header: Uint8Array,
  passphrase: string
): Promise<OpenedHeader | 'damaged' | 'version' | 'cost' | 'passphrase'> {
  if (header.length !== passphraseHeaderBytes || !magic.every((byte, index) => byte === header[index]))
    return 'damaged'
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  if (view.getUint8(8) !== version) return 'version'
  const cost = { memoryKib: view.getUint32(9), passes: view.getUint16(13), parallelism: view.getUint8(15) }
  if (!isBearable(cost)) return 'cost'
  const { key, commitment } = await derive(crypto, passphrase, header, cost)
  if (Buffer.from(commitment).equals(header.subarray(commitmentOffset))) return { header, key }
  wipe(key)
  return 'passphrase'
}

/** What a hostile file can make us spend. */
function isBearable({ memoryKib, passes, parallelism }: Argon2Cost): boolean {
  return (
    passes >= 1 &&
    parallelism >= 1 &&
    parallelism <= keyFileCostMax.parallelism &&
    memoryKib >= 8 * parallelism &&
    memoryKib <= keyFileCostMax.memoryKib &&
    memoryKib * passes <= keyFileCostMax.memoryKibPasses
  )
}

async function derive(
  crypto: CryptoProvider,
  passphrase: string,
  header: Uint8Array,
  cost: Argon2Cost
): Promise<{ readonly key: Uint8Array; readonly commitment: Uint8Array }> {
  const password = passwordBytes(passphrase)
  const salt = crypto.sha256(header.subarray(0, commitmentOffset)) // binds magic, version and cost
  const derived = await crypto.argon2id(password, salt, cost, 64)
  wipe(password)
  return { key: derived.slice(0, 32), commitment: derived.slice(32) }
}
