/** One installation on two nodes: the hosts of both over one tree, as if everything that one writes were at once with the other. */
import { hostOperations, type Permission, readPackage, signAppGrant } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import { createMemoryKeyStorage } from '@blocktree/crypto'
import type { Actor } from '@blocktree/files'
import { right } from '@blocktree/tree'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeAppSeat, decodeAppSeat } from '../../src/apps/app-seat.ts'
import { inOrder } from '../../src/apps/app-grants.ts'
import { decodeAppState, encodeAppState } from '../../src/apps/app-state.ts'
import { crypto, people } from '../crash/crash-world.ts'
import { type AppWorld, folder, openAppWorld, packVersion } from './app-world.ts'

const data: Permission = {
  name: 'data',
  scope: { kind: 'files', object: 'own', rights: ['read', 'write', 'create', 'list'] },
  reason: 'Keeps notes',
  optional: false
}
const web: Permission = {
  name: 'web',
  scope: { kind: 'http-server', public: false, clientAddress: false },
  reason: 'Answers',
  optional: true
}
const permissions = [data, folder, web]
const allRights = Object.values(right).reduce((sum, bit) => sum | bit, 0)
const consent = { declined: [], objects: { letters: '/plain/d' } }
const upgradeConsent = { declined: [], accepted: [], objects: {}, limits: {} }

let home: AppWorld
let away: AppWorld

beforeEach(async () => {
  home = await openAppWorld()
  await home.sharing.issueGrant(home.owner, { path: '/', to: { principal: people.second.record } })
  const terms = { path: '/', to: people.second.record, rights: allRights, depth: 3 }
  await home.sharing.issueWriteCap(home.owner, terms)
  away = await openAppWorld(home, createMemoryKeyStorage({ crypto }), 'second')
})

async function installAtHome(): Promise<void> {
  await home.host.install(packVersion({ version: 1, permissions }), { consent })
}

async function installOnBoth(): Promise<void> {
  await installAtHome()
  await away.host.start('notes', { isAgreed: true })
}

function grantedOn({ host }: AppWorld): readonly string[] {
  return host.status('notes').instance?.granted.map(({ name }) => name) ?? []
}

function readersOf(path: string): readonly Uint8Array[] {
  return home.sharing.listGrants(home.owner, { path }).map(({ recipient }) => recipient)
}

function principalOn({ host }: AppWorld): Uint8Array {
  return host.status('notes').installation.seat?.principal ?? new Uint8Array(0)
}

/** What the app on that node does with a call of the host. */
async function write(world: AppWorld, path: string, content: string): Promise<number> {
  const operation = hostOperations['files.write-file']
  const options = { expected: { kind: 'anything' }, token: undefined, mediaType: undefined } as const
  let status = -1
  world.guest = async (_, host) => {
    const bytes = new TextEncoder().encode(content)
    status = (await host.call(operation.op, operation.encodeRequest({ path, content: bytes, options })))
      .status
    return undefined
  }
  await world.host.status('notes').instance?.health()
  return status
}

