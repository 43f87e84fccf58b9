/** kv.*: the private key-value store of the installation. */
import type { HandlerGroup } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import { keysListedMax } from '../limits.ts'

export const keyValueCalls: HandlerGroup<'kv'> = {
  'kv.get': ({ key }, { keyValues }) => keyValues.get(key),

  'kv.set': async ({ key, value }, { keyValues }) => {
    await keyValues.set(key, value)
    return undefined
  },

  'kv.delete': ({ key }, { keyValues }) => keyValues.delete(key),

  'kv.list-keys': ({ prefix, after, limit }, { keyValues }) =>
    keyValues.list(prefix, after, Math.max(1, Math.min(limit, keysListedMax))),

  'kv.replace': async ({ key, expected, value }, { keyValues }) => {
    await keyValues.update(key, (current) => {
      if (!isSame(current, expected)) return fail('conflict', 'the value is not the expected one')
      return value
    })
    return undefined
  },

  'kv.increment': async ({ key, amount }, { keyValues }) => {
    let sum = 0
    await keyValues.update(key, (current) => {
      sum = readCounter(current) + amount
      if (!Number.isSafeInteger(sum)) return fail('invalid', 'the counter would exceed 2^53-1')
      return amount === 0 ? undefined : writeCounter(sum)
    })
    return sum
  }
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])
}

function readCounter(value: Uint8Array | undefined): number {
  if (value === undefined) return 0
  if (value.byteLength !== 8) return fail('invalid', 'the value is no counter: it does not have eight bytes')
  const count = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0))
  return Number.isSafeInteger(count) ? count : fail('invalid', 'the value is no counter: it exceeds 2^53-1')
}

function writeCounter(count: number): Uint8Array {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, BigInt(count))
  return value
}
