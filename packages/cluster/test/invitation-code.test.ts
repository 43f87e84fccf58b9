import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClusterError, type InvitationCode, formatInvitationCode, parseInvitationCode } from '../src/index.ts'
import { crypto } from './principals.ts'

function newCode(addresses: readonly string[]): InvitationCode {
  const { random } = crypto
  return { secret: random.bytes(16), transportKey: random.bytes(32), fingerprint: random.bytes(8), addresses }
}

const addresses = [
  '/ip4/192.168.1.20/tcp/4711/tls',
  '/ip4/10.0.0.1/tcp/65535',
  '/dns4/box.example/tcp/443/tls'
]

describe('parseInvitationCode', () => {
  test('reads what was written, however it was typed', () => {
    const code = newCode(addresses)
    const text = formatInvitationCode(crypto, code)
    expect(parseInvitationCode(crypto, text)).toEqual(code)
    const typed = ` ${text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}\n`
    expect(parseInvitationCode(crypto, typed)).toEqual(code)
  })

  test('is short: two addresses of the usual form take 130 characters', () => {
    const text = formatInvitationCode(crypto, newCode(addresses.slice(0, 2)))
    expect(text.replaceAll('-', '').length).toBeLessThanOrEqual(130)
    expect(text).toMatch(/^BTJ(-[0-9A-Z]{1,5})+$/)
  })

  test('refuses any single character that was mistyped', () => {
    const text = formatInvitationCode(crypto, newCode(addresses.slice(0, 1))).replaceAll('-', '')
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: text.length - 1 }),
        fc.constantFrom('0', '5', '9', 'A', 'H', 'K', 'T', 'Z'),
        (at, to) => {
          fc.pre(text[at] !== to)
          const wrong = text.slice(0, at) + to + text.slice(at + 1)
          expect(() => parseInvitationCode(crypto, wrong)).toThrow(ClusterError)
        }
      ),
      { numRuns: 200 }
    )
  })

  test('refuses what is no code, cut off, or longer than any', () => {
    const text = formatInvitationCode(crypto, newCode(addresses))
    for (const wrong of [
      '',
      'BTJ',
      'BTJ-ZZZZZ',
      text.slice(0, -3),
      text.slice(3),
      `${text}${'0'.repeat(2000)}`,
      'BTJ-U'
    ])
      expect(() => parseInvitationCode(crypto, wrong)).toThrow(/the invitation cannot be read/)
  })

  test('refuses to write more addresses, or longer ones, than fit', () => {
    expect(() =>
      formatInvitationCode(crypto, newCode(Array.from({ length: 5 }, () => '/ip4/1.2.3.4/tcp/5')))
    ).toThrow(ClusterError)
    expect(() => formatInvitationCode(crypto, newCode([`/dns4/${'a'.repeat(250)}/tcp/1`]))).toThrow(
      ClusterError
    )
  })
})
