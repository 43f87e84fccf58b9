import { describe, expect, test } from 'vitest'
import { openBlockStore, parseStoreUrl } from '@blocktree/eris-store'
import { parseListenUrl } from '../src/listen-url.ts'

const all = { isGet: true, isPut: true, isCache: false, isServing: false }

describe('a URL of a store', () => {
  test.each([
    ['memory:', { kind: 'memory', location: 'memory', ...all }],
    ['dir+file:///a/b%20c', { kind: 'directory', location: '/a/b c', ...all }],
    ['dir+fs:///a', { kind: 'directory', location: '/a', ...all }],
    ['sqlite:blocks.db', { kind: 'sqlite', location: 'blocks.db', ...all }],
    [
      'sqlite:/abs/blocks.db?get',
      {
        kind: 'sqlite',
        location: '/abs/blocks.db',
        isGet: true,
        isPut: false,
        isCache: false,
        isServing: false
      }
    ],
    [
      'cbor+file:///x.cbor?put',
      { kind: 'cbor', location: '/x.cbor', isGet: false, isPut: true, isCache: false, isServing: false }
    ],
    [
      'http://host:8080/deep?get&cache',
      {
        kind: 'http',
        location: 'http://host:8080/deep',
        isGet: true,
        isPut: true,
        isCache: true,
        isServing: false
      }
    ],
    [
      'sqlite:x?cache&limit=64MiB',
      {
        kind: 'sqlite',
        location: 'x',
        isGet: true,
        isPut: true,
        isCache: true,
        bytesMax: 67_108_864,
        isServing: false
      }
    ],
    ['coap+tcp://host', { kind: 'coap', location: 'coap+tcp://host', path: undefined, ...all }],
    [
      'coap://[::1]:99/other/place',
      { kind: 'coap', location: 'coap://[::1]:99/other/place', path: '/other/place', ...all }
    ],
    [
      'coap+unix:///run/eris.sock?get',
      {
        kind: 'coap',
        location: 'coap+unix:///run/eris.sock',
        path: undefined,
        isGet: true,
        isPut: false,
        isCache: false,
        isServing: false
      }
    ]
  ])('%s says what it is and what it is for', (text, expected) => {
    expect(parseStoreUrl(text)).toEqual(expected)
  })

  test.each([
    '',
    'memory',
    'ftp://x',
    'dir+file://host/x',
    'dir+file:',
    'sqlite:',
    'http:',
    'coap://',
    'coap+unix://',
    'memory:?read',
    'coap://x?serve',
    'memory:?get&drop',
    'sqlite:x?limit=64MiB',
    'sqlite:x?cache&limit=',
    'sqlite:x?cache&limit=1KiB',
    'sqlite:x?cache&limit=64MB',
    'sqlite:x?cache&limit=64MiB&limit=65MiB',
    'http://host?cache&limit=64MiB',
    'cbor+file:x?cache&limit=64MiB'
  ])('"%s" is refused', (text) => {
    expect(() => parseStoreUrl(text)).toThrow(expect.objectContaining({ code: 'ERR_ERIS_ARGUMENT' }))
  })

  test('has to be there', async () => {
    await expect(openBlockStore('  ')).rejects.toMatchObject({ code: 'ERR_ERIS_ARGUMENT' })
    await expect(openBlockStore('memory: sqlite:/nowhere/at/all')).rejects.toMatchObject({
      code: 'ERR_ERIS_STORE_UNAVAILABLE'
    })
  })
})

describe('an address to listen on', () => {
  test.each([
    ['coap+unix:///x', { kind: 'coap', isGet: true, isPut: true, isPrivate: false, socketMode: 0o600 }],
    ['coap+unix:///x?get&mode=0666', { isGet: true, isPut: false, socketMode: 0o666 }],
    [
      'http://127.0.0.1:8080?get',
      { kind: 'http', url: 'http://127.0.0.1:8080', isPut: false, isPrivate: false }
    ],
    ['http://127.0.0.1:8080?get&decode', { isPrivate: true }],
    ['http+unix:///x', { isPrivate: true }]
  ])('%s says what may be done there', (text, expected) => {
    expect(parseListenUrl(text)).toMatchObject(expected)
  })

  test.each([
    'ftp://x',
    'http://999.1.1.1:1',
    'coap://x?decode',
    'coap://x?mode=660',
    'coap+unix:///x?mode=9',
    'http://x?cache',
    'coap://x?ask',
    'http://x?ask',
    'nothing'
  ])('%s is refused', (text) => {
    expect(() => parseListenUrl(text)).toThrow(expect.objectContaining({ code: 'ERR_ERIS_ARGUMENT' }))
  })
})