describe('an app of another node', () => {
  test('does not run here before somebody here agreed, and says so', async () => {
    await installAtHome()
    await away.host.startAll()
    expect(away.host.stateOf('notes')).toBe('stopped')
    await expect(away.host.start('notes')).rejects.toMatchObject({ code: 'ERR_APP_ELSEWHERE' })
    await expect(away.host.start('other')).rejects.toMatchObject({ code: 'ERR_APP_UNKNOWN' })
    await away.host.start('notes', { isAgreed: true })
    expect([home.host.stateOf('notes'), away.host.stateOf('notes')]).toEqual(['running', 'running'])
  })

  test('runs under a principal of its own, with the same grants, on the same files', async () => {
    await installOnBoth()
    expect(equalBytes(principalOn(home), principalOn(away))).toBe(false)
    expect(grantedOn(away)).toEqual(['data', 'letters', 'web'])
    expect(await write(away, '/data/a', 'from away')).toBe(0)
    expect(await write(home, '/data/a', 'from home')).toBe(0)
    expect(home.files.read(home.owner, '/apps/notes/data/files/a').bytes).toEqual(
      new TextEncoder().encode('from home')
    )
    expect(readersOf('/plain/d').length).toBe(2)
  })

  test('is started and stopped on each node for itself, also over a start of the node', async () => {
    await installOnBoth()
    await home.host.stop('notes')
    expect([home.host.stateOf('notes'), away.host.stateOf('notes')]).toEqual(['stopped', 'running'])
    await home.host.startAll()
    expect(home.host.stateOf('notes')).toBe('stopped')
    await home.host.start('notes')
    expect(home.host.stateOf('notes')).toBe('running')
  })

  test('half of which has come is neither removed nor started', async () => {
    await installAtHome()
    const { bytes } = home.files.read(home.owner, '/apps/notes/grant')
    await home.files.remove(home.owner, '/apps/notes/grant')
    await away.host.startAll()
    await expect(away.host.start('notes', { isAgreed: true })).rejects.toMatchObject({
      code: 'ERR_APP_ELSEWHERE'
    })
    expect(home.files.exists(home.owner, '/apps/notes/package')).toBe(true)
    await home.files.create(home.owner, '/apps/notes/grant', bytes)
    await away.host.start('notes', { isAgreed: true })
    expect(away.host.stateOf('notes')).toBe('running')
  })

  test('is refused where this node may not share what it uses, and leaves no right', async () => {
    await installAtHome()
    for (const { cap, subject } of home.sharing.listCaps(home.owner, { path: '/' }))
      if (equalBytes(subject, people.second.id)) await home.sharing.revokeCap(home.owner, cap.id)
    const readers = readersOf('/plain/d').length
    await expect(away.host.start('notes', { isAgreed: true })).rejects.toMatchObject({
      code: 'ERR_APP_RIGHTS'
    })
    expect(readersOf('/plain/d').length).toBe(readers)
  })
})

describe('what another node changes', () => {
  test('a permission that was taken back there ends here, for the running app and in the tree', async () => {
    await installOnBoth()
    await home.host.revoke('notes', 'letters')
    await expect.poll(() => grantedOn(away)).toEqual(['data', 'web'])
    await expect.poll(() => readersOf('/plain/d').length).toBe(0)
  })

  test('a folder that was granted there is granted here too; what reaches the machine is agreed to here', async () => {
    const declined = { declined: ['letters', 'web'], objects: {} }
    await home.host.install(packVersion({ version: 1, permissions }), { consent: declined })
    await away.host.start('notes', { isAgreed: true })
    await home.host.grant('notes', 'letters', '/plain/d')
    await home.host.grant('notes', 'web')
    await expect.poll(() => grantedOn(away)).toEqual(['data', 'letters'])
    expect(grantedOn(home)).toEqual(['data', 'letters', 'web'])
    await away.host.grant('notes', 'web')
    expect(grantedOn(away)).toEqual(['data', 'letters', 'web'])
    await expect.poll(() => readersOf('/plain/d').length).toBe(2)
  })

  test('an upgrade stops the app here until it ends, then the new version of the same author runs', async () => {
    await installOnBoth()
    let seen: unknown
    home.guest = async (event) => {
      if (event !== 'migrate') return undefined
      await expect.poll(() => away.host.status('notes').instance).toBeUndefined()
      seen = away.host.status('notes').problem
      await expect(away.host.start('notes')).rejects.toMatchObject({ code: 'ERR_APP_ELSEWHERE' })
      return undefined
    }
    await home.host.upgrade('notes', packVersion({ version: 2, permissions }), upgradeConsent)
    expect(seen).toMatch(/upgrades it$/)
    await expect.poll(() => away.host.stateOf('notes')).toBe('running')
    expect(away.host.status('notes').installation.grant.version).toBe(2)
    await away.host.close()
    await away.host.startAll()
    expect(home.host.status('notes').installation.grant.version).toBe(2)
  })

  test('an upgrade that is under way there is not rolled back by a start here', async () => {
    await installOnBoth()
    let isTried = false
    home.guest = async (event) => {
      if (event !== 'migrate') return undefined
      const again = await openAppWorld(home, createMemoryKeyStorage({ crypto }), 'second')
      await again.host.startAll()
      isTried = home.files.exists(home.owner, '/apps/notes/before')
      return undefined
    }
    await home.host.upgrade('notes', packVersion({ version: 2, permissions }), upgradeConsent)
    expect(isTried).toBe(true)
  })

  test('an upgrade is made only where the app ran', async () => {
    await installAtHome()
    await expect(
      away.host.upgrade('notes', packVersion({ version: 2, permissions }), upgradeConsent)
    ).rejects.toMatchObject({ code: 'ERR_APP_ELSEWHERE' })
  })

  test('an app that was removed there ends here, with its rights and its key', async () => {
    await installOnBoth()
    const principal = principalOn(away)
    await home.host.uninstall('notes', { keepsData: false })
    await expect.poll(() => away.host.find('notes')).toBeUndefined()
    await expect
      .poll(async () => (await away.principals.list()).some(({ name }) => name === 'app-notes'))
      .toBe(false)
    const rights = away.sharing
      .listGrants(home.owner)
      .some(({ recipient }) => equalBytes(recipient, principal))
    expect(rights).toBe(false)
  })
})

