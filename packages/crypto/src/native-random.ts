/**
 * The operating system's generator, drawn ahead: a call to it costs about 6 us whatever the length, and signing one
 * header needs two. Bytes are wiped from the pool when they are handed out.
 */
import { randomFillSync } from 'node:crypto'
import type { Random } from './crypto-provider.ts'
import { type NewBytes, ownBytes } from './result-room.ts'
import { wipe } from './wipe.ts'

const poolBytes = 4096 // a page, refilled at once
const pooledBytesMax = 128 // longer requests go to the generator

export function createPooledRandom(newBytes: NewBytes = ownBytes): Random {
  const pool = new Uint8Array(poolBytes)
  let offset = poolBytes
  return {
    bytes(length: number): Uint8Array {
      if (length > pooledBytesMax) return randomFillSync(new Uint8Array(length))
      if (offset + length > poolBytes) {
        randomFillSync(pool)
        offset = 0
      }
      const source = pool.subarray(offset, offset + length)
      const drawn = newBytes(length)
      drawn.set(source)
      wipe(source)
      offset += length
      return drawn
    }
  }
}
