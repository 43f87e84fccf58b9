import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, type Workplace, workplace } from './running-node.ts'

let place: Workplace
let node: RunningNode

beforeAll(async () => {
  place = await workplace()
  node = await place.start(['--eris-stores', `sqlite:${join(place.path, 'friend.sqlite')}?get`], {
    BLOCKTREE_PASSPHRASE: 'a passphrase for tests'
  })
})
afterAll(async () => {
  await node.stop()
  await place[Symbol.asyncDispose]()
})

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(words)
  expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' })
  return stdout
}

describe('content by URN on a node', () => {
  test('publish prints the URN alone, the same as eris encode; unpublish takes it back', async () => {
    writeFileSync(join(place.path, 'letter'), 'dear friend')
    await ok('put', 'letter', '/letter')
    const urn = (await ok('publish', '/letter')).trimEnd()
    expect(urn).toBe((await ok('eris', 'encode', 'letter', '--dry-run')).trimEnd())
    expect((await ok('publish', '/letter', '--unique')).trimEnd()).not.toBe(urn)
    expect(await ok('published')).toContain(urn)
    expect(await ok('fetch', urn, '/again')).toContain('/again')
    expect(await ok('cat', '/again')).toBe('dear friend')
    expect(await ok('unpublish', urn)).toContain('removed 1 blocks')
    expect((await place.run(['fetch', urn, '/third'])).code).toBe(3)
    expect((await place.run(['publish', '/nothing'])).code).toBe(3)
  })

  test('fetch takes a directory from a store of somebody else', async () => {
    const urn = (
      await ok('eris', 'encode', place.data.replace(/data$/u, 'letter'), '--store', 'sqlite:friend.sqlite')
    ).trimEnd()
    expect(await ok('fetch', urn, '/from-friend')).toContain('11 B')
  })

  test('an app comes by its release record: from blocks, or from the URL; not when the record was changed', async () => {
    await ok('app', 'new', 'hello', '--template', 'wat')
    await ok('app', 'build', 'hello')
    await ok('app', 'pack', 'hello', '--out', 'hello.blocktree', '--key', 'hello/author.key')
    await ok(
      'app',
      'release',
      'hello.blocktree',
      '--out',
      'hello.release',
      '--key',
      'hello/author.key',
      '--store',
      'sqlite:friend.sqlite'
    )
    const { code, stdout, stderr } = await place.run(['app', 'install', 'hello.release', '--yes'])
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('hello')
    expect(stderr).toContain('its blocks')
    writeFileSync(join(place.path, 'bad.release'), new Uint8Array(200))
    const bad = await place.run(['app', 'install', 'bad.release', '--yes'])
    expect([bad.code === 0, bad.stderr]).toEqual([false, expect.stringContaining('ERR_RELEASE_FORMAT')])
  })
})