describe('who may write below /apps and no more', () => {
  const mallory = people.writer
  let path: string

  beforeEach(async () => {
    await home.sharing.createShare(home.owner, '/plain/d')
    await home.host.install(packVersion({ version: 1, permissions }), {
      consent: { declined: ['letters', 'web'], objects: {} }
    })
    await away.host.start('notes', { isAgreed: true })
    if (!home.files.stat(home.owner, '/apps').zoneRoot) await home.sharing.createShare(home.owner, '/apps')
    await home.sharing.issueGrant(home.owner, { path: '/apps', to: { principal: mallory.record } })
    const terms = { path: '/apps', to: mallory.record, rights: right.write | right.create | right.delete }
    await home.sharing.issueWriteCap(home.owner, terms)
    path = `/apps/notes/nodes/${people.second.id.toHex()}`
  })

  async function forge(world: AppWorld, letters: string): Promise<Uint8Array> {
    const { grant } = home.host.status('notes').installation
    const { block } = home.files.stat(home.owner, letters)
    const object = { tree: home.tree.tree ?? people.node.id, block, path: letters }
    const permission = { name: 'letters', scope: folder.scope, object, asked: false }
    const forged = {
      ...grant,
      permissions: inOrder([...grant.permissions, permission]),
      sequence: grant.sequence + 1
    }
    return signAppGrant(crypto, world.files.actor(mallory).signer, forged).bytes
  }

  test('grants an app nothing that was not theirs to give', async () => {
    const bytes = await forge(home, '/plain/d')
    const asMallory = home.files.actor(mallory)
    await home.files.create(asMallory, '/apps/notes/grant', bytes, { replace: true })
    for (const { host } of [home, away]) {
      await new Promise((resolve) => setImmediate(resolve))
      await host.stop('notes') // after its turn with the change
      await host.start('notes')
    }
    expect([grantedOn(home), grantedOn(away)]).toEqual([['data'], ['data']])
    expect(readersOf('/plain/d')).toEqual([])
    // who may give it does
    await home.host.grant('notes', 'letters', '/plain/d')
    expect(grantedOn(home)).toEqual(['data', 'letters'])
  })

  /** Package and grant of another release, as the rights below /apps allow it. */
  async function replaceBy(as: Actor, bytes: Uint8Array): Promise<void> {
    const { grant } = home.host.status('notes').installation
    const { appId, manifest, releaseId } = readPackage(crypto, bytes)
    const forged = {
      ...grant,
      appId,
      version: manifest.version,
      releaseId,
      moduleHash: manifest.module.sha256,
      limits: manifest.limits,
      sequence: grant.sequence + 1
    }
    await home.files.create(as, '/apps/notes/package', bytes, { replace: true })
    const signed = signAppGrant(crypto, as.signer, forged).bytes
    await home.files.create(as, '/apps/notes/grant', signed, { replace: true })
  }

  async function expectStopped(): Promise<void> {
    for (const { host } of [home, away]) {
      await expect.poll(() => host.status('notes').instance).toBeUndefined()
      await host.startAll()
      expect(host.status('notes').instance).toBeUndefined()
      expect(host.stateOf('notes')).toBe('failed')
      await expect(host.start('notes')).rejects.toMatchObject({ code: 'ERR_APP_CONSENT' })
      await expect(
        host.upgrade('notes', packVersion({ version: 9, permissions }), upgradeConsent)
      ).rejects.toMatchObject({ code: 'ERR_APP_CONSENT' })
    }
  }

  const releases = [
    ['of another author', { version: 2, author: mallory }],
    ['of the same version', { version: 1, limits: { memoryBytes: 20_000_000 } }],
    ['of the same author and newer', { version: 2 }]
  ] as const

  test.each(releases)('replaces nothing that runs by a release %s', async (_, release) => {
    await replaceBy(home.files.actor(mallory), packVersion({ ...release, permissions: [data] }))
    await expectStopped()
    await away.host.start('notes', { isAgreed: true }) // somebody there saw it
    expect(away.host.stateOf('notes')).toBe('running')
    expect(home.host.status('notes').instance).toBeUndefined()
  })

  test('brings back no older release, though a node does it', async () => {
    await home.host.upgrade('notes', packVersion({ version: 2, permissions }), upgradeConsent)
    await expect.poll(() => away.host.stateOf('notes')).toBe('running')
    await replaceBy(home.owner, packVersion({ version: 1, permissions }))
    await expectStopped()
    await replaceBy(home.owner, packVersion({ version: 3, permissions }))
    for (const { host } of [home, away]) await expect.poll(() => host.stateOf('notes')).toBe('running')
  })

  test('has no node put back in its own name what nobody agreed to', async () => {
    const { files, owner } = home
    const asMallory = files.actor(mallory)
    const newer = packVersion({ version: 5, permissions: [data] })
    for (const { host } of [home, away]) await host.stop('notes')
    const before = files.stat(owner, '/apps/notes/package').versionId
    await files.makeDirectory(asMallory, '/apps/notes/before')
    await files.create(asMallory, '/apps/notes/before/package', newer)
    for (const part of ['grant', 'state'])
      await files.create(
        asMallory,
        `/apps/notes/before/${part}`,
        files.read(owner, `/apps/notes/${part}`).bytes
      )
    for (const part of ['files', 'kv']) await files.makeDirectory(asMallory, `/apps/notes/before/${part}`)
    const open = encodeAppState({ upgradingFrom: 1, upgradingNode: mallory.id })
    await files.create(asMallory, '/apps/notes/state', open, { replace: true })
    for (const { cap, subject } of home.sharing.listCaps(owner, { path: '/apps' }))
      if (equalBytes(subject, mallory.id)) await home.sharing.revokeCap(owner, cap.id)
    await home.host.startAll()
    expect(files.stat(owner, '/apps/notes/package').versionId).toEqual(before)
    await home.host.start('notes')
    expect(home.host.status('notes').installation.grant.version).toBe(1)
  })

  test('writes no consent in the name of a node, and names nobody whose rights it ends', async () => {
    await away.host.stop('notes')
    const asMallory = home.files.actor(mallory)
    const forged = { principal: people.reader.id, isEnabled: true, agreed: new Map(), release: undefined }
    await home.files.create(asMallory, path, encodeAppSeat(forged), { replace: true })
    const readers = readersOf('/zone').length
    await away.host.startAll()
    expect(away.host.stateOf('notes')).toBe('stopped')
    expect(readersOf('/zone').length).toBe(readers)
  })

  test('has nobody lose rights by a file that names them as an installation', async () => {
    const asMallory = home.files.actor(mallory)
    const own = `/apps/notes/nodes/${mallory.id.toHex()}`
    const forged = { principal: people.reader.id, isEnabled: true, agreed: new Map(), release: undefined }
    await home.files.create(asMallory, own, encodeAppSeat(forged))
    const readers = readersOf('/zone').length
    await home.host.uninstall('notes', { keepsData: false })
    expect(readersOf('/zone').length).toBe(readers)
  })

  test('gets nothing by a snapshot of an upgrade that they left behind', async () => {
    const { files, owner } = home
    const bytes = await forge(home, '/plain/d')
    for (const { host } of [home, away]) await host.stop('notes')
    const asMallory = files.actor(mallory)
    await files.makeDirectory(asMallory, '/apps/notes/before')
    await files.create(asMallory, '/apps/notes/before/grant', bytes)
    for (const part of ['package', 'state'])
      await files.create(
        asMallory,
        `/apps/notes/before/${part}`,
        files.read(owner, `/apps/notes/${part}`).bytes
      )
    for (const part of ['files', 'kv']) await files.makeDirectory(asMallory, `/apps/notes/before/${part}`)
    const open = encodeAppState({ upgradingFrom: 1, upgradingNode: mallory.id })
    await files.create(asMallory, '/apps/notes/state', open, { replace: true })
    for (const { cap, subject } of home.sharing.listCaps(owner, { path: '/apps' }))
      if (equalBytes(subject, mallory.id)) await home.sharing.revokeCap(owner, cap.id)
    await home.host.startAll()
    expect(files.exists(owner, '/apps/notes/before')).toBe(false)
    await home.host.start('notes')
    expect(grantedOn(home)).toEqual(['data'])
    expect(readersOf('/plain/d')).toEqual([])
  })
})

