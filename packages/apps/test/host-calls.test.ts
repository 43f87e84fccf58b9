import { hostStatus } from '@blocktree/app-package'
import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HostFailure } from '../src/host-failure.ts'
import type { HttpPort } from '../src/ports.ts'
import {
  type GuestHost,
  type HostFixture,
  everything,
  filesGrant,
  grantOf,
  openHost
} from './host-fixture.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const anything = { expected: { kind: 'anything' }, token: undefined, mediaType: undefined } as const
const { denied, invalid, closed, budget, revoked, conflict, busy, exists, unreachable, timeout } = hostStatus
const notFound = hostStatus['not-found']
const tooLarge = hostStatus['too-large']
const readWrite = { read: true, write: true, create: true, exclusive: false, truncate: false }

async function write(host: HostFixture, path: string, content: string): Promise<number> {
  return (await host.call('files.write-file', { path, content: text(content), options: anything })).status
}

async function read(host: HostFixture, path: string): Promise<string | number> {
  const answer = await host.call('files.read-file', { path, offset: 0, length: 1000 })
  return answer.reply === undefined ? answer.status : new TextDecoder().decode(answer.reply)
}

describe('every call', () => {
  test('that is no operation of this version is unsupported', async () => {
    const host = await openHost()
    expect((await host.raw(9999, new Uint8Array(0))).status).toBe(hostStatus.unsupported)
  })

  test('whose bytes are anything at all is answered with a status', async () => {
    const host = await openHost()
    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.uint8Array({ maxLength: 200 }), async (op, payload) => {
        const { status } = await host.raw(op, payload)
        expect(Number.isInteger(status)).toBe(true)
      }),
      { numRuns: 400 }
    )
  })

  test('that fails in the node tells the guest nothing of it', async () => {
    const host = await openHost()
    host.files.stat = () => Promise.reject(new Error('disk at /dev/secret'))
    const answer = await host.call('files.stat', { path: '/data/a' })
    expect(answer).toMatchObject({ status: hostStatus.internal })
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(host.lines.at(-1)).toMatchObject({ level: 'error', source: 'host' })
  })
})

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

describe('locks', () => {
  test('exclude the other app, carry a token, and go with the process', async () => {
    const host = await openHost()
    await write(host, '/data/a', '1')
    const lease = (await host.call('locks.acquire', { path: '/data/a', ttl: 60_000, wait: 0 })).reply
    expect((await host.call('locks.acquire', { path: '/data/a', ttl: 1000, wait: 0 })).status).toBe(conflict)
    const options = { ...anything, token: lease?.token }
    expect(
      (await host.call('files.write-file', { path: '/data/a', content: text('2'), options })).status
    ).toBe(0)
    host.crash()
    expect(host.services.locks.size).toBe(0)
    expect(
      (await host.call('files.write-file', { path: '/data/a', content: text('3'), options })).status
    ).toBe(revoked)
    expect((await host.call('locks.renew', { lock: lease?.lock ?? 0, ttl: 1000 })).status).toBe(closed)
  })

  test('are not given to who waited for one while its grant was taken back', async () => {
    const host = await openHost()
    await write(host, '/data/a', '1')
    const lease = (await host.call('locks.acquire', { path: '/data/a', ttl: 60_000, wait: 0 })).reply
    const waiting = host.call('locks.acquire', { path: '/data/a', ttl: 60_000, wait: 10_000 })
    await new Promise((resolve) => setImmediate(resolve))
    host.app.setGrants([])
    await host.call('locks.release', { lock: lease?.lock ?? 0 })
    expect((await waiting).status).toBe(denied)
    expect(host.services.locks.size).toBe(0)
  })

  test('are renewed and released', async () => {
    const host = await openHost()
    await write(host, '/data/a', '1')
    const lease = (await host.call('locks.acquire', { path: '/data/a', ttl: 1000, wait: 0 })).reply
    const lock = lease?.lock ?? 0
    host.timers.move(900)
    expect((await host.call('locks.renew', { lock, ttl: 1000 })).reply).toMatchObject({ token: lease?.token })
    host.timers.move(1000)
    expect((await host.call('locks.renew', { lock, ttl: 1000 })).status).toBe(revoked)
    expect((await host.call('locks.release', { lock })).status).toBe(0)
    expect((await host.call('locks.release', { lock })).status).toBe(closed)
    expect((await host.call('locks.acquire', { path: '/data/a', ttl: 0, wait: 0 })).status).toBe(invalid)
  })
})

