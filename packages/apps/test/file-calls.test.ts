/** Files as apps reach them: below their grants, by their rights, and as handles. */
import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import {
  type HostFixture,
  anything,
  everything,
  filesGrant,
  openHost,
  read,
  text,
  write
} from './host-fixture.ts'

const { denied, invalid, closed, budget, conflict, exists } = hostStatus
const notFound = hostStatus['not-found']
const tooLarge = hostStatus['too-large']
const readWrite = { read: true, write: true, create: true, exclusive: false, truncate: false }

describe('files', () => {
  test('are written and read below a grant', async () => {
    const host = await openHost()
    expect(await write(host, '/data/a.txt', 'hello')).toBe(0)
    expect(await read(host, '/data/a.txt')).toBe('hello')
    expect(host.files.text('/apps/notes/data/files/a.txt')).toBe('hello')
  })

  test.each([
    ['data/a', invalid],
    ['/data/../package', invalid],
    ['/data/./a', invalid],
    ['/data//a', invalid],
    ['/data/a\0', invalid],
    ['/data/e\u0301', invalid],
    ['/', invalid],
    ['', invalid],
    ['/../data/a', invalid],
    ['/photos/a', denied],
    ['/apps/notes/package', denied],
    [`/data/${'a/'.repeat(70)}a`, invalid]
  ])('are not reached by the path %j', async (path, status) => {
    const host = await openHost()
    expect(await read(host, path)).toBe(status)
    expect(await write(host, path, 'x')).toBe(status)
    expect(host.files.writes).toEqual([])
  })

  test('need the right for each act', async () => {
    const host = await openHost({ granted: [filesGrant('photos', '/photos', ['read', 'list'], 'folder')] })
    host.files.put('/photos/a', 'picture')
    expect(await read(host, '/photos/a')).toBe('picture')
    expect(await write(host, '/photos/a', 'x')).toBe(denied)
    const expected = { kind: 'anything' } as const
    expect((await host.call('files.remove', { path: '/photos/a', recursive: false, expected })).status).toBe(
      denied
    )
    expect((await host.call('files.create-directory', { path: '/photos/b' })).status).toBe(denied)
    expect((await host.call('locks.acquire', { path: '/photos/a', ttl: 100, wait: 0 })).status).toBe(denied)
    expect((await host.call('files.open', { path: '/photos/a', mode: readWrite })).status).toBe(denied)
    expect(host.lines.some(({ message }) => message.includes('"write"'))).toBe(true)
  })

  test('making a file takes the right "create", changing one does not', async () => {
    const host = await openHost({ granted: [filesGrant('photos', '/photos', ['write'], 'folder')] })
    host.files.put('/photos/a', '1')
    expect(await write(host, '/photos/a', '2')).toBe(0)
    expect(await write(host, '/photos/b', '2')).toBe(denied)
  })

  test('a grant of one file covers nothing below or beside it', async () => {
    const host = await openHost({ granted: [filesGrant('letter', '/photos/a', ['read', 'write'], 'file')] })
    host.files.put('/photos/a', 'dear')
    host.files.put('/photos/b', 'secret')
    expect(await read(host, '/letter')).toBe('dear')
    expect(await read(host, '/letter/b')).toBe(notFound)
  })

  test('that were granted stay: they are neither removed nor moved', async () => {
    const host = await openHost()
    const expected = { kind: 'anything' } as const
    expect((await host.call('files.remove', { path: '/data', recursive: true, expected })).status).toBe(
      invalid
    )
    expect((await host.call('files.move-entry', { source: '/data', target: '/data/a' })).status).toBe(invalid)
  })

  test('are moved within a grant and not across', async () => {
    const host = await openHost({ granted: [...everything, filesGrant('photos', '/photos')] })
    await write(host, '/data/a', '1')
    expect((await host.call('files.move-entry', { source: '/data/a', target: '/data/b' })).status).toBe(0)
    expect(await read(host, '/data/b')).toBe('1')
    expect((await host.call('files.move-entry', { source: '/data/b', target: '/photos/b' })).status).toBe(
      invalid
    )
  })

  test('a write with an expectation that fails changes nothing', async () => {
    const host = await openHost()
    await write(host, '/data/a', '1')
    const options = { ...anything, expected: { kind: 'absent' } } as const
    const again = await host.call('files.write-file', { path: '/data/a', content: text('2'), options })
    expect(again.status).toBe(exists)
    const old = { ...anything, expected: { kind: 'version', value: new Uint8Array(32).fill(9) } } as const
    expect(
      (await host.call('files.write-file', { path: '/data/a', content: text('2'), options: old })).status
    ).toBe(conflict)
    expect(await read(host, '/data/a')).toBe('1')
  })

  test('a read of more than one call may carry is refused', async () => {
    const host = await openHost()
    expect((await host.call('files.read-file', { path: '/data/a', offset: 0, length: 1 << 30 })).status).toBe(
      tooLarge
    )
  })

  test('are listed and described', async () => {
    const host = await openHost()
    await write(host, '/data/a', '1')
    await write(host, '/data/b', '22')
    const page = await host.call('files.list-directory', { path: '/data', after: undefined, limit: 1 })
    expect(page.reply).toMatchObject({ entries: [{ name: 'a', size: 1 }], next: 'a' })
    const rest = await host.call('files.list-directory', { path: '/data', after: 'a', limit: 10 })
    expect(rest.reply).toMatchObject({ entries: [{ name: 'b' }], next: undefined })
    expect((await host.call('files.stat', { path: '/data/b' })).reply).toMatchObject({
      kind: 'file',
      size: 2
    })
    expect((await host.call('files.stat', { path: '/data/c' })).status).toBe(notFound)
  })

  test('an old version is opened from the history', async () => {
    const host = await openHost()
    await write(host, '/data/a', 'one')
    await write(host, '/data/a', 'two')
    const versions = (await host.call('files.history', { path: '/data/a', limit: 10 })).reply ?? []
    expect(versions.map(({ sequence }) => sequence)).toEqual([2, 1])
    const version = versions[1]?.version ?? new Uint8Array(32)
    const handle = (await host.call('files.open-version', { path: '/data/a', version })).reply?.handle ?? 0
    const part = await host.call('files.read', { handle, offset: 0, length: 10 })
    expect(new TextDecoder().decode(part.reply)).toBe('one')
    expect((await host.call('files.write', { handle, offset: 0, content: text('x') })).status).toBe(invalid)
  })
})

