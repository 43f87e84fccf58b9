import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { anything, openHost, text, write } from './host-fixture.ts'

const { denied, invalid, closed, revoked, conflict } = hostStatus

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
