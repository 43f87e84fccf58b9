/**
 * The convergence secret: the key under which leaves are hashed into their own keys. Equal content under one secret gives
 * equal blocks: with the null secret everybody's copies are one, and anybody can test whether a known content is stored;
 * with a random one nobody can.
 */
import type { Random } from '@blocktree/crypto'
import { ErisError } from './eris-error.ts'

export const secretBytes = 32

/** 32 zeros, used as a key: not the same as no key. */
export function nullSecret(): Uint8Array {
  return new Uint8Array(secretBytes)
}

/** For one encoding that shares no block with any other. */
export function uniqueSecret(random: Random): Uint8Array {
  return random.bytes(secretBytes)
}

export function expectSecretLength(secret: Uint8Array): void {
  if (secret.length === secretBytes) return
  throw new ErisError(
    'ERR_ERIS_ARGUMENT',
    `a convergence secret has ${secretBytes} bytes, not ${secret.length}`
  )
}
