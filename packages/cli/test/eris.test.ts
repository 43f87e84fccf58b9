import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Finished, type Workplace, workplace } from './running-node.ts'

let place: Workplace
const emptyUrn =
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'

beforeAll(async () => {
  place = await workplace()
})
afterAll(() => place[Symbol.asyncDispose]())

const eris = (words: readonly string[], input = ''): Promise<Finished> =>
  place.run(['eris', ...words], { input })

async function ok(words: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await eris(words, input)
  expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' })
  return stdout
}

describe('eris commands without a node', () => {
  test('encode prints the URN alone, decode brings the content back', async () => {
    const content = Buffer.alloc(200_000, 'content ')
    writeFileSync(join(place.path, 'file'), content)
    const urn = (await ok(['encode', 'file'])).trimEnd()
    expect(urn).toMatch(/^urn:eris:B4[A-Z2-7]{104}$/u)
    expect(await ok(['encode', 'file'])).toBe(`${urn}\n`)
    expect(await ok(['decode', urn, 'back'])).toContain('back')
    expect(readFileSync(join(place.path, 'back')).equals(content)).toBe(true)
    expect(await ok(['decode', urn, '-', '--offset', '8', '--length', '7'])).toBe('content')
    const again = await eris(['decode', urn, 'back'])
    expect([again.code, again.stderr]).toEqual([6, expect.stringContaining('ERR_LOCAL_EXISTS')])
    expect(JSON.parse(await ok(['info', urn, '--json']))).toMatchObject({
      kind: 'content',
      contentBytes: 200_000
    })
    expect(JSON.parse(await ok(['verify', urn, '--json']))).toMatchObject({ isWhole: true, blockCount: 8 })
  })

  test('encode reads stdin and takes block size and secrets', async () => {
    expect(await ok(['encode', '-', '--block-size', '1k', '--dry-run'])).toBe(`${emptyUrn}\n`)
    const unique = [
      await ok(['encode', '-', '--unique', '--dry-run']),
      await ok(['encode', '-', '--unique', '--dry-run'])
    ]
    expect(unique[0]).not.toBe(unique[1])
    const secret = '00'.repeat(32)
    expect(await ok(['encode', '-', '--block-size', '1k', '--secret', secret, '--dry-run'])).toBe(
      `${emptyUrn}\n`
    )
    for (const bad of [
      ['--secret', '00'],
      ['--unique', '--convergent'],
      ['--block-size', '2k']
    ]) {
      expect((await eris(['encode', '-', ...bad])).code).toBe(2)
    }
  })

  test('a directory comes back with executables and links; one file of it alone too', async () => {
    const source = join(place.path, 'source')
    mkdirSync(join(source, 'bin'), { recursive: true })
    writeFileSync(join(source, 'bin', 'run'), '#!/bin/sh\n')
    chmodSync(join(source, 'bin', 'run'), 0o755)
    writeFileSync(join(source, 'readme'), 'read me')
    symlinkSync('bin/run', join(source, 'start'))
    mkdirSync(join(source, 'empty'))
    const encoded = await eris(['encode', 'source', '--json'])
    const { urn, kind } = JSON.parse(encoded.stdout) as { urn: string; kind: string }
    expect(kind).toBe('tree')
    expect(await ok(['list', urn])).toBe('start -> bin/run\nreadme\nbin/run*\n')
    await ok(['decode', urn, 'target'])
    expect(readdirSync(join(place.path, 'target')).sort()).toEqual(['bin', 'readme', 'start'])
    expect(statSync(join(place.path, 'target', 'bin', 'run')).mode & 0o111).toBe(0o111)
    expect(statSync(join(place.path, 'target', 'readme')).mode & 0o111).toBe(0)
    expect(readlinkSync(join(place.path, 'target', 'start'))).toBe('bin/run')
    expect(await ok(['decode', urn, '-', '--path', 'readme'])).toBe('read me')
    expect((await eris(['decode', urn, '-', '--path', '../readme'])).code).not.toBe(0)
  })

  test('a link that leads out is not extracted, and nothing else of its directory either', async () => {
    mkdirSync(join(place.path, 'bad'))
    symlinkSync('../../etc/passwd', join(place.path, 'bad', 'link'))
    writeFileSync(join(place.path, 'bad', 'file'), 'x')
    const urn = (await ok(['encode', 'bad'])).trimEnd()
    const refused = await eris(['decode', urn, 'bad-target'])
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining('ERR_ERIS_TREE_LINK')])
    expect(existsSync(join(place.path, 'bad-target'))).toBe(false)
  })

  test('say which file could not be read or written, and what is stored once', async () => {
    const urn = (await ok(['encode', 'file'])).trimEnd()
    const nowhere = await eris(['decode', urn, 'not/there/file'])
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('ERR_LOCAL_FILE')])
    expect(nowhere.stderr).toContain('the folder for it is not there')
    expect(nowhere.stderr).not.toContain(' at ')
    mkdirSync(join(place.path, 'twice'))
    for (const name of ['one', 'two', 'three']) writeFileSync(join(place.path, 'twice', name), 'the same')
    const { stderr, stdout } = await eris(['encode', 'twice'])
    expect(stdout).toMatch(/^urn:eris:[A-Z2-7]{106}\n$/u)
    expect(stderr).toContain('not stored again: 2')
    const tree = await eris(['decode', stdout.trimEnd(), 'file/below/a/file'])
    expect([tree.code, tree.stderr]).toEqual([1, expect.stringContaining('ERR_LOCAL_FILE')])
  })

  test('copy, link and magnet: content goes to another store and is named in other ways', async () => {
    const urn = (await ok(['encode', 'file'])).trimEnd()
    await ok(['copy', urn, 'cbor+file:blocks.cbor'])
    expect(await ok(['link', urn, 'file.eris', '--type', 'text/plain'])).toContain('text/plain')
    expect(await ok(['decode', 'file.eris', '-', '--length', '7', '--store', 'cbor+file:blocks.cbor'])).toBe(
      'content'
    )
    const magnet = (await ok(['magnet', urn, '--name', 'a b'])).trimEnd()
    expect(magnet).toBe(`magnet:?xt=${urn}&dn=a%20b&xl=200000`)
    expect(await ok(['decode', magnet, '-', '--length', '7'])).toBe('content')
  })

  test('say what is missing, damaged or no URN', async () => {
    const urn = (await ok(['encode', 'file'])).trimEnd()
    const missing = await eris(['decode', urn, 'nothing', '--store', 'memory:'])
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('ERR_ERIS_BLOCK_MISSING')])
    expect(existsSync(join(place.path, 'nothing'))).toBe(false)
    expect((await eris(['verify', urn, '--store', 'memory:'])).code).toBe(7)
    expect((await eris(['decode', 'urn:eris:nonsense', '-'])).code).toBe(2)
    expect((await eris(['decode', urn, '-', '--store', 'nothing:'])).code).toBe(2)
    expect(await ok(['info', urn, '--store', 'memory:'])).toContain('not in memory')
    expect(readdirSync(place.path).filter((name) => name.startsWith('.unfinished'))).toEqual([])
  })
})
