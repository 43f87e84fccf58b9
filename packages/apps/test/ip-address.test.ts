import { describe, expect, test } from 'vitest'
import { isSpecialAddress, parseAddress } from '../src/ip-address.ts'
import { judgedAddresses } from '../src/outgoing-address.ts'
import { failureOf } from './memory-ports.ts'

describe('parseAddress', () => {
  test.each([
    ['1.2.3.4', [1, 2, 3, 4]],
    ['::', new Array(16).fill(0)],
    ['::1', [...new Array(15).fill(0), 1]],
    ['1:2:3:4:5:6:7:8', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ['::ffff:127.0.0.1', [...new Array(10).fill(0), 255, 255, 127, 0, 0, 1]],
    ['fe80::1%eth0', [0xfe, 0x80, ...new Array(13).fill(0), 1]],
    ['[::1]', [...new Array(15).fill(0), 1]]
  ])('reads %s', (text, bytes) => {
    expect([...(parseAddress(text) ?? [])]).toEqual(bytes)
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    'a.b.c.d',
    '0x7f.1',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3'
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

describe('isSpecialAddress', () => {
  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.19.255.255',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '::127.0.0.1'
  ])('%s is not of the internet', (text) => {
    expect(isSpecialAddress(parseAddress(text) ?? new Uint8Array(0))).toBe(true)
  })

  test.each([
    '1.1.1.1',
    '9.255.255.255',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.1.1',
    '198.17.0.1',
    '198.20.0.1',
    '223.255.255.255',
    '2606:4700::1',
    '2a00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808'
  ])('%s is of the internet', (text) => {
    expect(isSpecialAddress(parseAddress(text) ?? new Uint8Array(0))).toBe(false)
  })
})

describe('judgedAddresses', () => {
  const to =
    (...addresses: string[]) =>
    () =>
      Promise.resolve(addresses)

  test('gives what a name leads to, without private addresses', async () => {
    expect(
      await judgedAddresses('a.example', 'pattern', to('8.8.8.8', '127.0.0.1', '::1', '2a00::1'))
    ).toEqual(['8.8.8.8', '2a00::1'])
  })

  test.each(['pattern', 'literal'] as const)(
    'refuses a public name that leads only into private networks, covered by a %s: its owner decides where it leads',
    async (cover) => {
      for (const address of ['192.168.1.1', '127.0.0.1', '169.254.169.254', '::1', '::ffff:10.0.0.1']) {
        expect(await failureOf(() => judgedAddresses('a.example', cover, to(address)))).toBe('denied')
      }
    }
  )

  test('gives private addresses of a name of the local network to a grant that names it', async () => {
    for (const host of ['localhost', 'printer.local', 'nas.home.arpa', 'a.internal']) {
      expect(await judgedAddresses(host, 'literal', to('192.168.1.1'))).toEqual(['192.168.1.1'])
      expect(await failureOf(() => judgedAddresses(host, 'pattern', to('192.168.1.1')))).toBe('denied')
    }
    for (const host of ['notlocal', 'a.local.example', 'internal.example']) {
      expect(await failureOf(() => judgedAddresses(host, 'literal', to('192.168.1.1')))).toBe('denied')
    }
  })

  test('judges an address that stands in the URL itself without asking for its name', async () => {
    const never = (): Promise<string[]> => Promise.reject(new Error('asked'))
    expect(await failureOf(() => judgedAddresses('127.0.0.1', 'pattern', never))).toBe('denied')
    expect(await failureOf(() => judgedAddresses('[::1]', 'pattern', never))).toBe('denied')
    expect(await judgedAddresses('[::1]', 'literal', never)).toEqual(['::1'])
  })

  test('a name that leads nowhere is unreachable, as is one whose answer is nonsense', async () => {
    expect(await failureOf(() => judgedAddresses('a.example', 'pattern', to()))).toBe('unreachable')
    expect(await failureOf(() => judgedAddresses('a.example', 'literal', to('no address')))).toBe('denied')
  })
})