describe('watches', () => {
  const watched = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()

  test('tell changes as events, merged while the app is busy', async () => {
    let release = (): void => undefined
    const host = await openHost({
      guest: async ({ event }) => {
        if (event === 'changed') await new Promise<void>((resolve) => (release = resolve))
      }
    })
    const watch = (await host.call('watch.start', { path: '/data', recursive: true })).reply
    for (const name of ['a', 'b', 'b', 'c']) host.files.change(`/apps/notes/data/files/${name}`)
    const told = (): unknown =>
      host.events.filter(({ event }) => event === 'changed').map(({ request }) => request)
    expect(told()).toEqual([
      { changes: { watch, changes: [{ kind: 'changed', path: '/data/a' }], overrun: false } }
    ])
    release()
    await expect.poll(told).toHaveLength(2)
    expect(host.events.at(-1)?.request).toMatchObject({
      changes: { changes: [{ path: '/data/b' }, { path: '/data/c' }] }
    })
    release()
  })

  test('say when too much happened', async () => {
    let release = (): void => undefined
    const host = await openHost({
      guest: async ({ event }) => {
        if (event === 'changed') await new Promise<void>((resolve) => (release = resolve))
      }
    })
    await host.call('watch.start', { path: '/data', recursive: true })
    for (let index = 0; index < 400; index++) host.files.change(`/apps/notes/data/files/${index}`)
    release()
    await expect.poll(() => host.events.at(-1)?.request).toMatchObject({ changes: { overrun: true } })
    release()
  })

  test('tell after `init` what changed while the app took it', async () => {
    const host = await openHost({
      guest: async ({ event }, guest) => {
        if (event !== 'init') return
        await guest.call('watch.start', { path: '/data', recursive: true })
        watched.resolve()
        await begun.promise
      },
      meanwhile: async (files) => {
        await watched.promise
        files.change('/apps/notes/data/files/a')
        begun.resolve()
      }
    })
    await expect.poll(() => host.events.map(({ event }) => event)).toEqual(['init', 'changed'])
    expect(host.events.at(-1)?.request).toMatchObject({
      changes: { changes: [{ kind: 'changed', path: '/data/a' }], overrun: false }
    })
  })

  test('tell again, as an overrun, what the app failed at', async () => {
    let isFailing = true
    const host = await openHost({
      guest: ({ event }) => {
        if (event === 'changed' && isFailing) throw new Error('too busy')
      }
    })
    await host.call('watch.start', { path: '/data', recursive: true })
    host.files.change('/apps/notes/data/files/a')
    await expect.poll(() => host.lines.length).toBe(1)
    isFailing = false
    host.timers.move(999)
    expect(host.events.filter(({ event }) => event === 'changed')).toHaveLength(1)
    host.timers.move(1)
    await expect.poll(() => host.events.filter(({ event }) => event === 'changed')).toHaveLength(2)
    expect(host.events.at(-1)?.request).toMatchObject({ changes: { changes: [], overrun: true } })
  })

  test('end with the handle, the process, and the grant', async () => {
    const host = await openHost()
    const watch = (await host.call('watch.start', { path: '/data', recursive: true })).reply ?? 0
    expect((await host.call('watch.end', { watch })).status).toBe(0)
    expect(host.files.watchers.size).toBe(0)
    await host.call('watch.start', { path: '/data', recursive: true })
    host.crash()
    expect(host.files.watchers.size).toBe(0)
    await host.call('watch.start', { path: '/data', recursive: true })
    host.app.setGrants([])
    host.files.change('/apps/notes/data/files/a')
    expect(host.events.some(({ event }) => event === 'changed')).toBe(false)
    expect((await host.call('watch.start', { path: '/data', recursive: true })).status).toBe(denied)
  })
})

