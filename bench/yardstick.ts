/**
 * What this machine could do at best, measured beside the others: one core that encrypts (AES-256-GCM) and hashes
 * (SHA-256) sectors of 128 KiB, and one sequential durable write of the same bytes. The slower of the two is the yardstick.
 */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface Yardstick {
  readonly cryptoSeconds: number
  readonly writeSeconds: number
  readonly seconds: number
}

const sectorBytes = 128 * 1024
const bufferBytes = 16 * 1024 * 1024 // larger than the caches of a core, as content is

export function measureYardstick(directory: string, bytes: number): Yardstick {
  const content = randomBytes(bufferBytes)
  const cryptoSeconds = measureCrypto(content, bytes)
  const writeSeconds = measureWrite(join(directory, 'yardstick'), content, bytes)
  return { cryptoSeconds, writeSeconds, seconds: Math.max(cryptoSeconds, writeSeconds) }
}

function measureCrypto(content: Uint8Array, bytes: number): number {
  const key = randomBytes(32)
  const nonce = new Uint8Array(12)
  const started = performance.now()
  for (let done = 0; done < bytes; done += sectorBytes) {
    const offset = done % bufferBytes
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    const sealed = cipher.update(content.subarray(offset, offset + Math.min(sectorBytes, bytes - done)))
    cipher.final()
    createHash('sha256').update(sealed).update(cipher.getAuthTag()).digest()
  }
  return (performance.now() - started) / 1000
}

function measureWrite(path: string, content: Uint8Array, bytes: number): number {
  const started = performance.now()
  const file = openSync(path, 'w')
  for (let done = 0; done < bytes; done += bufferBytes) {
    writeSync(file, content, 0, Math.min(bufferBytes, bytes - done))
  }
  fdatasyncSync(file)
  const seconds = (performance.now() - started) / 1000
  closeSync(file)
  rmSync(path)
  return seconds
}
