import { describe, expect, test } from 'vitest'
import { addressesForOthers } from '../../src/cluster/own-endpoint.ts'
import { decodeJoinPackage, encodeJoinPackage } from '../../src/cluster/join-package.ts'
import { freeName } from '../../src/cluster/member-names.ts'

const peer = '/p2p/12D3KooWT28PJvGyt5cd2Sh6oCKdtH56FLhuGPBuaoa25uxwNYM6'

describe('addressesForOthers', () => {
  test('leaves out the peer id and addresses of this machine alone', () => {
    expect(
      addressesForOthers([
        `/ip4/127.0.0.1/tcp/1/tls${peer}`,
        `/ip4/192.0.2.1/tcp/1/tls${peer}`,
        `/ip4/192.0.2.1/tcp/1/tls${peer}`
      ])
    ).toEqual(['/ip4/192.0.2.1/tcp/1/tls'])
  })

  test('keeps those of this machine when there are no others, and the relay in a relayed one', () => {
    expect(addressesForOthers([`/ip4/127.0.0.1/tcp/1/tls${peer}`])).toEqual(['/ip4/127.0.0.1/tcp/1/tls'])
    const relayed = `/ip4/192.0.2.1/tcp/1${peer}/p2p-circuit`
    expect(addressesForOthers([`${relayed}${peer}`])).toEqual([relayed])
  })
})

describe('a join package', () => {
  test('is read as it was written, and nothing else is taken', () => {
    const made = {
      line: 'blocktree-access:abc',
      records: [new Uint8Array([1, 2])],
      members: [{ principal: new Uint8Array([3]), endpoint: new Uint8Array([4]), name: 'attic' }]
    }
    const bytes = encodeJoinPackage(made)
    expect(decodeJoinPackage(bytes)).toEqual(made)
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeJoinPackage(bytes.subarray(0, length))).toThrow(/damaged/)
    expect(() => decodeJoinPackage(new Uint8Array([...bytes, 0]))).toThrow(/damaged/)
  })
})

describe('freeName', () => {
  test('makes a usable name of any text, and another one when it is taken', () => {
    expect(freeName('The Attic!', new Set())).toBe('the-attic-')
    expect(freeName('box', new Set(['box', 'box-2']))).toBe('box-3')
    expect(freeName('node', new Set())).toBe('node-2')
    expect(freeName('…', new Set())).toBe('box')
  })
})
