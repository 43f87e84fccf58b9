/**
 * Installing, upgrading and uninstalling, stopped at every write of the store: after the next start the app is as before
 * or as after, its rights in the tree are those of its grant, and nothing that a person keeps is lost.
 */
import { createMemoryKeyStorage, type KeyStorage } from '@blocktree/crypto'
import { equalBytes } from '@blocktree/codec'
import type { Permission } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { content, crypto, firstImage, nextProcess, type World } from '../crash/crash-world.ts'
import { enumerateLong, type LongOperation } from '../crash/long-operations.ts'
import { type Image, imageOf } from '../crash/memory-machine.ts'
import { type AppWorld, folder, openAppWorld, packVersion } from './app-world.ts'

const enough = { timeout: 3_600_000 }
const note = '/apps/notes/data/files/note'
const zone: Permission = { ...folder, name: 'zone' }
const first = packVersion({ version: 1, permissions: [folder] })
const second = packVersion({ version: 2, permissions: [zone] })
const consent = { declined: [], objects: { letters: '/plain/d' } }
const upgradeConsent = { declined: [], accepted: ['zone'], objects: { zone: '/zone' }, limits: {} }

/** Keys are files of their own, which a loss of the store does not touch: each case has those it began with. */
class Machine {
  readonly #keys: KeyStorage
  readonly #first: number
  #own: KeyStorage

  constructor(start: Image, keys: KeyStorage) {
    this.#keys = keys
    this.#own = keys
    this.#first = start.process + 1
  }

