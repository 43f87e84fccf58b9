import { describe, expect, test } from 'vitest'
import { Gate } from '../src/index.ts'
import { strangersMax, strangersOfSourceMax } from '../src/limits.ts'
import { crypto, startMs } from './principals.ts'

const key = (): Uint8Array => crypto.random.bytes(32)

function newGate(known: Uint8Array = key()) {
  const isKnown = (one: Uint8Array): boolean => Buffer.from(one).equals(known)
  const gate = new Gate({ now: () => startMs, knows: isKnown, opensToStrangers: () => true })
  const ends: (() => void)[] = []
  /** As a network and a directory do it. */
  const connect = (address: string): boolean => {
    if (!gate.admits(key(), address)) return false
    const { promise, resolve } = Promise.withResolvers<string>()
    ends.push(() => resolve('gone'))
    gate.hold({ remoteAddress: address, closed: promise })
    return true
  }
  return { gate, connect, ends }
}

describe('Gate', () => {
  test('has room for strangers of several sources, and for a bounded number of each', () => {
    const { gate, connect } = newGate()
    for (let host = 1; host <= strangersOfSourceMax; host++)
      expect(connect(`/ip4/192.0.2.${host}/tcp/4000/tls`)).toBe(true)
    expect(connect('/ip4/192.0.2.200/tcp/4000/tls')).toBe(false)
    expect(connect('/ip4/192.0.2.200/udp/4000/quic-v1')).toBe(false)
    for (let host = strangersOfSourceMax; host < strangersMax; host++)
      expect(connect(`/ip4/198.51.${host}.1/tcp/4000/tls`)).toBe(true)
    expect(connect('/ip4/203.0.113.1/tcp/4000/tls')).toBe(false) // no room at all
    expect(gate.admits(key(), '/ip4/203.0.113.1/tcp/4000/tls')).toBe(false)
  })

  test('lets known keys in when a source has used up its places for strangers', () => {
    const known = key()
    const { gate, connect } = newGate(known)
    while (connect('/ip6/2001:db8:1::1/tcp/4000')) continue
    expect(gate.admits(known, '/ip6/2001:db8:1::2/tcp/4000')).toBe(true)
    expect(gate.admits(key(), '/ip6/2001:db8:1:ffff::2/tcp/4000')).toBe(false)
    expect(gate.admits(key(), '/ip6/2001:db8:2::2/tcp/4000')).toBe(true)
  })

  test('gives a place back when its connection ends, once', async () => {
    const { connect, ends } = newGate()
    const address = '/ip4/192.0.2.1/tcp/4000'
    while (connect(address)) continue
    ends[0]?.()
    await Promise.resolve()
    await Promise.resolve()
    expect([connect(address), connect(address)]).toEqual([true, false])
  })
})