describe('records', () => {
  const release = { appId: people.writer.id, version: 3, releaseId: people.reader.id }
  const seat = {
    principal: people.node.id,
    isEnabled: true,
    agreed: new Map([['web', people.heir.id]]),
    release
  }

  test('of a node are read as they were written', () => {
    expect(decodeAppSeat(encodeAppSeat(seat), 'notes')).toEqual(seat)
    const without = { ...seat, release: undefined }
    expect(decodeAppSeat(encodeAppSeat(without), 'notes')).toEqual(without)
    // version 1, from before the release was kept
    const [head, , ...rest] = encodeAppSeat(without)
    const bytes = Uint8Array.of((head ?? 0) - 1, 0xb2, ...rest.slice(0, -1))
    bytes[bytes.indexOf(2)] = 1
    expect(decodeAppSeat(bytes, 'notes')).toEqual(without)
    bytes[bytes.indexOf(1)] = 2
    expect(() => decodeAppSeat(bytes, 'notes')).toThrow(expect.objectContaining({ code: 'ERR_APP_DAMAGED' }))
  })

  test.each([new Uint8Array(0), encodeAppSeat(seat).subarray(1), Uint8Array.of(...encodeAppSeat(seat), 0)])(
    'of a node that are damaged are refused (%#)',
    (bytes) => {
      expect(() => decodeAppSeat(bytes, 'notes')).toThrow(
        expect.objectContaining({ code: 'ERR_APP_DAMAGED' })
      )
    }
  )

  test('of upgrades are read in both versions', () => {
    const state = { wasEnabled: undefined, upgradingFrom: 3, upgradingNode: people.node.id }
    expect(decodeAppState(encodeAppState(state), 'notes')).toEqual(state)
    const first = Uint8Array.of(0x94, 0xad, ...new TextEncoder().encode('blocktree-app'), 1, 0xc3, 0xc0)
    expect(decodeAppState(first, 'notes')).toEqual({
      ...state,
      wasEnabled: true,
      upgradingFrom: undefined,
      upgradingNode: undefined
    })
    first[15] = 3
    expect(() => decodeAppState(first, 'notes')).toThrow(expect.objectContaining({ code: 'ERR_APP_DAMAGED' }))
  })
})