  async open(world: World): Promise<AppWorld> {
    if (world.machine.process === this.#first) this.#own = await copyKeys(this.#keys)
    return await openAppWorld(world, this.#own)
  }

  /** As a start of the node does it. */
  async start(world: World): Promise<AppWorld> {
    const apps = await openAppWorld(world, this.#own)
    await apps.host.startAll()
    return apps
  }

  async hasKey(): Promise<boolean> {
    return (await this.#own.list()).includes('app-notes')
  }
}

async function copyKeys(keys: KeyStorage): Promise<KeyStorage> {
  const copy = createMemoryKeyStorage({ crypto })
  for (const name of await keys.list()) {
    const secret = await keys.open(name)
    if (secret !== undefined) await copy.create(name, secret)
  }
  return copy
}

/** The app in version 1, with a folder and a note. */
async function installed(): Promise<{ readonly image: Image; readonly keys: KeyStorage }> {
  const keys = createMemoryKeyStorage({ crypto })
  const apps = await openAppWorld(await nextProcess(await firstImage(), 'installed'), keys)
  await apps.host.install(first, { consent })
  await apps.files.create(apps.owner, note, content('old', 40))
  await apps.host.close()
  await apps.store.close()
  return { image: await imageOf(apps.machine), keys }
}

async function isInstalled({ host }: AppWorld): Promise<boolean> {
  return (await host.names()).includes('notes')
}

/** Everything about the installed version is of one piece. */
function expectWhole(apps: AppWorld, where: string): number {
  const { installation } = apps.host.status('notes')
  const { version, permissions } = installation.grant
  expect(apps.host.stateOf('notes'), where).toBe('running')
  expect(installation.state.upgradingFrom, where).toBeUndefined()
  expect(installation.seat?.isEnabled, where).toBe(true)
  expect(installation.package.manifest.version, where).toBe(version)
  expect(
    permissions.map(({ name }) => name),
    where
  ).toEqual(version === 1 ? ['letters'] : ['zone'])
  expect([isReader(apps, '/plain/d'), isReader(apps, '/zone')], where).toEqual([version === 1, version === 2])
  expect(apps.files.exists(apps.owner, '/apps/notes/before'), where).toBe(false)
  return version
}

/** Nothing of it is left but what it was told to keep. */
async function expectGone(apps: AppWorld, machine: Machine, where: string): Promise<void> {
  const { files, owner, sharing } = apps
  const entries = files.exists(owner, '/apps') ? (await files.list(owner, '/apps')).entries : []
  expect(
    entries.map(({ name }) => name),
    where
  ).toEqual([])
  expect(await machine.hasKey(), where).toBe(false)
  const recipients = sharing.listGrants(owner).map(({ recipient }) => recipient)
  expect(
    recipients.filter((id) => !isKnown(id)),
    `${where}: rights of nobody`
  ).toEqual([])
}

function isKnown(id: Uint8Array): boolean {
  return known.some((one) => equalBytes(one, id))
}

function isReader({ sharing, owner, principals }: AppWorld, path: string): boolean {
  const { id } = principals.find('app-notes')
  return sharing.listGrants(owner, { path }).some(({ recipient }) => equalBytes(recipient, id))
}

/** What the person keeps is there. */
function expectKept({ files, owner }: AppWorld, where: string): void {
  for (const name of ['x', 'y']) {
    expect(files.read(owner, `/plain/d/${name}`).bytes, where).toEqual(content(name, 50))
  }
  expect(files.read(owner, '/zone/s').bytes, where).toEqual(content('s', 50))
}

const known: Uint8Array[] = []

async function prove(operation: LongOperation): Promise<void> {
  expect((await enumerateLong(operation)).stops).toBeGreaterThan(5)
}

describe('stopped at every step', () => {
  test('an installation: the app is there whole and runs, or nothing of it is', enough, async () => {
    const start = await firstImage()
    const world = await nextProcess(start, 'look')
    known.push(...world.sharing.listGrants(world.owner).map(({ recipient }) => recipient))
    const machine = new Machine(start, createMemoryKeyStorage({ crypto }))
    await prove({
      name: 'an installation',
      start,
      async run(each) {
        const apps = await machine.open(each)
        await apps.host.startAll()
        if (!(await isInstalled(apps))) await apps.host.install(first, { consent })
        await apps.host.close()
      },
      async verify(each, done, where) {
        const apps = await machine.start(each)
        expectKept(apps, where)
        if (await isInstalled(apps)) expect(expectWhole(apps, where)).toBe(1)
        else {
          expect(done, where).toBe(false)
          await expectGone(apps, machine, where)
        }
        await apps.host.close()
      }
    })
  })

  test('an upgrade: version, data and grants are those of before or those of after', enough, async () => {
    const { image, keys } = await installed()
    const machine = new Machine(image, keys)
    await prove({
      name: 'an upgrade',
      start: image,
      async run(each) {
        const apps = await machine.open(each)
        apps.guest = async (event) => {
          if (event === 'migrate')
            await each.files.create(each.owner, note, content('new', 70), { replace: true })
        }
        await apps.host.startAll()
        if (apps.host.status('notes').installation.grant.version === 1)
          await apps.host.upgrade('notes', second, upgradeConsent)
        await apps.host.close()
      },
      async verify(each, done, where) {
        const apps = await machine.start(each)
        expectKept(apps, where)
        const version = expectWhole(apps, where)
        if (done) expect(version, where).toBe(2)
        expect(each.files.read(each.owner, note).bytes, where).toEqual(
          version === 1 ? content('old', 40) : content('new', 70)
        )
        await apps.host.close()
      }
    })
  })

  for (const keepsData of [true, false]) {
    const what = keepsData ? 'keeps its data' : 'removes its data'
    test(`an uninstallation that ${what}: the app runs with its note, or is gone`, enough, async () => {
      const { image, keys } = await installed()
      const machine = new Machine(image, keys)
      await prove({
        name: `an uninstallation that ${what}`,
        start: image,
        async run(each) {
          const apps = await machine.open(each)
          await apps.host.startAll()
          if (await isInstalled(apps)) await apps.host.uninstall('notes', { keepsData })
          await apps.host.close()
        },
        async verify(each, done, where) {
          const apps = await machine.start(each)
          const { files, owner } = each
          expectKept(apps, where)
          const isThere = await isInstalled(apps)
          if (isThere) {
            expect(done, where).toBe(false)
            expect(expectWhole(apps, where)).toBe(1)
            expect(files.read(owner, note).bytes, where).toEqual(content('old', 40))
          } else {
            await expectGone(apps, machine, where)
            if (keepsData)
              expect(files.read(owner, '/notes-data/note').bytes, where).toEqual(content('old', 40))
          }
          expect(files.exists(owner, '/notes-data'), where).toBe(keepsData && !isThere)
          expect(files.exists(owner, '/notes-data-2'), where).toBe(false)
          await apps.host.close()
        }
      })
    })
  }
})
