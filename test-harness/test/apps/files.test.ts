/** Files in a real node: a granted folder over HTTP, and nothing beside it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InstalledApp } from '../../src/installed-app.ts'
import { type AppNode, hasProgram, startAppNode } from './app-fixture.ts'

const isThere = hasProgram('clang') && hasProgram('wasm-ld')
const missing = isThere ? '' : ' (needs clang and lld, see tools/setup-extras)'
const film = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 31) % 251))

describe.skipIf(!isThere)(`files${missing}`, () => {
  let home: AppNode
  let files: InstalledApp

  beforeAll(async () => {
    home = await startAppNode()
    await home.node.call('file.mkdir', { path: '/photos' })
    await home.node.call('file.create', { path: '/photos/film.mp4', data: film })
    await home.node.call('file.create', { path: '/secret', data: Buffer.from('mine') })
    files = await home.install('files', { folder: '/photos' })
  })
  afterAll(() => home[Symbol.asyncDispose]())

  async function list(path = '', query = ''): Promise<readonly string[]> {
    const { text } = await files.ask(`/api/list/${path}${query}`)
    const { entries }: { readonly entries: readonly { readonly name: string; readonly kind: string }[] } =
      JSON.parse(text)
    return entries.map(({ name, kind }) => (kind === 'folder' ? `${name}/` : name))
  }

  const put = (path: string, body: string | Uint8Array, headers = {}) =>
    files.ask(`/file/${path}`, { method: 'PUT', body, headers })

  test('shows its page, and lists the folder', async () => {
    expect((await files.ask('/')).text).toContain('<title>Files</title>')
    expect(await list()).toEqual(['film.mp4'])
  })

  test('sends a file, whole or in ranges, with its length and its version', async () => {
    const whole = await files.ask('/file/film.mp4')
    expect(whole.status).toBe(200)
    expect(whole.body.equals(film)).toBe(true)
    expect(whole.headers).toMatchObject({
      'content-length': '700000',
      'content-type': 'video/mp4',
      'accept-ranges': 'bytes'
    })
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=131000-131100', 131_000, 131_101],
      ['bytes=699990-', 699_990, 700_000],
      ['bytes=-10', 699_990, 700_000],
      ['bytes=5-99999999', 5, 700_000]
    ] as const) {
      const part = await files.ask('/file/film.mp4', { headers: { range } })
      expect(part.status, range).toBe(206)
      expect(part.headers['content-range']).toBe(`bytes ${from}-${to - 1}/700000`)
      expect(part.headers['content-length']).toBe(String(to - from))
      expect(part.body.equals(film.subarray(from, to)), range).toBe(true)
    }
  })

  test('refuses ranges beyond the end, and sends everything where it does not follow one', async () => {
    const beyond = await files.ask('/file/film.mp4', { headers: { range: 'bytes=700000-' } })
    expect(beyond).toMatchObject({ status: 416, text: '' })
    expect(beyond.headers['content-range']).toBe('bytes */700000')
    for (const range of ['bytes=1-2,5-6', 'lines=1-2', 'bytes=9-3', 'bytes=x', 'bytes=-']) {
      expect((await files.ask('/file/film.mp4', { headers: { range } })).status, range).toBe(200)
    }
    const other = { range: 'bytes=0-9', 'if-range': '"another"' }
    expect((await files.ask('/file/film.mp4', { headers: other })).status).toBe(200)
  })

  test('answers HEAD and conditions without the content, however often', async () => {
    const head = await files.ask('/file/film.mp4', { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers['content-length']).toBe('700000')
    const condition = { 'if-none-match': head.headers.etag ?? '' }
    expect((await files.ask('/file/film.mp4', { headers: condition })).status).toBe(304)
    for (let round = 0; round < 80; round++) await files.ask('/file/film.mp4', { method: 'HEAD' })
    expect((await home.node.call('app.info', { name: 'files' })).openHandles).toBe(0)
  })

  test('stores what is uploaded, small and large, and replaces only what it is told to', async () => {
    expect((await put('small.txt', 'hello')).status).toBe(204)
    expect((await files.ask('/file/small.txt')).text).toBe('hello')
    const large = Buffer.alloc(20_000_000, 'large ')
    expect((await put('large.bin', large)).status).toBe(204)
    const back = await files.ask('/file/large.bin')
    expect(back.body.equals(large)).toBe(true)
    expect((await home.node.call('file.stat', { path: '/photos/large.bin' })).size).toBe(20_000_000)
    expect((await put('small.txt', 'other', { 'if-none-match': '*' })).status).toBe(409)
    expect((await files.ask('/file/small.txt')).text).toBe('hello')
    expect((await put('small.txt', '')).status).toBe(204)
    expect((await files.ask('/file/small.txt')).headers['content-length']).toBe('0')
  })

  test('makes and removes folders, with names of every kind', async () => {
    const name = 'Ä "b" & <c>'
    const path = encodeURIComponent(name)
    expect((await files.ask(`/api/folder/${path}`, { method: 'POST' })).status).toBe(201)
    expect((await files.ask(`/api/folder/${path}`, { method: 'POST' })).status).toBe(409)
    expect((await put(`${path}/x.html`, '<script>alert(1)</script>')).status).toBe(204)
    expect(await list(path)).toEqual(['x.html'])
    expect(await list()).toContain(`${name}/`)
    expect((await files.ask(`/file/${path}`, { method: 'DELETE' })).status).toBe(204)
    expect((await files.ask(`/api/list/${path}`)).status).toBe(404)
  })

  test('lists a large folder page by page', async () => {
    for (let index = 0; index < 520; index++) {
      const path = `/photos/many/${String(index).padStart(3, '0')} ä`
      if (index === 0) await home.node.call('file.mkdir', { path: '/photos/many' })
      await home.node.call('file.create', { path, data: new Uint8Array(0) })
    }
    const first = JSON.parse((await files.ask('/api/list/many')).text) as { readonly next: string }
    expect(first.next).toBe('499 ä')
    const rest = await list('many', `?after=${encodeURIComponent(first.next)}`)
    expect(rest).toHaveLength(20)
    expect(rest[0]).toBe('500 ä')
  })

  test('sends what somebody uploaded as content, never as a page of its own', async () => {
    await put('page.html', '<script>fetch("/file/film.mp4", { method: "DELETE" })</script>')
    const { headers } = await files.ask('/file/page.html')
    expect(headers['content-type']).toBe('application/octet-stream')
    expect(headers['content-disposition']).toContain('attachment')
    expect(headers['content-security-policy']).toContain('sandbox')
    const odd = await put(`${encodeURIComponent('a"\r\nx: y')}.bin`, 'x')
    expect(odd.status).toBeGreaterThanOrEqual(200)
    expect((await files.ask('/file/film.mp4', { method: 'HEAD' })).status).toBe(200)
  })

  test('reaches nothing beside the folder, nor anything once it is taken back', async () => {
    for (const path of ['/file/../secret', '/file/..%2fsecret', '/file/%2e%2e/secret', '/file//secret']) {
      const answer = await files.ask(path)
      expect(answer.status, path).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('mine')
    }
    await home.node.call('app.revoke', { name: 'files', permission: 'folder' })
    expect((await files.ask('/api/list/')).status).toBe(403)
    expect((await files.ask('/file/film.mp4')).status).toBe(403)
    expect((await put('late.txt', 'x')).status).toBe(403)
  })
})
