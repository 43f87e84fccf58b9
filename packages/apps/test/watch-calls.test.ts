import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { openHost } from './host-fixture.ts'

const { denied } = hostStatus

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
