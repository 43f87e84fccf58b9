import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { formatPeerId, NetworkError, parseAddress, withPeer } from '@blocktree/network'
import { expectPeer } from '../src/address.ts'
import { keyOf } from './keys.ts'

const peer = formatPeerId(keyOf(1))
const relay = formatPeerId(keyOf(2))

describe('address', () => {
  test('is read into its parts', () => {
    const address = parseAddress(`/ip4/192.0.2.42/tcp/443/tls/p2p/${peer}`)
    expect(address.parts).toEqual([
      { name: 'ip4', value: '192.0.2.42' },
      { name: 'tcp', value: '443' },
      { name: 'tls', value: undefined },
      { name: 'p2p', value: peer }
    ])
    expect(address.peerKey).toEqual(keyOf(1))
  })

  test('has the bytes of the shared vector', () => {
    const { text } = parseAddress('/ip4/192.0.2.42/tcp/443')
    expect(Buffer.from(multiaddr(text).bytes).toString('hex')).toBe('04c000022a0601bb')
  })

  test('through a relay names the peer behind it', () => {
    const through = `/ip4/192.0.2.1/tcp/1/p2p/${relay}/p2p-circuit`
    expect(parseAddress(through).peerKey).toBeUndefined()
    expect(parseAddress(`${through}/p2p/${peer}`).peerKey).toEqual(keyOf(1))
  })

  test('with a peer of another kind of key, or no address at all, is refused', () => {
    const other = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
    for (const text of [
      `/ip4/192.0.2.1/tcp/1/p2p/${other}`,
      '',
      'x',
      '/ip4/1.2.3',
      '/tcp/99999',
      '/none/1'
    ]) {
      const read = (): unknown => expectPeer(text, undefined)
      expect(read).toThrow(expect.objectContaining({ code: 'ERR_NETWORK_ADDRESS_INVALID' }))
    }
  })

  test('and the expected key must not contradict each other', () => {
    const address = withPeer('/ip4/192.0.2.1/tcp/1', keyOf(1))
    expect(expectPeer(address, keyOf(1)).key).toEqual(keyOf(1))
    expect(expectPeer('/ip4/192.0.2.1/tcp/1', keyOf(1)).key).toEqual(keyOf(1))
    expect(() => expectPeer(address, keyOf(2))).toThrow(
      expect.objectContaining({ code: 'ERR_NETWORK_PEER_MISMATCH' })
    )
  })

  test('of any text throws nothing but our error', () => {
    const part = fc.constantFrom('ip4', 'ip6', 'tcp', 'p2p', 'tls', 'dns', '1.2.3.4', '::1', '443', peer, '')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => `/${parts.join('/')}`)
        ),
        (text) => {
          try {
            const address = parseAddress(text)
            expect(parseAddress(address.text).text).toBe(address.text)
          } catch (error) {
            expect(error).toBeInstanceOf(NetworkError)
          }
        }
      )
    )
  })
})
