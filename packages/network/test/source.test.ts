import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SourceCount } from '@blocktree/network'
import { sourceOf } from '../src/source.ts'

const peer = '12D3KooWKt6nBEkau1QagQoXe5wGQJdP43NFc36rFB1QgrkmsDrJ'

describe('sourceOf', () => {
  test('is one for IPv4 addresses with 24 bits in common, whatever is spoken over them', () => {
    const addresses = [
      '/ip4/192.0.2.1/tcp/1/tls',
      '/ip4/192.0.2.254/udp/9/quic-v1',
      '/ip6/::ffff:192.0.2.3/tcp/1'
    ]
    expect(new Set(addresses.map((address) => sourceOf(address)))).toEqual(new Set(['192.0.2.0/24']))
    expect(sourceOf('/ip4/192.0.3.1/tcp/1/tls')).toBe('192.0.3.0/24')
  })

  test('is one for IPv6 addresses with 48 bits in common', () => {
    for (const address of ['2001:db8:5:1::1', '2001:db8:5:ffff:1:2:3:4', '2001:db8:5::'])
      expect(sourceOf(`/ip6/${address}/tcp/1`)).toBe('2001:db8:5::/48')
    expect(sourceOf('/ip6/2001:db8::1/tcp/1')).toBe('2001:db8:0::/48')
    expect(sourceOf('/ip6/fe80::1/tcp/1')).toBe('fe80:0:0::/48')
  })

  test('is the relay for what comes through one, whatever is claimed behind it', () => {
    const through = `/ip4/192.0.2.1/tcp/1/p2p/${peer}/p2p-circuit`
    expect(sourceOf(through)).toBe(`relay ${peer}`)
    expect(sourceOf(`${through}/p2p/${peer}`)).toBe(`relay ${peer}`)
  })

  test('is none for this machine, for memory and for what is no address', () => {
    for (const address of [
      '/ip4/127.0.0.1/tcp/1',
      '/ip6/::1/tcp/1',
      '/ip6/::ffff:127.0.0.1/tcp/1',
      '/memory/a',
      'x'
    ])
      expect(sourceOf(address)).toBeUndefined()
    fc.assert(fc.property(fc.string(), (text) => void sourceOf(text)))
  })
})

describe('SourceCount', () => {
  test('lets as many of one source in as it may have, and others beside it', () => {
    const count = new SourceCount(2)
    const first = count.take('/ip4/192.0.2.1/tcp/1')
    expect(count.take('/ip4/192.0.2.2/tcp/1')).toBeTypeOf('function')
    expect([count.hasRoom('/ip4/192.0.2.3/tcp/1'), count.take('/ip4/192.0.2.3/tcp/1')]).toEqual([
      false,
      false
    ])
    expect(count.take('/ip4/198.51.100.1/tcp/1')).toBeTypeOf('function')
    for (let index = 0; index < 10; index++) expect(count.take('/ip4/127.0.0.1/tcp/1')).toBeTypeOf('function')
    if (first !== false) for (let times = 0; times < 3; times++) first() // counts once
    expect(count.take('/ip4/192.0.2.4/tcp/1')).toBeTypeOf('function')
    expect(count.take('/ip4/192.0.2.5/tcp/1')).toBe(false)
  })
})
