import { beforeEach, describe, expect, test } from 'vitest'
import { grantablePath } from '../../src/apps/app-access.ts'
import { firstImage, nextProcess, type World } from '../crash/crash-world.ts'

let world: World

beforeEach(async () => {
  world = await nextProcess(await firstImage(), 'app access')
  const { files, owner } = world
  await files.makeDirectory(owner, '/apps/notes/data', { parents: true })
})

describe('grantablePath', () => {
  test('is the place itself of a folder, also when a link leads there', async () => {
    await world.files.symlink(world.owner, '/link', '/plain/d')
    expect(grantablePath(world, '/plain/d')).toBe('/plain/d')
    expect(grantablePath(world, '/link')).toBe('/plain/d')
    expect(grantablePath(world, '/link/x')).toBe('/plain/d/x')
  })

  test.each(['/', '/apps', '/apps/notes', '/apps/notes/data'])('refuses %s', async (path) => {
    expect(() => grantablePath(world, path)).toThrow(expect.objectContaining({ code: 'ERR_APP_CONSENT' }))
  })

  test.each(['/', '/apps', '/apps/notes/data'])('refuses a link to %s', async (target) => {
    await world.files.symlink(world.owner, '/plain/link', target)
    expect(() => grantablePath(world, '/plain/link')).toThrow(
      expect.objectContaining({ code: 'ERR_APP_CONSENT' })
    )
  })

  test('refuses what is reached through a link to the root', async () => {
    await world.files.symlink(world.owner, '/plain/link', '/')
    expect(() => grantablePath(world, '/plain/link/apps/notes')).toThrow(
      expect.objectContaining({ code: 'ERR_APP_CONSENT' })
    )
  })
})