describe('open files', () => {
  async function open(
    host: HostFixture,
    path: string,
    more: Partial<typeof readWrite> = {}
  ): Promise<number> {
    const answer = await host.call('files.open', { path, mode: { ...readWrite, ...more } })
    expect(answer.status).toBe(0)
    return answer.reply?.handle ?? 0
  }

  test('what is written is seen by the writer at once, by others after the commit', async () => {
    const host = await openHost()
    await write(host, '/data/a', 'hello world')
    const handle = await open(host, '/data/a')
    await host.call('files.write', { handle, offset: 6, content: text('there') })
    const own = await host.call('files.read', { handle, offset: 0, length: 100 })
    expect(new TextDecoder().decode(own.reply)).toBe('hello there')
    expect(await read(host, '/data/a')).toBe('hello world')
    expect((await host.call('files.commit', { handle, options: anything })).status).toBe(0)
    expect(await read(host, '/data/a')).toBe('hello there')
  })

  test('what is not committed is dropped at the close', async () => {
    const host = await openHost()
    const handle = await open(host, '/data/new')
    await host.call('files.write', { handle, offset: 0, content: text('x') })
    expect((await host.call('files.close', { handle })).status).toBe(0)
    expect(await read(host, '/data/new')).toBe(notFound)
    expect((await host.call('files.write', { handle, offset: 0, content: text('x') })).status).toBe(closed)
  })

  test('a large file that is written in order has no bound, and is one version', async () => {
    const host = await openHost()
    const handle = await open(host, '/data/large', { truncate: true })
    const part = new Uint8Array(1024 * 1024).fill(7)
    for (let index = 0; index < 20; index++) {
      const { status } = await host.call('files.write', {
        handle,
        offset: index * part.byteLength,
        content: part
      })
      expect(status).toBe(0)
    }
    expect((await host.call('files.write', { handle, offset: 0, content: part })).status).toBe(budget)
    expect((await host.call('files.commit', { handle, options: anything })).status).toBe(0)
    expect((await host.call('files.stat', { path: '/data/large' })).reply?.size).toBe(20 * part.byteLength)
    expect(host.files.writes).toEqual(['/apps/notes/data/files/large'])
  })

  test('a large file that is not committed leaves nothing', async () => {
    const host = await openHost()
    const handle = await open(host, '/data/large', { truncate: true })
    const content = new Uint8Array(9 * 1024 * 1024)
    await host.call('files.write', { handle, offset: 0, content })
    host.crash()
    await new Promise((resolve) => setImmediate(resolve))
    expect(host.files.has('/apps/notes/data/files/large')).toBe(false)
  })

  test('a handle is of no use after the revocation of its grant', async () => {
    const host = await openHost()
    await write(host, '/data/a', 'secret')
    const handle = await open(host, '/data/a')
    host.app.setGrants([])
    expect((await host.call('files.read', { handle, offset: 0, length: 10 })).status).toBe(denied)
    expect((await host.call('files.write', { handle, offset: 0, content: text('x') })).status).toBe(denied)
    expect((await host.call('files.commit', { handle, options: anything })).status).toBe(denied)
  })

  test('no more of them than the app may have', async () => {
    const host = await openHost({ limits: { openFiles: 1 } })
    await open(host, '/data/a')
    expect((await host.call('files.open', { path: '/data/b', mode: readWrite })).status).toBe(budget)
  })

  test.each([
    ['neither reading nor writing', { read: false, write: false, create: false }],
    ['create without writing', { write: false }]
  ])('are refused with %s', async (_name, mode) => {
    const host = await openHost()
    expect((await host.call('files.open', { path: '/data/a', mode: { ...readWrite, ...mode } })).status).toBe(
      invalid
    )
  })
})
