import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClusterError } from '../src/cluster-error.ts'
import { type HelloDraft, encodeHello, helloPurpose, openHello } from '../src/hello.ts'
import { crypto, newEndpoint, newPrincipal, startMs, treeId } from './principals.ts'

const alice = newPrincipal()
const key = crypto.random.bytes(32)

function draft(change: Partial<HelloDraft> = {}): HelloDraft {
  return {
    principal: alice.record,
    endpoint: newEndpoint(alice, { transportKey: key }),
    trees: [{ tree: treeId, caps: [new Uint8Array(32).fill(9)] }],
    features: ['sync/1'],
    clockMs: startMs,
    purpose: helloPurpose.peer,
    ...change
  }
}

function code(bytes: Uint8Array, remoteKey: Uint8Array = key, nowMs: number = startMs): string {
  try {
    openHello(crypto, bytes, { remoteKey, nowMs })
    return 'taken'
  } catch (error) {
    if (error instanceof ClusterError) return error.code
    throw error
  }
}

describe('openHello', () => {
  test('gives back what was said', () => {
    const hello = openHello(crypto, encodeHello(draft()), { remoteKey: key, nowMs: startMs })
    expect(hello.principal.signer).toEqual(alice.id)
    expect(hello.features).toEqual(['sync/1'])
    expect(hello.trees[0]?.tree).toEqual(treeId)
    expect(hello.purpose).toBe(helloPurpose.peer)
  })

  test('refuses a hello that was recorded and is said over another channel', () => {
    expect(code(encodeHello(draft()), crypto.random.bytes(32))).toBe('ERR_HELLO_PROOF')
  })

  test('refuses an endpoint that another principal signed for the same transport key', () => {
    const mallory = newPrincipal()
    const stolen = draft({ endpoint: newEndpoint(mallory, { transportKey: key }) })
    expect(code(encodeHello(stolen))).toBe('ERR_HELLO_PROOF')
  })

  test('refuses a principal record that is not signed by itself', () => {
    const record = { bytes: alice.record.bytes.slice() }
    record.bytes[record.bytes.length - 1] = (record.bytes.at(-1) ?? 0) ^ 1
    expect(code(encodeHello(draft({ principal: record })))).toBe('ERR_HELLO_PROOF')
  })

  test('refuses an endpoint that has ended, and takes one within the difference of clocks', () => {
    const ended = draft({
      endpoint: newEndpoint(alice, { transportKey: key, notAfter: startMs - 3_600_000 })
    })
    const slow = draft({ endpoint: newEndpoint(alice, { transportKey: key, notAfter: startMs - 60_000 }) })
    expect(code(encodeHello(ended))).toBe('ERR_HELLO_PROOF')
    expect(code(encodeHello(slow))).toBe('taken')
  })

  test('refuses records of another type, other versions and more than its limits', () => {
    expect(code(encodeHello(draft({ endpoint: alice.record })))).toBe('ERR_HELLO_FORMAT')
    expect(code(encodeHello(draft({ features: Array.from({ length: 33 }, String) })))).toBe(
      'ERR_HELLO_FORMAT'
    )
    expect(code(new Uint8Array(30_000))).toBe('ERR_HELLO_FORMAT')
    const other = encodeHello(draft())
    other[1] = 2
    expect(code(other)).toBe('ERR_HELLO_FORMAT')
  })

  test('throws nothing but its own error for any change of one byte', () => {
    const bytes = encodeHello(draft())
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = bytes.slice()
        changed[index] = (changed[index] ?? 0) ^ change
        expect(code(changed)).toMatch(/^(taken|ERR_HELLO_(FORMAT|PROOF))$/)
      }),
      { numRuns: 200 }
    )
  })
})
