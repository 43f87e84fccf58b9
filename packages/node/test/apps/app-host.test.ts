import { type Host, type Permission, hostOperations } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import { createMemoryKeyStorage } from '@blocktree/crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { UpgradeConsent } from '../../src/apps/app-consent.ts'
import { crypto, people } from '../crash/crash-world.ts'
import { type AppWorld, type Version, folder, openAppWorld, packVersion } from './app-world.ts'

const nothing: UpgradeConsent = { declined: [], accepted: [], objects: {}, limits: {} }
const refused = { code: 'ERR_APP_CONSENT' }
let world: AppWorld

beforeEach(async () => {
  world = await openAppWorld()
})

async function install(version: Omit<Version, 'version'> = {}, objects = {}): Promise<void> {
  const consent = { declined: [], objects }
  await world.host.install(packVersion({ version: 1, ...version }), { consent })
}

async function upgrade(
  version: Omit<Version, 'version'>,
  consent: Partial<UpgradeConsent> = {}
): Promise<void> {
  await world.host.upgrade('notes', packVersion({ version: 2, ...version }), { ...nothing, ...consent })
}

function granted(): readonly string[] {
  return world.host.status('notes').installation.grant.permissions.map(({ name }) => name)
}

function version(): number {
  return world.host.status('notes').installation.grant.version
}

describe('install', () => {
  const named = (name: string): Promise<unknown> =>
    world.host.install(packVersion({ version: 1 }), { name, consent: { declined: [], objects: {} } })

  test.each(['notes', 'a', 'my-notes-2', 'a'.repeat(60)])('takes the name %s', async (name) => {
    await named(name)
    expect(await world.host.names()).toEqual([name])
  })

  test.each([
    ...[
      '',
      'WWW',
      'Notes',
      '1notes',
      '-notes',
      'notes-',
      'my--notes',
      'xn--nts-vla',
      'a'.repeat(61),
      'nötes'
    ],
    ...[
      'www',
      'localhost',
      'local',
      'wpad',
      'isatap',
      'a/b',
      '../notes',
      'notes/data/files/x',
      '.',
      'a.b',
      'a b'
    ]
  ])('refuses the name %j and makes nothing', async (name) => {
    await expect(named(name)).rejects.toMatchObject({ code: 'ERR_APP_NAME' })
    expect(world.files.exists(world.owner, '/apps')).toBe(false)
  })
})

describe('status', () => {
  test('verifies a package once while it runs, and again when it was changed', async () => {
    await install()
    const { package: first } = world.host.status('notes').installation
    expect(world.host.status('notes').installation.package).toBe(first)
    const damaged = packVersion({ version: 1 })
    damaged[damaged.length - 1] = 7
    await world.files.create(world.owner, '/apps/notes/package', damaged, { replace: true })
    expect(() => world.host.status('notes')).toThrow(expect.objectContaining({ code: 'ERR_APP_DAMAGED' }))
    expect(world.host.stateOf('notes')).toBe('damaged')
  })
})

