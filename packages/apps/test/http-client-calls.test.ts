import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { HostFailure } from '../src/host-failure.ts'
import type { HttpPort } from '../src/ports.ts'
import { grantOf, openHost, text } from './host-fixture.ts'

const { denied, invalid, closed, budget, timeout } = hostStatus

describe('requests to other servers', () => {
  interface Asked {
    readonly url: string
    readonly address: string
    readonly headers: readonly { readonly name: string; readonly value: string }[]
    readonly method: string
  }

  function scripted(
    names: Readonly<Record<string, readonly string[]>>,
    answers: Readonly<Record<string, { status: number; location?: string; body?: string }>>
  ): { readonly port: HttpPort; readonly asked: Asked[] } {
    const asked: Asked[] = []
    const port: HttpPort = {
      resolve: (name) => Promise.resolve(names[name] ?? []),
      request: ({ url, address, headers, method, signal }) => {
        asked.push({ url: url.href, address, headers, method })
        const answer = answers[url.href]
        if (answer === undefined) {
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')))
          })
        }
        async function* body(): AsyncGenerator<Uint8Array> {
          yield await Promise.resolve(text(answer?.body ?? ''))
        }
        const location = answer.location === undefined ? [] : [{ name: 'location', value: answer.location }]
        return Promise.resolve({ status: answer.status, headers: location, body: body() })
      }
    }
    return { port, asked }
  }

  const request = {
    method: 'GET',
    url: 'https://api.example/a',
    headers: [],
    content: new Uint8Array(0),
    timeout: 1000,
    redirectsMax: 5
  }
  const client = (...origins: string[]): ReturnType<typeof grantOf> =>
    grantOf('net', { kind: 'http-client', origins })

  test('go to granted origins, to the address that was judged', async () => {
    const { port, asked } = scripted(
      { 'api.example': ['8.8.8.8'] },
      { 'https://api.example/a': { status: 200, body: 'hello' } }
    )
    const host = await openHost({ http: port, granted: [client('https://api.example')] })
    const { reply } = await host.call('http-client.request', { request })
    expect(reply).toMatchObject({ status: 200, rest: undefined })
    expect(new TextDecoder().decode(reply?.content)).toBe('hello')
    expect(asked).toMatchObject([{ address: '8.8.8.8' }])
  })

  test.each([
    ['another host', 'https://else.example/', denied],
    ['another port', 'https://api.example:444/', denied],
    ['another scheme', 'http://api.example/', denied],
    ['a user part that looks like the host', 'https://api.example@else.example/', invalid],
    ['another protocol', 'file:///etc/passwd', invalid],
    ['no address at all', 'nonsense', invalid]
  ])('do not go to %s', async (_name, url, status) => {
    const { port, asked } = scripted({ 'else.example': ['8.8.8.8'], 'api.example': ['8.8.8.8'] }, {})
    const host = await openHost({ http: port, granted: [client('https://api.example')] })
    expect((await host.call('http-client.request', { request: { ...request, url } })).status).toBe(status)
    expect(asked).toEqual([])
  })

  test.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://rebound.example/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/'
  ])('a grant for every host does not reach this machine by %s', async (url) => {
    const { port, asked } = scripted({ 'rebound.example': ['127.0.0.1', '10.0.0.1'] }, {})
    const host = await openHost({ http: port, granted: [client('http://*')] })
    expect((await host.call('http-client.request', { request: { ...request, url } })).status).toBe(denied)
    expect(asked).toEqual([])
  })

  test('a grant of a name does not reach this machine when the name comes to lead here', async () => {
    const leads = ['8.8.8.8']
    const { port, asked } = scripted({ 'api.example': leads }, { 'https://api.example/a': { status: 200 } })
    const host = await openHost({ http: port, granted: [client('https://api.example')] })
    expect((await host.call('http-client.request', { request })).reply?.status).toBe(200)
    leads[0] = '127.0.0.1'
    expect((await host.call('http-client.request', { request })).status).toBe(denied)
    expect(asked).toHaveLength(1)
  })

  test('reach a private address that the grant names', async () => {
    const { port } = scripted({}, { 'http://192.168.1.5:8080/': { status: 204 } })
    const host = await openHost({ http: port, granted: [client('http://192.168.1.5:8080')] })
    const url = 'http://192.168.1.5:8080/'
    expect((await host.call('http-client.request', { request: { ...request, url } })).reply?.status).toBe(204)
  })

  test('every redirect is judged anew, and secrets stay with their origin', async () => {
    const answers = {
      'https://api.example/a': { status: 302, location: 'https://cdn.example/b' },
      'https://cdn.example/b': { status: 200 },
      'https://api.example/in': { status: 302, location: 'http://127.0.0.1/' },
      'https://api.example/round': { status: 302, location: '/round' }
    }
    const { port, asked } = scripted({ 'api.example': ['8.8.8.8'], 'cdn.example': ['8.8.4.4'] }, answers)
    const host = await openHost({
      http: port,
      granted: [client('http://*', 'https://api.example', 'https://cdn.example')]
    })
    const secret = { name: 'authorization', value: 'x' }
    expect(
      (await host.call('http-client.request', { request: { ...request, headers: [secret] } })).reply?.status
    ).toBe(200)
    expect(asked.map(({ headers }) => headers.length)).toEqual([1, 0])
    const inward = { ...request, url: 'https://api.example/in' }
    expect((await host.call('http-client.request', { request: inward })).status).toBe(denied)
    const round = { ...request, url: 'https://api.example/round', redirectsMax: 3 }
    expect((await host.call('http-client.request', { request: round })).reply?.status).toBe(302)
    expect(asked.filter(({ url }) => url.endsWith('/round'))).toHaveLength(4)
  })

  test.each([
    ['host', 'else.example'],
    ['content-length', '5'],
    ['transfer-encoding', 'chunked'],
    ['X-Upper', 'a'],
    ['x-split', 'a\r\nhost: b'],
    ['a b', 'c']
  ])('the header %s: %j is refused', async (name, value) => {
    const { port, asked } = scripted({ 'api.example': ['8.8.8.8'] }, {})
    const host = await openHost({ http: port, granted: [client('https://api.example')] })
    const headers = [{ name, value }]
    expect((await host.call('http-client.request', { request: { ...request, headers } })).status).toBe(
      invalid
    )
    expect(asked).toEqual([])
  })

  test('have a time, and are few at once', async () => {
    const { port } = scripted(
      { 'api.example': ['8.8.8.8'] },
      { 'https://api.example/big': { status: 200, body: 'x'.repeat(700_000) } }
    )
    const host = await openHost({
      http: port,
      granted: [client('https://api.example')],
      limits: { outgoingRequests: 1 }
    })
    const slow = host.call('http-client.request', { request })
    await new Promise((resolve) => setImmediate(resolve))
    host.timers.move(1000)
    expect((await slow).status).toBe(timeout)
    const big = { ...request, url: 'https://api.example/big' }
    const { reply } = await host.call('http-client.request', { request: big })
    expect(reply?.content).toHaveLength(524_288)
    expect((await host.call('http-client.request', { request: big })).status).toBe(budget)
    const rest = reply?.rest ?? 0
    expect((await host.call('http-client.read', { rest, length: 1_000_000 })).reply).toMatchObject({
      last: true
    })
    expect((await host.call('http-client.read', { rest, length: 1 })).status).toBe(closed)
  })

  test('the rest of an answer is not read any more once the grant was taken back', async () => {
    const { port } = scripted(
      { 'api.example': ['8.8.8.8'] },
      { 'https://api.example/a': { status: 200, body: 'x'.repeat(700_000) } }
    )
    const host = await openHost({ http: port, granted: [client('https://api.example')] })
    const rest = (await host.call('http-client.request', { request })).reply?.rest ?? 0
    expect((await host.call('http-client.read', { rest, length: 10 })).reply?.content).toHaveLength(10)
    host.app.setGrants([])
    expect((await host.call('http-client.read', { rest, length: 10 })).status).toBe(denied)
  })

  test('a failure of the connection goes to the next address', async () => {
    const { port } = scripted(
      { 'api.example': ['8.8.8.8', '8.8.4.4'] },
      { 'https://api.example/a': { status: 200 } }
    )
    const tried: string[] = []
    const flaky: HttpPort = {
      resolve: (host, signal) => port.resolve(host, signal),
      request: (one) => {
        tried.push(one.address)
        if (one.address === '8.8.8.8') return Promise.reject(new HostFailure('unreachable', 'refused'))
        return port.request(one)
      }
    }
    const host = await openHost({ http: flaky, granted: [client('https://api.example')] })
    expect((await host.call('http-client.request', { request })).status).toBe(0)
    expect(tried).toEqual(['8.8.8.8', '8.8.4.4'])
  })
})