describe('the key-value store', () => {
  test('keeps values over a restart', async () => {
    const host = await openHost()
    await host.call('kv.set', { key: 'a', value: text('1') })
    await host.call('kv.set', { key: 'ä/../b', value: text('2') })
    await host.app.stop()
    const again = await host.start('notes', everything, async (event, guest) => {
      if (event.event !== 'health') return undefined
      const answer = await guest.call('kv.get', { key: 'ä/../b' })
      return { kind: 'error', value: new TextDecoder().decode(answer.reply) }
    })
    expect(await again.health()).toBe('2')
  })

  test('lists, deletes, replaces and counts', async () => {
    const host = await openHost()
    for (const key of ['b', 'a', 'c', 'x']) await host.call('kv.set', { key, value: text(key) })
    expect((await host.call('kv.list-keys', { prefix: '', after: 'a', limit: 2 })).reply).toEqual({
      keys: ['b', 'c'],
      next: 'c'
    })
    expect((await host.call('kv.list-keys', { prefix: 'x', after: undefined, limit: 2 })).reply).toEqual({
      keys: ['x'],
      next: undefined
    })
    expect((await host.call('kv.delete', { key: 'x' })).reply).toBe(true)
    expect((await host.call('kv.delete', { key: 'x' })).reply).toBe(false)
    const wrong = await host.call('kv.replace', { key: 'a', expected: undefined, value: text('2') })
    expect(wrong.status).toBe(conflict)
    expect((await host.call('kv.replace', { key: 'a', expected: text('a'), value: text('2') })).status).toBe(
      0
    )
    const sums = await Promise.all(
      Array.from({ length: 10 }, () => host.call('kv.increment', { key: 'n', amount: 1 }))
    )
    expect(sums.map(({ reply }) => reply)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await host.call('kv.increment', { key: 'a', amount: 1 })).status).toBe(invalid)
  })

  test('sees what the same app wrote and removed on another node', async () => {
    const host = await openHost()
    await host.call('kv.set', { key: 'a', value: text('1') })
    await host.call('kv.set', { key: 'b', value: text('2') })
    const other = await openHost()
    await other.call('kv.set', { key: 'a', value: text('3') })
    const directory = '/apps/notes/data/kv'
    const fileOf = (key: string): string => `${directory}/${hash('sha256', key)}`
    const [first, second] = [fileOf('a'), fileOf('b')]
    const content = await other.files.read(first, { offset: 0, length: 1000 })
    await host.files.write(first, content, { expected: { kind: 'anything' }, mediaType: undefined })
    host.files.change(first)
    const valueOf = async (key: string): Promise<unknown> => (await host.call('kv.get', { key })).reply
    await expect.poll(() => valueOf('a')).toEqual(text('3'))
    await host.files.remove(second, { isRecursive: false, expected: { kind: 'anything' } })
    host.files.change(second, 'removed')
    await expect.poll(() => valueOf('b')).toBeUndefined()
    expect((await host.call('kv.increment', { key: 'n', amount: 2 })).reply).toBe(2)
  })

  test('has a bound, and a value that does not fit changes nothing', async () => {
    const host = await openHost({ limits: { stateBytes: 100 } })
    expect((await host.call('kv.set', { key: 'a', value: new Uint8Array(90) })).status).toBe(0)
    expect((await host.call('kv.set', { key: 'b', value: new Uint8Array(10) })).status).toBe(
      hostStatus['no-space']
    )
    expect((await host.call('kv.set', { key: 'a', value: new Uint8Array(99) })).status).toBe(0)
    expect((await host.call('kv.get', { key: 'b' })).reply).toBeUndefined()
  })
})

