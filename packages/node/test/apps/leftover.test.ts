import { packApp } from '@blocktree/app-package'
import { beforeEach, describe, expect, test } from 'vitest'
import { appPlace } from '../../src/apps/app-place.ts'
import { encodeAppState } from '../../src/apps/app-state.ts'
import { isLeftover, isUpgradeOpen } from '../../src/apps/leftover.ts'
import { crypto, firstImage, nextProcess, people, type World } from '../crash/crash-world.ts'

const place = appPlace('notes')
const state = encodeAppState({ upgradingFrom: undefined, upgradingNode: undefined })
const packed = packNotes()

let world: World

beforeEach(async () => {
  world = await nextProcess(await firstImage(), 'leftover')
})

async function make(...paths: readonly string[]): Promise<void> {
  for (const path of paths) await world.files.makeDirectory(world.owner, path, { parents: true })
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await world.files.create(world.owner, path, bytes, { replace: true })
}

async function judge(): Promise<boolean> {
  return await isLeftover({ ...world, crypto }, place)
}

describe('isLeftover', () => {
  test('finds what an installation has written at each of its steps before the grant', async () => {
    expect(await judge()).toBe(false) // nothing is there
    const steps: readonly (() => Promise<void>)[] = [
      () => make(place.directory),
      () => make(place.data),
      () => make(place.files, place.keyValues),
      () => write(place.package, packed),
      () => write(place.state, state)
    ]
    for (const step of steps) {
      await step()
      expect(await judge()).toBe(true)
    }
    await write(place.grant, Uint8Array.of(1))
    expect(await judge()).toBe(false)
  })

  test.each([
    ['a file of the app', `${place.files}/note`],
    ['an entry of its key-value store', `${place.keyValues}/entry`],
    ['anything else beside it', `${place.directory}/letter`],
    ['a file in place of its data', place.data],
    ['a package that is none', place.package],
    ['a state without a package', place.state]
  ])('leaves a directory alone that holds %s', async (_, path) => {
    await make(place.directory)
    if (path !== place.data) await make(place.files, place.keyValues)
    await write(path, Uint8Array.of(1, 2, 3))
    expect(await judge()).toBe(false)
  })
})

describe('isUpgradeOpen', () => {
  test('is true from the moment a snapshot is whole until the upgrade ended', async () => {
    const judgeUpgrade = (): boolean => isUpgradeOpen({ ...world, crypto }, place)
    await make(place.files, place.keyValues, `${place.before}/kv`)
    expect(judgeUpgrade()).toBe(false)
    await write(place.state, encodeAppState({ upgradingFrom: 1, upgradingNode: people.node.id }))
    expect(judgeUpgrade()).toBe(true)
  })

  test('is false when the upgrade ended well and its snapshot is still there', async () => {
    await make(`${place.before}/kv`)
    await write(place.state, state)
    expect(isUpgradeOpen({ ...world, crypto }, place)).toBe(false)
  })
})

function packNotes(): Uint8Array {
  const { id, key, record } = people.node
  return packApp(crypto, {
    draft: {
      name: 'notes',
      version: 1,
      versionText: '1',
      minUpgradableVersion: 1,
      permissions: [],
      limits: {},
      routes: [],
      title: 'Notes',
      description: 'Short texts, found again.',
      licence: 'MIT',
      icon: undefined
    },
    module: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    assets: new Map(),
    signer: { id, key },
    authorRecord: record.bytes
  })
}
