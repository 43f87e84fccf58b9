import { describe, expect, test } from 'vitest'
import { decodeEndpointBody, encodeEndpointBody, endpointName, nameOfEndpoint } from '../src/index.ts'

const body = {
  tree: new Uint8Array(32),
  transportKey: new Uint8Array(32).fill(1),
  addresses: ['/ip4/192.0.2.1/tcp/4781/tls'],
  notAfter: 1_800_000_000_000,
  sequence: 1
}

describe('endpointName', () => {
  test('is read again from an endpoint, beside extensions of others', () => {
    const ext = [{ code: 1, critical: false, bytes: new Uint8Array(0) }, endpointName('attic-2')]
    expect(nameOfEndpoint(decodeEndpointBody(encodeEndpointBody({ ...body, ext })))).toBe('attic-2')
  })

  test('is absent when nothing is said, or what is no name', () => {
    expect(nameOfEndpoint(decodeEndpointBody(encodeEndpointBody(body)))).toBeUndefined()
    for (const name of ['', 'Attic', '-attic', 'a'.repeat(65), 'a b', 'a\u0000', '\u202eattic'])
      expect(nameOfEndpoint({ ext: [endpointName(name)] })).toBeUndefined()
    const bytes = new Uint8Array([0xff, 0xfe])
    expect(nameOfEndpoint({ ext: [{ code: 2, critical: false, bytes }] })).toBeUndefined()
  })
})