describe('timers', () => {
  test('come once, or again and again until they are cancelled', async () => {
    const host = await openHost()
    const once = (await host.call('timers.start', { delay: 100, repeat: undefined })).reply
    const often = (await host.call('timers.start', { delay: 50, repeat: 50 })).reply ?? 0
    for (let step = 0; step < 4; step++) {
      host.timers.move(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const ticks = host.events.flatMap((one) => (one.event === 'timer' ? [one.request.tick.timer] : []))
    expect(ticks.filter((timer) => timer === once)).toHaveLength(1)
    expect(ticks.filter((timer) => timer === often)).toHaveLength(4)
    expect((await host.call('timers.cancel', { timer: often })).status).toBe(0)
    expect(host.timers.waiting).toBe(0)
  })

  test('do not pile up while the app is busy, and are no busy loop', async () => {
    let release = (): void => undefined
    const host = await openHost({
      guest: async ({ event }) => {
        if (event === 'timer') await new Promise<void>((resolve) => (release = resolve))
      }
    })
    await host.call('timers.start', { delay: 0, repeat: 0 })
    host.timers.move(1000)
    expect(host.events.filter(({ event }) => event === 'timer')).toHaveLength(1)
    release()
    await new Promise((resolve) => setImmediate(resolve))
    host.timers.move(10)
    await expect.poll(() => host.events.at(-1)?.request).toMatchObject({ tick: { missed: 99 } })
    host.crash()
    release()
    expect(host.timers.waiting).toBe(0)
  })

  test('are bounded', async () => {
    const host = await openHost({ limits: { timers: 1 } })
    await host.call('timers.start', { delay: 100, repeat: undefined })
    expect((await host.call('timers.start', { delay: 100, repeat: undefined })).status).toBe(budget)
  })
})

describe('random, clock and log', () => {
  test('answer without a grant', async () => {
    const host = await openHost({ granted: [] })
    expect((await host.call('random.bytes', { length: 16 })).reply).toHaveLength(16)
    expect((await host.call('random.bytes', { length: 70_000 })).status).toBe(tooLarge)
    host.timers.move(5)
    expect((await host.call('clock.now', {})).reply).toEqual({ now: 1_700_000_000_000_000, monotonic: 5000 })
  })

  test('a flood of log is cut to the rate allowed, and what was dropped is said', async () => {
    const host = await openHost({ limits: { logBytesPerSecond: 10_000 } })
    for (let line = 0; line < 200; line++) {
      await host.call('log.write', { level: 'info', message: 'x'.repeat(1000) })
    }
    expect(host.lines).toHaveLength(10)
    host.timers.move(1000)
    expect(host.lines.at(-1)).toMatchObject({
      source: 'host',
      message: '190000 bytes of its log were dropped: it writes too much'
    })
  })

  test('a line is cut where its escapes make it too long', async () => {
    const host = await openHost()
    await host.call('log.write', { level: 'info', message: '\n'.repeat(16_000) })
    expect(host.lines.at(-1)?.message).toHaveLength(16_385)
  })

  test('calls that are refused again and again do not fill the log', async () => {
    const host = await openHost({ granted: [] })
    const list = (path: string): Promise<unknown> =>
      host.call('files.list-directory', { path, after: undefined, limit: 1 })
    for (let call = 0; call < 2000; call++) await list('/data')
    expect(host.lines).toHaveLength(1)
    host.timers.move(1000)
    expect(host.lines.at(-1)?.message).toMatch(/^files.list-directory was denied.*\(1999 times more\)$/)
    for (let call = 0; call < 2000; call++) await list(`/data${call}`)
    expect(host.lines.length).toBeLessThan(400)
    host.timers.move(1000)
    expect(host.lines.at(-1)?.message).toMatch(/bytes about calls that failed were dropped/)
  })

  test('a line of the log cannot pass for another', async () => {
    const host = await openHost()
    await host.call('log.write', { level: 'info', message: 'a\nERROR node: b\u001b[2J\u202e' })
    expect(host.lines.at(-1)?.message).toBe('a\\u{a}ERROR node: b\\u{1b}[2J\\u{202e}')
  })
})

describe('messages', () => {
  const talk = grantOf('talk', { kind: 'messages', send: ['mail'], receive: true, otherNodes: false })
  const recipient = { node: undefined, app: 'mail' }
  const message = { recipient, topic: 'hi', content: text('x'), replyWithin: undefined }

  test('reach the other app, and the reply comes back', async () => {
    const host = await openHost({ granted: [talk] })
    await host.start('mail', [talk], async (event, guest) => {
      if (event.event !== 'message') return
      const handle = event.request.message.replyHandle ?? 0
      expect(event.request.message.sender).toEqual({ node: undefined, app: 'notes' })
      await guest.call('messages.reply', { message: handle, content: text('back') })
      expect((await guest.call('messages.reply', { message: handle, content: text('twice') })).status).toBe(
        closed
      )
    })
    const { reply } = await host.call('messages.send', { ...message, replyWithin: 1000 })
    await expect
      .poll(() => host.events.at(-1))
      .toMatchObject({ event: 'message', request: { message: { inReplyTo: reply } } })
  })

  test('need a grant on both sides, and somebody to receive them', async () => {
    const host = await openHost({ granted: [talk] })
    expect((await host.call('messages.send', message)).status).toBe(unreachable)
    await host.start('mail', [])
    expect((await host.call('messages.send', message)).status).toBe(denied)
    expect(
      (await host.call('messages.send', { ...message, recipient: { node: undefined, app: 'else' } })).status
    ).toBe(denied)
    const remote = { node: new Uint8Array(32), app: 'mail' }
    expect((await host.call('messages.send', { ...message, recipient: remote })).status).toBe(denied)
  })

  test('do not flood: a busy recipient and the budget of the sender end it', async () => {
    const host = await openHost({ granted: [talk], limits: { messagesPerMinute: 300 } })
    await host.start('mail', [talk], async ({ event }) => {
      if (event === 'message') await new Promise(() => undefined)
    })
    const statuses: number[] = []
    for (let index = 0; index < 302; index++)
      statuses.push((await host.call('messages.send', message)).status)
    expect(statuses.filter((status) => status === 0)).toHaveLength(256)
    expect(statuses[299]).toBe(busy)
    expect(statuses.slice(300)).toEqual([budget, budget])
    host.timers.move(60_000)
    expect((await host.call('messages.send', message)).status).toBe(busy)
  })

  test('that are never replied to are forgotten by both sides', async () => {
    const host = await openHost({ granted: [talk], limits: { messagesPerMinute: 3, queuedInvokes: 2 } })
    const asked: number[] = []
    let mail: GuestHost | undefined
    const taker = await host.start('mail', [talk], (event, guest) => {
      mail = guest
      if (event.event === 'message') asked.push(event.request.message.replyHandle ?? 0)
    })
    const before = taker.describe()?.openHandles ?? 0
    const waiting = { ...message, replyWithin: 86_400_000 }
    for (let index = 0; index < 3; index++) expect((await host.call('messages.send', waiting)).status).toBe(0)
    await expect.poll(() => asked.length).toBe(3)
    expect((taker.describe()?.openHandles ?? 0) - before).toBe(2)
    const reply = { message: asked[0] ?? 0, content: text('late') }
    expect((await mail?.call('messages.reply', reply))?.status).toBe(closed)
    host.timers.move(60_000)
    expect((await host.call('messages.send', waiting)).status).toBe(budget)
    expect((await host.call('messages.send', message)).status).toBe(0)
    expect((await mail?.call('messages.reply', { ...reply, message: asked[2] ?? 0 }))?.status).toBe(0)
    expect((await host.call('messages.send', waiting)).status).toBe(0)
    host.timers.move(86_400_000)
    expect((await host.call('messages.send', waiting)).status).toBe(0)
  })
})

describe('questions to the person', () => {
  const rights = { read: true, write: false, create: false, list: true, remove: false, lock: false }
  const question = { name: 'album', object: 'folder', rights, reason: 'to show your\u001b pictures' } as const

  test('name no object; the person picks it, and it may be used at once', async () => {
    const host = await openHost()
    expect((await host.call('grants.ask', { question })).status).toBe(0)
    const [asked] = host.services.questions.list()
    expect(asked).toMatchObject({
      app: 'notes',
      name: 'album',
      rights: ['read', 'list'],
      reason: 'to show your\\u{1b} pictures'
    })
    host.files.put('/photos/a', 'picture')
    const album = { ...filesGrant('album', '/photos', ['read', 'list'], 'folder'), isAsked: true }
    host.app.setGrants([...host.app.granted, album])
    host.services.questions.settle(asked?.number ?? 0, 'granted')
    expect(await read(host, '/album/a')).toBe('picture')
    expect(await write(host, '/album/a', 'x')).toBe(denied)
    await expect
      .poll(() => host.events.at(-1))
      .toMatchObject({ event: 'granted', request: { answer: { outcome: { kind: 'granted' } } } })
    expect((await host.call('grants.give-back', { name: 'album' })).status).toBe(0)
    expect(await read(host, '/album/a')).toBe(denied)
  })

  test('are few, do not wait for ever, and go with the process', async () => {
    const host = await openHost()
    for (let index = 0; index < 4; index++) {
      expect((await host.call('grants.ask', { question: { ...question, name: `a${index}` } })).status).toBe(0)
    }
    expect((await host.call('grants.ask', { question })).status).toBe(busy)
    host.timers.move(600_000)
    expect(host.services.questions.list()).toEqual([])
    await expect.poll(() => host.events.filter(({ event }) => event === 'granted')).toHaveLength(4)
    await host.call('grants.ask', { question })
    host.crash()
    expect(host.services.questions.list()).toEqual([])
  })

  test.each([
    ['a name with a slash', { name: '../a' }, invalid],
    ['a name that is granted', { name: 'data' }, exists],
    ['no right at all', { rights: { ...rights, read: false, list: false } }, invalid]
  ])('are refused with %s', async (_name, more, status) => {
    const host = await openHost()
    expect((await host.call('grants.ask', { question: { ...question, ...more } })).status).toBe(status)
  })

  test('a name of the manifest, with rights that the manifest does not ask for, is no question', async () => {
    const scope = { kind: 'files', object: 'folder', rights: ['read'] } as const
    const host = await openHost({ asked: [{ name: 'letters', scope }] })
    const ask = async (name: string): Promise<{ readonly status: number }> =>
      await host.call('grants.ask', { question: { ...question, name } })
    expect((await ask('letters')).status).toBe(invalid)
    expect((await ask('others')).status).toBe(0)
    expect(host.services.questions.list().map(({ name }) => name)).toEqual(['others'])
  })

  test('what was granted at the installation is not given back by the app', async () => {
    const host = await openHost()
    expect((await host.call('grants.give-back', { name: 'data' })).status).toBe(invalid)
    expect((await host.call('grants.give-back', { name: 'none' })).status).toBe(notFound)
  })
})

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
