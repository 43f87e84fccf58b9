import { HostFailure, type HttpPort } from '@blocktree/apps'
import { expect, test } from 'vitest'
import { getFromWeb } from '../../src/eris/web-source.ts'

type Answer = { readonly status: number; readonly location?: string }

/** Names with addresses, URLs with answers; what was asked is kept. */
function web(
  names: Readonly<Record<string, readonly string[]>>,
  answers: Readonly<Record<string, Answer>>
): HttpPort & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    resolve: async (host) => names[host] ?? [],
    async request({ url, address }) {
      asked.push(`${address} ${url.href}`)
      const answer = answers[url.href]
      if (answer === undefined) throw new HostFailure('unreachable', 'nobody is there')
      const { status, location } = answer
      const headers = location === undefined ? [] : [{ name: 'location', value: location }]
      return { status, headers, body: bodyOf(url.href) }
    }
  }
}

async function* bodyOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

async function read(http: HttpPort, url: string, isPrivateAllowed = false): Promise<string> {
  const body = await getFromWeb(http, { url, isPrivateAllowed, signal: new AbortController().signal })
  return Buffer.concat(await Array.fromAsync(body)).toString()
}

const refused = { code: 'ERR_CONTENT_URL' }
const good = { status: 200 }

test('a URL is read at the address its name leads to, and where it redirects', async () => {
  const http = web(
    { 'a.example': ['203.0.114.5'], 'b.example': ['198.52.0.1'] },
    { 'https://a.example/x': { status: 302, location: 'https://b.example/y' }, 'https://b.example/y': good }
  )
  expect(await read(http, 'https://a.example/x')).toBe('https://b.example/y')
  expect(http.asked).toEqual(['203.0.114.5 https://a.example/x', '198.52.0.1 https://b.example/y'])
})

test.for([
  'http://127.0.0.1/',
  'http://2130706433/', // the same
  'http://[::1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://169.254.169.254/latest/meta-data',
  'http://192.168.1.1/reboot',
  'http://shelf.local/'
])('%s is not asked when a stranger names it, but when the owner does', async (url) => {
  const names = { 'shelf.local': ['10.1.2.3'] }
  const http = web(names, { [new URL(url).href]: good })
  await expect(read(http, url)).rejects.toMatchObject(refused)
  expect(http.asked).toEqual([])
  expect(await read(http, url, true)).toBe(new URL(url).href)
})

test('a public name that leads into the network is not asked, whoever named it', async () => {
  const http = web({ 'rebinding.example': ['10.1.2.3'] }, { 'http://rebinding.example/': good })
  await expect(read(http, 'http://rebinding.example/')).rejects.toMatchObject(refused)
  await expect(read(http, 'http://rebinding.example/', true)).rejects.toMatchObject(refused)
  expect(http.asked).toEqual([])
})

test('a redirect into the network is not followed, whoever named the URL', async () => {
  const http = web(
    { 'a.example': ['203.0.114.5'] },
    { 'http://a.example/': { status: 307, location: 'http://127.0.0.1:1/' }, 'http://127.0.0.1:1/': good }
  )
  await expect(read(http, 'http://a.example/')).rejects.toMatchObject(refused)
  await expect(read(http, 'http://a.example/', true)).rejects.toMatchObject(refused)
  expect(http.asked).toEqual(['203.0.114.5 http://a.example/', '203.0.114.5 http://a.example/'])
})

test('what is no web address, answers with an error or redirects without end is refused', async () => {
  const names = { 'a.example': ['203.0.114.5'] }
  const http = web(names, {
    'http://a.example/gone': { status: 404 },
    'http://a.example/round': { status: 301, location: '/round' },
    'http://a.example/file': { status: 301, location: 'file:///etc/passwd' }
  })
  for (const url of ['file:///etc/passwd', 'ftp://a.example/', 'no URL']) {
    await expect(read(http, url, true)).rejects.toMatchObject(refused)
  }
  for (const path of ['gone', 'round', 'file', 'nobody']) {
    await expect(read(http, `http://a.example/${path}`)).rejects.toMatchObject(refused)
  }
  await expect(read(http, 'http://unknown.example/')).rejects.toMatchObject(refused)
})