describe('changes of a grant at the same time', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const folders = names.map((name): Permission => ({ ...folder, name }))

  test('are all in the record afterwards, and only what is granted opens the folder', async () => {
    const declined = names.slice(0, 3)
    const objects = Object.fromEntries(names.map((name) => [name, '/plain/d']))
    await world.host.install(packVersion({ version: 1, permissions: folders }), {
      consent: { declined, objects }
    })
    await Promise.all([
      ...declined.map((name) => world.host.grant('notes', name, '/plain/d')),
      ...names.slice(3).map((name) => world.host.revoke('notes', name))
    ])
    expect(granted()).toEqual(declined)
    await Promise.all(declined.map((name) => world.host.revoke('notes', name)))
    expect(granted()).toEqual([])
    const { id } = world.principals.find('app-notes')
    expect(readersOf('/plain/d').some((reader) => equalBytes(reader, id))).toBe(false)
  })

  test('that are the same are refused but for the first', async () => {
    await install({ permissions: folders }, Object.fromEntries(names.map((name) => [name, '/plain/d'])))
    const outcomes = await Promise.allSettled(['a', 'a', 'a'].map((name) => world.host.revoke('notes', name)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(granted()).toEqual(names.slice(1))
  })

  test('and what the app gives back meanwhile undo nothing of one another', async () => {
    await install({ permissions: folders }, Object.fromEntries(names.map((name) => [name, '/plain/d'])))
    await grantLater()
    const givesBack = new Promise<number>((resolve) => {
      world.guest = async (event, guestHost) => {
        if (event !== 'health') return
        const { op, encodeRequest } = hostOperations['grants.give-back']
        resolve((await guestHost.call(op, encodeRequest({ name: 'later' }))).status)
      }
    })
    await Promise.all([
      world.host.revoke('notes', 'a'),
      world.host.status('notes').instance?.health(),
      world.host.revoke('notes', 'b')
    ])
    expect(await givesBack).toBe(0)
    expect(granted()).toEqual(['c', 'd', 'e', 'f'])
  })
})

describe('what the gateway serves', () => {
  const web = (isPublic: boolean): Permission => ({
    name: 'web',
    scope: { kind: 'http-server', public: isPublic, clientAddress: false },
    reason: 'Shows its page',
    optional: false
  })
  /** undefined when the request is let in. */
  const refusalOf = (isPublic: boolean): unknown => {
    try {
      world.host.find('notes')?.admit?.(isPublic)
      return undefined
    } catch (error) {
      return error
    }
  }

  test('is for this machine alone unless the grant says otherwise', async () => {
    await install({ permissions: [web(false)] })
    expect(refusalOf(false)).toBeUndefined()
    expect(refusalOf(true)).toMatchObject({ status: 503, code: 'ERR_APP_DENIED' })
    await world.host.uninstall('notes', { keepsData: false })
    await install({ permissions: [web(true)] })
    expect([refusalOf(false), refusalOf(true)]).toEqual([undefined, undefined])
  })

  test('is nothing, its pages neither, once the permission is taken back, and while the app is stopped', async () => {
    await install({ permissions: [web(true)] })
    await world.host.revoke('notes', 'web')
    expect(refusalOf(false)).toMatchObject({ code: 'ERR_APP_DENIED' })
    await world.host.grant('notes', 'web')
    expect(refusalOf(false)).toBeUndefined()
    await world.host.stop('notes')
    expect(refusalOf(false)).toMatchObject({ status: 503, code: 'ERR_APP_STOPPED' })
  })
})

describe('grant', () => {
  test('refuses a path for a permission that is for none', async () => {
    const web: Permission = {
      name: 'net',
      scope: { kind: 'http-client', origins: ['https://api.example'] },
      reason: 'Asks a server',
      optional: true
    }
    await world.host.install(packVersion({ version: 1, permissions: [web] }), {
      consent: { declined: ['net'], objects: {} }
    })
    await expect(world.host.grant('notes', 'net', '/plain/d')).rejects.toMatchObject(refused)
    await world.host.grant('notes', 'net')
    expect(granted()).toEqual(['net'])
  })
})

describe('upgrade', () => {
  test('takes a version that asks for nothing more without being told of any consent', async () => {
    await install({ permissions: [folder] }, { letters: '/plain/d' })
    await upgrade({ permissions: [folder] })
    expect([version(), granted()]).toEqual([2, ['letters']])
  })

  test('refuses a new permission that was not named, and grants it once it was', async () => {
    await install()
    const objects = { letters: '/plain/d' }
    await expect(upgrade({ permissions: [folder] }, { objects })).rejects.toMatchObject(refused)
    expect([version(), granted()]).toEqual([1, []])
    await upgrade({ permissions: [folder] }, { objects, accepted: ['letters'] })
    expect([version(), granted()]).toEqual([2, ['letters']])
  })

  test('goes on without a new permission that was declined', async () => {
    await install()
    await upgrade({ permissions: [folder] }, { declined: ['letters'] })
    expect([version(), granted()]).toEqual([2, []])
  })

  test('refuses a granted permission that asks for more, and keeps its object once that was agreed to', async () => {
    await install({ permissions: [folder] }, { letters: '/plain/d' })
    const scope = { kind: 'files', object: 'folder', rights: ['read', 'write', 'list'] } as const
    const wider: Permission = { ...folder, scope }
    await expect(upgrade({ permissions: [wider] })).rejects.toMatchObject(refused)
    await upgrade({ permissions: [wider] }, { accepted: ['letters'] })
    expect(world.host.status('notes').installation.grant.permissions).toMatchObject([
      { name: 'letters', scope, object: { path: '/plain/d' } }
    ])
  })

  test('refuses a raised limit that was not named, or named with less', async () => {
    await install({ limits: { locks: 20 } })
    const limits = { locks: 40 }
    await expect(upgrade({ limits })).rejects.toThrow('raises its limit locks from 20 to 40')
    await expect(upgrade({ limits }, { limits: { locks: 39 } })).rejects.toMatchObject(refused)
    expect(version()).toBe(1)
    await upgrade({ limits }, { limits: { locks: 40 } })
    expect(version()).toBe(2)
  })

  test('counts a limit that was left at its default before as raised', async () => {
    await install()
    await expect(upgrade({ limits: { locks: 17 } })).rejects.toMatchObject(refused)
    await upgrade({ limits: { locks: 16 } })
    expect(version()).toBe(2)
  })

  test('neither loses nor brings back what the app gives back while it is stopped for it', async () => {
    await install()
    await grantLater()
    world.guest = (event, guestHost) => {
      const { op, encodeRequest } = hostOperations['grants.give-back']
      if (event === 'stop') void guestHost.call(op, encodeRequest({ name: 'later' }))
      if (event === 'health') throw new Error('it is not well')
    }
    await expect(upgrade({})).rejects.toMatchObject({ code: 'ERR_APP_ROLLED_BACK' })
    expect([version(), granted()]).toEqual([1, []])
  })

  test('that fails has the grants of before, and not those of the new version', async () => {
    await install({ permissions: [folder] }, { letters: '/plain/d' })
    world.guest = (event) => (event === 'health' ? { kind: 'error', value: 'ill' } : undefined)
    const more: Permission = { ...folder, name: 'more' }
    const consent = { accepted: ['more'], objects: { more: '/zone' } }
    await expect(upgrade({ permissions: [folder, more] }, consent)).rejects.toThrow('ill')
    expect([version(), granted()]).toEqual([1, ['letters']])
    const { id } = world.principals.find('app-notes')
    expect(readersOf('/zone').some((reader) => equalBytes(reader, id))).toBe(false)
    expect(readersOf('/plain/d').some((reader) => equalBytes(reader, id))).toBe(true)
  })
})

/** The app asks at run time, and the person picks. */
async function grantLater(): Promise<void> {
  const rights = { read: true, write: false, create: false, list: false, remove: false, lock: false }
  const question: Host.FileQuestion = { name: 'later', object: 'folder', rights, reason: 'to read' }
  const asked = new Promise<void>((resolve) => {
    world.guest = async (event, guestHost) => {
      if (event !== 'health') return
      const { op, encodeRequest } = hostOperations['grants.ask']
      await guestHost.call(op, encodeRequest({ question }))
      resolve()
    }
  })
  await world.host.status('notes').instance?.health()
  await asked
  const [first] = world.questions.list()
  await world.host.answer(first?.number ?? 0, '/plain/d')
  expect(granted()).toContain('later')
}

function readersOf(path: string): readonly Uint8Array[] {
  return world.sharing.listGrants(world.owner, { path }).map(({ recipient }) => recipient)
}

describe('a machine without the keys of installations', () => {
  test('gives each a new principal with the rights of the former one, which has none any more', async () => {
    await install({ permissions: [folder] }, { letters: '/plain/d' })
    const former = world.principals.find('app-notes').id
    await world.host.close()
    const elsewhere = await openAppWorld(world, createMemoryKeyStorage({ crypto }))
    await elsewhere.host.startAll()
    const { installation, instance, problem } = elsewhere.host.status('notes')
    expect([instance?.state, problem]).toEqual(['running', undefined])
    expect(equalBytes(installation.grant.installation, former)).toBe(false)
    expect(granted()).toEqual(['letters'])
    for (const path of ['/plain/d', '/apps/notes/data']) {
      const readers = readersOf(path)
      expect(readers.some((reader) => equalBytes(reader, former))).toBe(false)
      expect(readers.some((reader) => equalBytes(reader, installation.grant.installation))).toBe(true)
    }
  })

  test('can remove an installation that never ran here', async () => {
    await install()
    await world.host.close()
    const elsewhere = await openAppWorld(world, createMemoryKeyStorage({ crypto }))
    await elsewhere.host.uninstall('notes', { keepsData: false })
    expect(world.files.exists(world.owner, '/apps/notes')).toBe(false)
    await expect(elsewhere.host.uninstall('notes', { keepsData: false })).rejects.toMatchObject({
      code: 'ERR_APP_UNKNOWN'
    })
  })

  test('takes the name of a principal from nobody else', async () => {
    await install()
    await world.principals.remove('app-notes')
    await world.principals.importRecord(people.reader.record.bytes, 'app-notes')
    await world.host.close()
    const elsewhere = await openAppWorld(world, createMemoryKeyStorage({ crypto }))
    await elsewhere.host.startAll()
    expect(elsewhere.host.status('notes').instance).toBe(undefined)
    expect(elsewhere.lines.at(-1)?.message).toContain('the name "app-notes" is taken')
    expect(equalBytes(elsewhere.principals.find('app-notes').id, people.reader.id)).toBe(true)
  })

  test('does not give back what was revoked before', async () => {
    await install({ permissions: [folder] }, { letters: '/plain/d' })
    await world.host.revoke('notes', 'letters')
    await world.host.close()
    const elsewhere = await openAppWorld(world, createMemoryKeyStorage({ crypto }))
    await elsewhere.host.startAll()
    const { id } = elsewhere.principals.find('app-notes')
    expect(readersOf('/plain/d').some((reader) => equalBytes(reader, id))).toBe(false)
  })
})
