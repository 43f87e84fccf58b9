import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { filesGrant, openHost, read, write } from './host-fixture.ts'

const { denied, invalid, busy, exists } = hostStatus
const notFound = hostStatus['not-found']

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
